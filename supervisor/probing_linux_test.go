package supervisor_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tend"
	"tend/internal/testenv"
	"tend/process"
)

// web serves HTTP: what it answers stands in the file health, one word for each question, the last one for all that follow.
// It hangs where that is "hang", and waits for the file go where it is "wait", to answer well then.
const web = `
import http.server, os, sys, time
directory, port, delay = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
class Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            said = open(directory + "/health").read()
        except OSError:
            said = "200"
        said, _, rest = said.partition(" ")
        if rest:
            open(directory + "/rest", "w").write(rest)
            os.rename(directory + "/rest", directory + "/health")
        open(directory + "/asked", "a").write("x")
        if said == "hang":
            time.sleep(1000)
        if said == "wait":
            open(directory + "/waits", "w").close()
            while not os.path.exists(directory + "/go"):
                time.sleep(0.01)
            said = "200"
        self.send_response(int(said))
        self.end_headers()
        self.wfile.write(b"I am well\n")
    def log_message(self, *args):
        pass
print("starting", flush=True)
time.sleep(delay)
server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Web)
print("listening on %d" % port, flush=True)
server.serve_forever()
`

// webService defines a service that serves on a port of its own, after a delay.
func (c *chain) webService(name string, delay float64) (s tend.Service, port int) {
	c.Helper()
	testenv.Need(c, "python3")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	c.check(err)
	port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	s = c.definition(name)
	program := filepath.Join(c.place(name), "web.py")
	c.check(os.WriteFile(program, []byte(web), 0o600))
	s.CommandLine = fmt.Sprintf("python3 %s %s %d %g", program, c.place(name), port, delay)
	s.Ready = c.parse(fmt.Sprintf("http:%d/health", port))
	return s, port
}

func (c *chain) parse(text string) tend.Check {
	c.Helper()
	check, err := tend.ParseCheck(text)
	c.check(err)
	return check
}

// answers has the web service answer so from now on.
func (c *chain) says(name, said string) {
	c.Helper()
	c.check(os.WriteFile(filepath.Join(c.place(name), "new"), []byte(said), 0o600))
	c.check(os.Rename(filepath.Join(c.place(name), "new"), filepath.Join(c.place(name), "health")))
}

func TestAStartReturnsWhenItIsReadyAndSaysHowLongThatTookAndThePorts(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s, port := c.webService("web", 0.5)
	c.add(s)
	c.launch()
	p := c.do(tend.CommandStart, "web")["web"]
	if p.Kind != tend.ProgressStarted || p.Took < 0.5 || p.Ready != s.Ready.String() || !slices.Equal(p.Listening, []string{"tcp:127.0.0.1:" + strconv.Itoa(port)}) {
		t.Errorf("%+v", p)
	}
	if st := c.status("web"); !slices.Equal(st.Listening, p.Listening) || st.Unready != "" {
		t.Errorf("%+v", st)
	}
	asked, _ := os.ReadFile(filepath.Join(c.place("web"), "asked"))
	c.do(tend.CommandStop, "web")
	if again, _ := os.ReadFile(filepath.Join(c.place("web"), "asked")); len(again) != len(asked) || len(asked) != 1 {
		t.Errorf("it was asked %d times, and %d times once it was ready", len(asked), len(again)-len(asked))
	}
}

func TestReadyChecks(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	var names []string
	for name, ready := range map[string]string{
		"log": "log:^listening on [0-9]+$", "tcp": "tcp:PORT", "body": "http:PORT/ status=200 body='am well'",
		"command": "command:grep -q listening " + c.place("command") + "/out", "error": "log:on the error output",
	} {
		s, port := c.webService(name, 0.05)
		s.Ready = c.parse(strings.ReplaceAll(ready, "PORT", strconv.Itoa(port)))
		switch name {
		case "command":
			s.Stdout = c.place(name) + "/out"
		case "error":
			s.Stderr = c.place(name) + "/err"
			c.check(os.WriteFile(s.Stderr, []byte("on the error output of a run before\n"), 0o600))
			s.CommandLine, s.Shell = "sleep 0.3; echo on the error output >&2; exec "+s.CommandLine, true
		}
		c.add(s)
		names = append(names, name)
	}
	c.launch()
	news := c.do(tend.CommandStart, names...)
	for _, name := range names {
		if p := news[name]; p.Kind != tend.ProgressStarted || name == "error" && p.Took < 0.3 {
			t.Errorf("%s: %+v, %v", name, p, p.Error)
		}
	}
}

