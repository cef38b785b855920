package supervisor_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tend"
	"tend/internal/testenv"
	"tend/keeper"
	"tend/process"
)

// speaking defines a service that runs a shell script and tells by notify that it is ready.
func (c *chain) speaking(name, script string) tend.Service {
	c.Helper()
	s := c.script(name, script)
	s.Ready = tend.Check{Kind: tend.CheckNotify}
	return s
}

// awaits is a shell command that waits until the test lets the service go on.
func (c *chain) awaits(name, what string) string {
	return fmt.Sprintf("while [ ! -e %s ]; do sleep 0.01; done", filepath.Join(c.place(name), what))
}

func (c *chain) allow(name, what string) {
	c.Helper()
	c.check(os.WriteFile(filepath.Join(c.place(name), what), nil, 0o600))
}

// replaceSupervisor kills the supervisor, and waits for another.
func (c *chain) replaceSupervisor() {
	c.Helper()
	_, _, supervisor := c.settled()
	c.signal(supervisor, syscall.SIGKILL)
	c.until("another supervisor is there", func() error { return when(c.supervisor() != supervisor) })
}

// begins starts a service without waiting for it.
func (c *chain) begins(name string) <-chan tend.Progress {
	c.Helper()
	return c.ask(tend.Request{Command: tend.CommandStart, Words: []string{name}})
}

func (c *chain) tells(name, want string) {
	c.Helper()
	c.until(fmt.Sprintf("%s says %q", name, want), func() error {
		if st := c.status(name); st.Says != want {
			return fmt.Errorf("it says %q", st.Says)
		}
		return nil
	})
}

func TestSystemdNotify(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "systemd-notify")
	c := newChain(t)
	s := c.speaking("web", strings.Join([]string{
		"systemd-notify --status='warming up'", c.awaits("web", "go"), "systemd-notify --ready --status='up and well'",
		c.awaits("web", "reload"), "systemd-notify RELOADING=1 MONOTONIC_USEC=1", c.awaits("web", "reloaded"), "systemd-notify READY=1",
		c.awaits("web", "leave"), "systemd-notify STOPPING=1 STATUS=bye ERRNO=2", c.awaits("web", "fail"), "exit 3",
	}, "\n"))
	s.Restart = tend.RestartNo
	c.add(s)
	c.launch()
	answer := c.begins("web")
	c.tells("web", "warming up")
	same(c, "its state", c.status("web").State, tend.PhaseStarting)
	c.allow("web", "go")
	c.answers("start", answer, tend.ProgressStarted)
	c.tells("web", "up and well")
	for _, step := range []struct {
		file                 string
		reloading, departing bool
	}{{"reload", true, false}, {"reloaded", false, false}, {"leave", false, true}} {
		c.allow("web", step.file)
		c.until(step.file, func() error {
			st := c.status("web")
			return when(st.Reloading == step.reloading && st.Departing == step.departing)
		})
	}
	c.tells("web", "bye")
	c.allow("web", "fail")
	if st := c.reaches("web", tend.PhaseFailed); !strings.Contains(st.Reason, "no such file or directory (errno 2)") {
		t.Errorf("the reason is %q", st.Reason)
	}
	entries, err := os.ReadDir(keeper.NotifyDirectory(c.dir))
	if err != nil || len(entries) > 0 {
		t.Errorf("sockets that are left over: %v, %v", entries, err)
	}
}

// What is said while there is no supervisor counts, and whoever waits for the queue goes on when there is one again.
func TestWhatIsSaidWhileNobodySupervisesCounts(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "systemd-notify")
	c := newChain(t)
	c.add(c.speaking("web", strings.Join([]string{
		c.awaits("web", "go"), "systemd-notify --no-block --ready", "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do systemd-notify --no-block --status=$i; echo $i >>" + c.place("web") + "/sent; done",
		"exec sleep 1000",
	}, "\n")))
	c.launch()
	answer := c.begins("web")
	c.until("it runs", func() error { return when(c.status("web").PID != 0) })
	before := c.status("web").PID
	c.paused(func() {
		c.allow("web", "go")
		c.until("the queue is full", func() error { return when(len(c.noted("web", "sent")) >= 8) })
	})
	c.answers("start", answer, tend.ProgressStarted)
	c.tells("web", "20")
	same(c, "its pid", c.status("web").PID, before)
}

