package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tend"
	"tend/process"
)

// command waits until the process runs that program: a shell on its way to it has another name.
func command(t testing.TB, id tend.Identity, name string) {
	t.Helper()
	eventually(t, "it is "+name, func() bool {
		stat, err := process.ReadStat(id.PID)
		return err == nil && stat.Command == name
	})
}

// lives waits until a process of the world has exactly these words, and returns it.
func (w *world) lives(words ...string) (id tend.Identity) {
	w.t.Helper()
	eventually(w.t, strings.Join(words, " ")+" runs", func() bool {
		for _, p := range below(everybody()) {
			if strings.Join(p.words, " ") == strings.Join(words, " ") {
				id = p.Identity
			}
		}
		return !id.IsZero()
	})
	return id
}

func TestStopEndsWhatIgnoresSIGTERM(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.up("stub", "--stop", "TERM/0.3/KILL/5", "--", "sh", "-c", `trap "" TERM; exec sleep 1000`)
	command(t, id, "sleep")
	pid := pidText(id)
	w.down("stub").says("Stopping stub ...", "... sending SIGTERM to "+pid, "... sending SIGKILL to "+pid, "... stub is stopped")
}

func TestStopBySchedule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.up("own", "--stop", "HUP/0.1/INT/0.1/QUIT/5", "--", "sh", "-c", `trap "" HUP INT; exec sleep 1000`)
	command(t, id, "sleep")
	pid := pidText(id)
	w.down("own").says("Stopping own ...", "... sending SIGHUP to "+pid, "... sending SIGINT to "+pid, "... sending SIGQUIT to "+pid, "... own is stopped")
	if s := w.status("own"); s.LastExit == nil || s.LastExit.Signal != "QUIT" {
		t.Errorf("it ended by %v", s.LastExit)
	}
}

func TestStopEndsAProgramThatEndsWellOnSIGTERM(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ready := w.work + "/ready"
	w.up("neat", "--restart", "always", "--", "sh", "-c", `trap 'echo bye; exit 0' TERM; sleep 1000 & : >`+ready+`; wait`)
	eventually(t, "it is ready", func() bool { _, err := os.Stat(ready); return err == nil })
	w.down("neat")
	if text := read(t, filepath.Join(w.database+"-logs", "neat.log")); text != "bye\n" {
		t.Errorf("its log is %q", text)
	}
	if s := w.status("neat"); s.LastExit == nil || *s.LastExit != (tend.Exit{}) {
		t.Errorf("it ended by %v", s.LastExit)
	}
}

func TestStopEndsAProgramThatIsSuspended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.up("held", "--stop", "TERM/60/KILL/5", "--", "sleep", "1000")
	if err := process.Signal(id, "STOP"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is suspended", func() bool { stat, err := process.ReadStat(id.PID); return err == nil && stat.Stopped() })
	w.down("held")
	if s := w.status("held"); s.LastExit == nil || s.LastExit.Signal != "TERM" {
		t.Errorf("it ended by %v: the signal waited", s.LastExit)
	}
}

func TestAProgramThatGoesToTheBackground(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.up("daemon", "--", "sh", "-c", `(setsid sleep 5101 &) ; exit 0`)
	command(t, id, "sleep")
	if stat, err := process.ReadStat(id.PID); err != nil || stat.Session != id.PID {
		t.Errorf("the process that is followed is %+v (%v)", stat, err)
	}
	w.tend("start", "daemon").ok().says("Starting daemon ...", "... daemon already running with PID "+pidText(id))

	kill(id) // its policy is on-failure
	s := w.becomes("daemon", "is restarted", func(s tend.Status) bool { return s.State == tend.PhaseRunning && s.PID != id.PID })
	if s.Restarts != 1 || s.LastExit == nil || s.LastExit.Signal != "KILL" {
		t.Errorf("after a kill: %d restarts, it ended by %v", s.Restarts, s.LastExit)
	}
	w.down("daemon")
}

// The environment is gone, the session is another, the parent is gone: only while the main process stays is there
// somebody who could be asked.
func TestStopEndsWhatHasLeft(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ script, left string }{
		"a child":                    {`sleep 5201 & exec sleep 1000`, "sleep 5201"},
		"its own session":            {`setsid sleep 5202 & exec sleep 1000`, "sleep 5202"},
		"double fork":                {`(setsid sleep 5203 &) ; exec sleep 1000`, "sleep 5203"},
		"environment cleared":        {`env -i sleep 5204 & exec sleep 1000`, "sleep 5204"},
		"double fork, cleared":       {`(env -i sleep 5205 &) ; exec sleep 1000`, "sleep 5205"},
		"session of a left parent":   {`(setsid sh -c 'env -i sleep 5206 & exec sleep 1001' &) ; exec sleep 1000`, "sleep 5206"},
		"ignores what it can":        {`(setsid sh -c 'trap "" TERM HUP INT; exec sleep 5207' &) ; exec sleep 1000`, "sleep 5207"},
		"double fork, all of them":   {`(setsid env -i sleep 5208 &) ; exec sleep 1000`, "sleep 5208"},
		"all of them, main has gone": {`(setsid env -i sleep 5209 &) ; exit 0`, "sleep 5209"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.up("tree", "--stop", "TERM/0.5/KILL/5", "--", "sh", "-c", test.script)
			left := w.lives(strings.Fields(test.left)...)
			defer kill(left)
			w.down("tree")
			if alive(left) {
				t.Errorf("process %d lives", left.PID)
			}
		})
	}
}

// Programs that go to the background fork and end at the very moment at which they are looked at. Whoever is missed
// runs on unseen.
func TestManyProgramsThatGoToTheBackground(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 40
	for i := range n {
		script := []string{`(setsid sleep 5301 &) & exit 0`, `(setsid sleep 5302 &) ; exit 0`, `setsid sleep 5303 & exit 0`}[i%3]
		w.tend("add", "daemon-"+strconv.Itoa(i), "--", "sh", "-c", script).ok()
	}
	for range 3 {
		w.tend("start", "--all").ok()
		rows := w.tend("list", "--columns", "state,command").ok().stdout
		if got := strings.Count(rows, "running\t"); got != n {
			t.Errorf("%d of %d are followed:\n%s", got, n, rows)
		}
		w.tend("stop", "--all").ok()
		for _, p := range w.processes() {
			if p.Command == "sleep" {
				t.Errorf("not seen: %s", p)
				kill(p.Identity)
			}
		}
	}
}

// Others' services are not touched, however alike they are.
func TestStopEndsNobodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	script := `sleep 1001 & (setsid sleep 1002 &) ; exec sleep 1000`
	w.up("one", "--", "sh", "-c", script)
	id := w.up("two", "--", "sh", "-c", script)
	before := len(w.processes())
	w.down("one")
	if after := len(w.processes()); after != before-3 || !alive(id) {
		t.Errorf("%d processes were left of %d", after, before)
	}
	w.down("two")
}

func pidText(id tend.Identity) string { return strconv.Itoa(id.PID) }