func TestWhatIsNeverReadySaysWhatItAnswered(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s, port := c.webService("web", 1000)
	s.ReadyTimeout, s.GiveUpAfter = tend.Duration(time.Second), 1
	s.CommandLine, s.Shell = "echo hello; exec sleep 1000", true
	c.add(s)
	c.launch()
	p := c.do(tend.CommandStart, "web")["web"]
	want := fmt.Sprintf("web was not ready within 1s: connection refused on 127.0.0.1:%d", port)
	if p.Kind != tend.ProgressFailed || p.Error.Message != want || !slices.Equal(p.Output, []string{"hello"}) {
		t.Errorf("%+v, %v", p, p.Error)
	}
	if st := c.status("web"); st.State != tend.PhaseFailed || !strings.Contains(st.Reason, "connection refused") {
		t.Errorf("%+v", st)
	}
}

func TestWhoDiesBeforeItIsReadyHasFailed(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s, _ := c.webService("web", 0)
	s.CommandLine, s.Shell, s.Restart = "echo cannot; exit 7", true, tend.RestartNo
	c.add(s)
	c.launch()
	if p := c.do(tend.CommandStart, "web")["web"]; p.Kind != tend.ProgressFailed || !strings.HasPrefix(p.Error.Message, "web exited with status 7") {
		t.Errorf("%+v, %v", p, p.Error)
	}
}

func TestAStopEndsTheAsking(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.definition("web")
	s.Ready = c.parse("command:echo $$ >> " + c.place("web") + "/asked; sleep 1000")
	s.HealthTimeout = tend.Duration(time.Hour)
	c.add(s)
	c.launch()
	go func() {
		_ = c.client.Do(context.Background(), tend.Request{Command: tend.CommandStart, Words: []string{"web"}}, func(tend.Progress) {})
	}()
	var command tend.Identity
	c.until("it is asked", func() error {
		text, _ := os.ReadFile(filepath.Join(c.place("web"), "asked"))
		pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return err
		}
		stat, err := process.ReadStat(pid)
		command = stat.Identity
		return err
	})
	c.do(tend.CommandStop, "web")
	c.until("the check has ended", func() error {
		if !process.Ended(command) {
			return errors.New("it lives")
		}
		return nil
	})
}

func TestWhoIsNotWellIsRestarted(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s, _ := c.webService("web", 0)
	s.Health, s.HealthInterval, s.HealthFailures = s.Ready, tend.Duration(100*time.Millisecond), 3
	s.HealthTimeout = tend.Duration(time.Minute)
	c.add(s)
	c.launch()
	c.start("web")
	before := c.status("web")

	c.says("web", "503 503 wait") // and well again, before that is one time too many
	c.until("its health check fails twice", func() error {
		_, err := os.Stat(filepath.Join(c.place("web"), "waits"))
		if st := c.status("web"); err != nil || !strings.Contains(st.Unhealthy, "503 Service Unavailable") {
			return fmt.Errorf("%q, %v", st.Unhealthy, err)
		}
		return nil
	})
	c.says("web", "503 503 200")
	c.allow("web", "go")
	c.until("it is well again", func() error {
		left, _ := os.ReadFile(filepath.Join(c.place("web"), "health"))
		if st := c.status("web"); st.Unhealthy != "" || string(left) != "200" {
			return fmt.Errorf("%q, and is to say %s", st.Unhealthy, left)
		}
		return nil
	})
	same(c, "its process", c.status("web").PID, before.PID)

	c.says("web", "503")
	c.until("it is restarted", func() error {
		if st := c.status("web"); st.Restarts == 0 || st.PID == before.PID {
			return fmt.Errorf("%s, process %d", st.State, st.PID)
		}
		return nil
	})
	c.says("web", "200")
	c.reaches("web", tend.PhaseRunning)
	reason := ""
	for _, e := range c.entries("web") {
		if e.Kind == tend.NoteUnhealthy && strings.Contains(e.Text, "failed its health check 3 times") {
			reason = e.Text
		}
	}
	if !strings.Contains(reason, "/health: 503 Service Unavailable") {
		t.Errorf("the history says %q", reason)
	}
}

func TestAServerThatHangsIsNotWell(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s, port := c.webService("web", 0)
	s.Health, s.HealthInterval, s.HealthTimeout, s.HealthFailures = s.Ready, tend.Duration(100*time.Millisecond), tend.Duration(200*time.Millisecond), 1
	s.Restart = tend.RestartNo
	c.add(s)
	c.launch()
	c.start("web")
	c.says("web", "hang")
	st := c.reaches("web", tend.PhaseFailed)
	if want := fmt.Sprintf("failed its health check: no answer from 127.0.0.1:%d within 200ms", port); !strings.Contains(st.Reason, want) {
		t.Errorf("%q is not %q", st.Reason, want)
	}
}