// Without the shelf, which is lost when all of us are killed, a service is heard again by a socket at the same place.
func TestASocketIsMadeAnewWhenAllOfUsWereKilled(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "systemd-notify")
	c := newChain(t)
	c.add(c.speaking("web", strings.Join([]string{
		c.awaits("web", "go"), "systemd-notify --ready", c.awaits("web", "more"), "systemd-notify --status=more", "exec sleep 1000",
	}, "\n")))
	c.launch()
	c.begins("web")
	c.until("it runs", func() error { return when(c.status("web").PID != 0) })
	before := c.status("web").PID
	c.killAtOnce(c.outer(), c.inner(), c.supervisor())
	c.launch()
	same(c, "its pid", c.status("web").PID, before)
	c.allow("web", "go")
	c.reaches("web", tend.PhaseRunning)
	c.replaceSupervisor() // it is on the new shelf
	c.check(os.RemoveAll(keeper.NotifyDirectory(c.dir)))
	c.until("there is a socket again", func() error {
		entries, _ := os.ReadDir(keeper.NotifyDirectory(c.dir))
		return when(len(entries) == 1)
	})
	c.allow("web", "more")
	c.tells("web", "more")
	same(c, "its pid", c.status("web").PID, before)
}

// A program that says which of its processes is the main one is believed, if that is one of its own.
func TestMainProcessIsSaid(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "systemd-notify")
	c := newChain(t)
	c.add(c.speaking("web", strings.Join([]string{
		"sleep 1001 &", "sleep 1002 &", "systemd-notify --ready MAINPID=$!", c.awaits("web", "strangers"), "systemd-notify MAINPID=1 STATUS=stranger",
		"systemd-notify MAINPID=$PPID STATUS=keeper", c.awaits("web", "go"), "exit 7",
	}, "\n")))
	c.launch()
	c.start("web")
	st := c.status("web")
	if line, _ := process.CommandLine(st.PID); strings.Join(line, " ") != "sleep 1002" {
		t.Fatalf("the main process is %q", line)
	}
	c.allow("web", "strangers")
	c.tells("web", "keeper")
	c.allow("web", "go")
	main := st.PID
	c.until("the former main process has ended", func() error {
		return when(len(process.Descendants(c.identity(main))) == 0 && c.status("web").PID == main)
	})
	same(c, "its state", c.status("web").State, tend.PhaseRunning)
	c.replaceSupervisor()
	c.check(syscall.Kill(main, syscall.SIGKILL))
	c.until("another run", func() error { return when(c.status("web").Restarts == 1) })
	if exit := c.runs("web")[1].Exit; exit == nil || exit.Signal != "KILL" {
		t.Errorf("the run ended so: %v", exit)
	}
}

func (c *chain) identity(pid int) tend.Identity {
	stat, err := process.ReadStat(pid)
	c.check(err)
	return stat.Identity
}

// python has a service run a script of python's with the modules of Debian's python3-systemd.
func (c *chain) python(name, script string) tend.Service {
	c.Helper()
	const python = "/usr/bin/python3"
	if exec.Command(python, "-c", "import systemd.daemon").Run() != nil {
		testenv.Missing(c.T, "not installed: python3-systemd")
	}
	s := c.definition(name)
	file := filepath.Join(c.place(name), "script.py")
	c.check(os.WriteFile(file, []byte("import os, sys, time, socket, struct\nfrom systemd import daemon\nplace = "+strconv.Quote(c.place(name)+"/")+
		"\ndef await_(what):\n  while not os.path.exists(place + what): time.sleep(0.01)\n"+script), 0o600))
	s.CommandLine = python + " " + file
	s.Ready = tend.Check{Kind: tend.CheckNotify}
	return s
}

// A run that gives no sign of life any more is ended and started again; our own death does not count against it.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.python("web", `
assert os.environ["WATCHDOG_PID"] == str(os.getpid()) and os.environ["WATCHDOG_USEC"] == "2000000"
daemon.notify("READY=1")
began = time.monotonic()
while not os.path.exists(place + "hang"):
  if time.monotonic() - began > 2.5: daemon.notify("STATUS=long")
  daemon.notify("WATCHDOG=1")
  time.sleep(0.05)
