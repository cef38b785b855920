package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tend"
)

// restarted waits for a new run of the service that is ready, and returns how it stands.
func (w *world) restarted(name string, before tend.Identity) tend.Status {
	w.t.Helper()
	return w.becomes(name, "is restarted", func(s tend.Status) bool { return s.State == tend.PhaseRunning && s.PID != before.PID })
}

func TestACrashIsFollowedByARestartAtOnceAndThenByPauses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.up("web", "--backoff", "1500ms..1m", "--", "sleep", "1000")

	kill(id)
	ended := time.Now()
	s := w.restarted("web", id)
	if s.Restarts != 1 || s.Failures != 1 || s.LastExit == nil || s.LastExit.Signal != "KILL" || !s.NextTry.IsZero() {
		t.Errorf("after the first crash: %+v", s)
	}
	if pause := s.StartedAt.Sub(ended); pause > time.Second {
		t.Errorf("the first restart was %v after the end", pause)
	}

	kill(identify(t, s.PID))
	s = w.becomes("web", "waits", func(s tend.Status) bool { return s.State == tend.PhaseBackoff })
	if s.Failures != 2 || s.PID != 0 || s.NextTry.IsZero() {
		t.Errorf("after the second crash: %+v", s)
	}
	if pause := s.NextTry.Sub(s.LastEnd); pause < 1200*time.Millisecond || pause > 1500*time.Millisecond {
		t.Errorf("the pause after the second crash is %v, not 1.5s less at most a fifth", pause)
	}
	shown := w.tend("status", "web").is(3).stdout
	for _, part := range []string{"backoff", "next try", "2 in a row", "SIGKILL"} {
		if !strings.Contains(shown, part) {
			t.Errorf("status does not show %q:\n%s", part, shown)
		}
	}
	next := s.NextTry
	s = w.becomes("web", "is restarted", func(s tend.Status) bool { return s.State == tend.PhaseRunning })
	if s.StartedAt.Before(next) || s.Restarts != 2 || s.Failures != 2 {
		t.Errorf("after the pause: %+v, next try was %v", s, next)
	}

	// a start by hand begins anew
	kill(identify(t, s.PID))
	w.becomes("web", "waits", func(s tend.Status) bool { return s.State == tend.PhaseBackoff })
	w.tend("start", "web").ok().says("Starting web ...", "... started web")
	s = w.status("web")
	if s.Failures != 0 || s.Restarts != 0 {
		t.Errorf("after a start by hand: %+v", s)
	}
	again := identify(t, s.PID)
	kill(again)
	if s = w.restarted("web", again); s.Restarts != 1 || s.Failures != 1 {
		t.Errorf("after another first crash: %+v", s)
	}
	w.down("web")
}

func TestStopDuringAPause(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tend("run", "--backoff", "1h", "again", "--", "sh", "-c", "exit 4").is(1)
	w.becomes("again", "waits", func(s tend.Status) bool { return s.State == tend.PhaseBackoff })
	w.down("again").says("Stopping again ...", "... again is stopped")
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	// Each program runs for longer than its readiness check, and then ends so.
	for name, test := range map[string]struct {
		options []string
		end     string
		state   tend.Phase // where it rests; "" if it is restarted
		reason  string
	}{
		"no, killed":             {[]string{"--restart", "no"}, "kill -9 $$", tend.PhaseFailed, "SIGKILL"},
		"no, status 1":           {[]string{"--restart", "no"}, "exit 1", tend.PhaseFailed, "exited with status 1"},
		"no, status 0":           {[]string{"--restart", "no"}, "exit 0", tend.PhaseExited, ""},
		"on-failure, killed":     {nil, "kill -9 $$", "", ""},
		"on-failure, status 1":   {nil, "exit 1", "", ""},
		"on-failure, status 0":   {nil, "exit 0", tend.PhaseExited, ""},
		"always, status 0":       {[]string{"--restart", "always"}, "exit 0", "", ""},
		"always, status 1":       {[]string{"--restart", "always"}, "exit 1", "", ""},
		"success code":           {[]string{"--success-codes", "3,7"}, "exit 7", tend.PhaseExited, ""},
		"success code, 0 too":    {[]string{"--success-codes", "3,7"}, "exit 0", tend.PhaseExited, ""},
		"no success code":        {[]string{"--success-codes", "3,7"}, "exit 8", "", ""},
		"always, a success code": {[]string{"--restart", "always", "--success-codes", "3"}, "exit 3", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			gate := w.work + "/gate"
			script := fmt.Sprintf(`read x < %s; %s`, gate, test.end)
			fifo(t, gate)
			words := append(append([]string{}, test.options...), "--", "sh", "-c", script)
			id := w.up("job", words...)
			open, err := os.OpenFile(gate, os.O_RDWR, 0) // lets it go on
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(open, "go")
			awaitEnd(t, id)
			if test.state == "" {
				s := w.restarted("job", id)
				if s.Restarts != 1 || s.Failures > 1 || s.LastExit == nil {
					t.Errorf("it is %+v", s)
				}
			} else {
				s := w.becomes("job", "rests", func(s tend.Status) bool { return s.State == test.state })
				if s.Restarts != 0 || s.PID != 0 || !strings.Contains(s.Reason, test.reason) {
					t.Errorf("it is %+v", s)
				}
			}
			w.tend("stop", "job").ok()
			open.Close()
			os.Remove(gate)
		})
	}
}

func TestGivingUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.tend("run", "--give-up-after", "3", "--backoff", "20ms..50ms", "bad", "--", "sh", "-c", "echo tried; exit 3").is(1)
	r.complains("bad exited with status 3", "| tried", "starting it again")
	s := w.becomes("bad", "has failed", func(s tend.Status) bool { return s.State == tend.PhaseFailed })
	if s.Failures != 3 || s.Restarts != 2 || s.PID != 0 || !strings.Contains(s.Reason, "failure 3 of 3") || !strings.Contains(s.Reason, "status 3") {
		t.Errorf("it is %+v", s)
	}
	if tries := strings.Count(w.tend("logs", "-n", "all", "bad").ok().stdout, "tried\n"); tries != 3 {
		t.Errorf("it was tried %d times", tries)
	}
	w.tend("start", "bad").is(1) // and counts from the beginning
	w.becomes("bad", "has failed again", func(s tend.Status) bool { return s.State == tend.PhaseFailed && s.Failures == 3 })
}

// A service that has written pages of output before it dies shows the last lines of this run, not of others.
func TestACrashAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tend("run", "--restart", "no", "bad", "--", "sh", "-c", "echo of the first run; exit 9").is(1)
	r := w.tend("run", "--restart", "no", "bad", "--", "sh", "-c", "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; done; exit 3").is(1)
	r.complains("bad exited with status 3", "| line 3\n", "| line 12\n", "it is not started again by itself")
	if strings.Contains(r.stderr, "line 2\n") || strings.Contains(r.stderr, "first run") {
		t.Errorf("it shows more than the last lines:\n%s", r.stderr)
	}
	if s := w.status("bad"); s.State != tend.PhaseFailed || s.LastExit == nil || s.LastExit.Code != 3 || !s.Wanted {
		t.Errorf("it is %+v", s)
	}
	w.tend("run", "--restart", "no", "silent", "--", "sh", "-c", "kill -SEGV $$").is(1).complains("silent was killed by SIGSEGV")
}