func TestSomebodyElsesPortDoesNotMakeItReady(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s, port := c.webService("web", 0)
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	c.check(err)
	s.Ready, s.ReadyTimeout, s.GiveUpAfter = c.parse(fmt.Sprintf("tcp:%d", port)), tend.Duration(time.Second), 1
	s.CommandLine = c.definition("web").CommandLine // which listens on nothing
	c.add(s)
	dies := c.definition("dies", "-fail", "-code", "1")
	dies.Ready, dies.GiveUpAfter = s.Ready, 1
	c.add(dies)
	c.launch()
	news := c.do(tend.CommandStart, "web", "dies")
	who := fmt.Sprintf("port %d is held by process %d (", port, os.Getpid())
	for _, name := range []string{"web", "dies"} {
		if p := news[name]; p.Kind != tend.ProgressFailed || !strings.Contains(p.Error.Message, who) {
			t.Errorf("%s: %+v, %v", name, p, p.Error)
		}
	}
	c.until("who has the port stands in its status", func() error {
		if st := c.status("dies"); !strings.HasPrefix(st.Unready, who) {
			return fmt.Errorf("%q", st.Unready)
		}
		return nil
	})
	l.Close()
}

// Whether a run is ready is asked again by the next supervisor, of what the run has written since it began as well.
func TestAKilledSupervisorsChecksGoOn(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s, _ := c.webService("web", 0)
	s.Stderr = c.place("web") + "/err"
	s.CommandLine = `echo is ready >&2; while ! test -e ` + c.place("web") + `/go; do sleep 0.01; done; exec ` + s.CommandLine
	s.Shell = true
	s.Health, s.HealthInterval, s.HealthFailures, s.Restart = s.Ready, tend.Duration(100*time.Millisecond), 1, tend.RestartNo
	c.add(s)
	logged := c.definition("logged")
	logged.Ready = c.parse("log:is here")
	logged.CommandLine, logged.Shell = "echo is here; exec sleep 1000", true
	c.add(logged)
	c.launch()
	done := make(chan map[string]tend.Progress)
	go func() { done <- c.do(tend.CommandStart) }()
	c.reaches("web", tend.PhaseStarting)
	c.until("it has a process", func() error {
		if c.status("web").PID == 0 {
			return errors.New("none")
		}
		return nil
	})
	pid := c.status("web").PID
	for range 3 {
		c.killSupervisor()
	}
	c.check(os.WriteFile(filepath.Join(c.place("web"), "go"), nil, 0o600))
	for name, p := range <-done {
		if p.Kind != tend.ProgressStarted {
			t.Errorf("%s: %+v, %v", name, p, p.Error)
		}
	}
	c.killSupervisor()
	if st := c.reaches("web", tend.PhaseRunning); st.PID != pid {
		t.Errorf("another process: %d, not %d", st.PID, pid)
	}
	c.says("web", "500")
	c.reaches("web", tend.PhaseFailed)
}

// A command that hangs does not outlive its supervisor for long, and no second copy of it is there.
func TestAKilledSupervisorsCommandIsEnded(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.definition("web")
	c.check(os.WriteFile(filepath.Join(c.place("web"), "asked"), nil, 0o600))
	s.Health = c.parse("command:echo $$ >> " + c.place("web") + "/asked; (sleep 1000); true")
	s.HealthInterval, s.HealthTimeout = tend.Duration(100*time.Millisecond), tend.Duration(time.Hour)
	c.add(s)
	c.launch()
	c.start("web")
	var asked []tend.Identity // the commands so far
	wait := func(n int) {
		c.until(fmt.Sprintf("it is asked %d times", n), func() error {
			asked = nil
			for _, pid := range c.noted("web", "asked") {
				stat, err := process.ReadStat(pid)
				if err != nil {
					stat.PID = pid
				}
				asked = append(asked, stat.Identity)
			}
			if len(asked) < n {
				return fmt.Errorf("%d times", len(asked))
			}
			return nil
		})
	}
	wait(1)
	first := asked[0]
	c.killSupervisor()
	c.until("the first command has ended", func() error {
		if !process.Ended(first) {
			return errors.New("it lives")
		}
		return nil
	})
	wait(2)
}

// killSupervisor kills the supervisor, and waits for the next one.
func (c *chain) killSupervisor() {
	c.Helper()
	_, _, pid := c.settled()
	c.check(syscall.Kill(pid, syscall.SIGKILL))
	c.status("web") // by the next one
}

func TestHealthMayBeChangedWhileItRuns(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.definition("web")
	s.Restart = tend.RestartNo
	c.add(s)
	c.launch()
	c.start("web")
	s.Health, s.HealthInterval, s.HealthFailures = c.parse("command:echo is ill; false"), tend.Duration(100*time.Millisecond), 1
	c.change(s)
	if st := c.reaches("web", tend.PhaseFailed); !strings.Contains(st.Reason, "the command exited with status 1: is ill") {
		t.Error(st.Reason)
	}
}