time.sleep(1000)
`)
	s.Health = tend.Check{Kind: tend.CheckNotify, After: tend.Duration(2 * time.Second)}
	c.add(s)
	c.launch()
	c.start("web")
	before := c.status("web").PID
	for range 3 {
		c.replaceSupervisor()
	}
	c.tells("web", "long")
	same(c, "its pid", c.status("web").PID, before)
	c.allow("web", "hang")
	c.until("it is started again", func() error { return when(c.status("web").Restarts > 0) })
	if h := c.history("web"); !strings.Contains(h, "no sign of life (WATCHDOG=1) for 2s") {
		t.Errorf("history: %s", h)
	}
}

// A watchdog may be changed by the run itself, also across our death, and it may say that it does not work.
func TestWatchdogIsChanged(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.python("web", `
daemon.notify("READY=1\nWATCHDOG_USEC=300000\nSTATUS=ready")
await_("stop")
daemon.notify("WATCHDOG=trigger")
time.sleep(1000)
`)
	s.Health = tend.Check{Kind: tend.CheckNotify, After: tend.Duration(time.Hour)}
	c.add(s)
	c.launch()
	c.start("web")
	c.tells("web", "ready")
	c.replaceSupervisor()
	c.until("it is started again", func() error { return when(c.status("web").Restarts > 0) })
	c.allow("web", "stop")
	c.until("it is started again for what it said", func() error {
		return when(strings.Contains(c.history("web"), "WATCHDOG=trigger"))
	})
}

// Descriptors that a service has kept are there again at its next start, whoever dies in between, until it is stopped.
func TestFDStore(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.python("web", `
assert os.environ["FDSTORE"] == "3"
names = os.environ.get("LISTEN_FDNAMES", "")
fds = daemon.listen_fds()
text = ""
if names.startswith("mem"):
  os.lseek(fds[0], 0, 0)
  text = os.read(fds[0], 100).decode()
elif not fds:
  mem = os.memfd_create("x")
  os.write(mem, b"kept")
  daemon.notify("FDSTORE=1\nFDNAME=mem", False, 0, [mem])
  daemon.notify("FDSTORE=1\nFDNAME=again", False, 0, [mem])
  r, w = os.pipe()
  daemon.notify("FDSTORE=1\nFDPOLL=0", False, 0, [r])
  r2, w2 = os.pipe()
  daemon.notify("FDSTORE=1\nFDNAME=polled", False, 0, [r2])
  daemon.notify("FDSTORE=1\nFDNAME=too-many", False, 0, [os.memfd_create("y")])
daemon.notify("READY=1\nSTATUS=%d %s %s" % (len(fds), names, text))
await_("hang-up")
if not fds:
  os.close(w2)
  daemon.notify("STATUS=hung up")
await_("remove")
daemon.notify("FDSTOREREMOVE=1\nFDNAME=mem\nSTATUS=removed")
time.sleep(1000)
`)
	s.FDStore = 3
	c.add(s)
	c.launch()
	c.start("web")
	c.tells("web", "0  ")
	c.allow("web", "hang-up")
	c.tells("web", "hung up")
	for range 2 {
		c.replaceSupervisor()
		run := c.status("web").Run
		c.check(syscall.Kill(c.status("web").PID, syscall.SIGKILL))
		c.until("another run", func() error { return when(c.status("web").Run != run) })
		c.tells("web", "2 mem:stored kept")
	}
	c.replaceSupervisor()
	c.do(tend.CommandRestart, "web")
	c.tells("web", "2 mem:stored kept")
	c.allow("web", "remove")
	c.tells("web", "removed")
	c.check(os.Remove(filepath.Join(c.place("web"), "remove")))
	c.check(syscall.Kill(c.status("web").PID, syscall.SIGKILL))
	c.tells("web", "1 stored ")
	c.do(tend.CommandStop, "web")
	c.check(os.Remove(filepath.Join(c.place("web"), "hang-up")))
	c.start("web")
	c.tells("web", "0  ")
}
