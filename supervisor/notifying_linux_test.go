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
	"tend/internal/fault"
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
		"echo $$ >>former", "sleep 1001 &", "sleep 1002 &", "systemd-notify --ready MAINPID=$!", c.awaits("web", "strangers"), "systemd-notify MAINPID=1 STATUS=stranger",
		"systemd-notify MAINPID=$PPID STATUS=keeper", c.awaits("web", "go"), "exit 7",
	}, "\n")))
	c.launch()
	c.start("web")
	st := c.status("web")
	c.until("the second is the main process", func() error { // it may still be about to execute sleep
		if line, _ := process.CommandLine(st.PID); strings.Join(line, " ") != "sleep 1002" {
			return fmt.Errorf("process %d is %q", st.PID, line)
		}
		return nil
	})
	c.allow("web", "strangers")
	c.tells("web", "keeper")
	c.allow("web", "go")
	main := st.PID
	c.until("the former main process has ended", func() error { return when(dead(c.noted("web", "former")[0])) }) // which would reap the other
	same(c, "the main process", c.status("web").PID, main)
	same(c, "its state", c.status("web").State, tend.PhaseRunning)
	c.replaceSupervisor()
	c.check(syscall.Kill(main, syscall.SIGKILL))
	c.until("another run", func() error { return when(c.status("web").Restarts == 1) })
	if exit := c.runs("web")[1].Exit; exit == nil || exit.Signal != "KILL" {
		t.Errorf("the run ended so: %v", exit)
	}
}

// A run says while it is being stopped that another of its processes is the main one: the end of that is the end of the run.
func TestMainProcessIsSaidDuringAStop(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "systemd-notify")
	c := newChain(t)
	s := c.speaking("web", strings.Join([]string{
		`trap 'systemd-notify MAINPID=$other; exit' TERM`, `(trap "" TERM; exec sleep 1001) &`, "other=$!", "echo $other >>other",
		"systemd-notify --ready", "while :; do sleep 0.1; done",
	}, "\n"))
	s.Stop = schedule(step("TERM", time.Hour))
	c.add(s)
	c.launch()
	c.start("web")
	former, main := c.status("web").PID, c.noted("web", "other")[0]
	stopped := c.ask(tend.Request{Command: tend.CommandStop, Words: []string{"web"}})
	c.until("the other is the main process", func() error { return when(c.status("web").PID == main && dead(former)) })
	c.check(syscall.Kill(main, syscall.SIGKILL))
	c.answers("stop", stopped, tend.ProgressStopped)
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

// What was heard and not written down yet when the supervisor died is heard by the next.
func TestWhatIsHeardIsNotLost(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "systemd-notify")
	faults := t.TempDir()
	c := newChain(t, fault.Variable+"="+faults)
	c.add(c.speaking("web", c.awaits("web", "go")+"\nsystemd-notify --ready\nexec sleep 1000"))
	c.launch()
	answer := c.begins("web")
	c.until("it runs", func() error { return when(c.status("web").PID != 0) })
	before := c.supervisor()
	c.check(fault.Arm(faults, fault.SupervisorCommitting, ""))
	c.allow("web", "go")
	c.answers("start", answer, tend.ProgressStarted)
	if fault.Armed(faults, fault.SupervisorCommitting) || c.supervisor() == before {
		t.Error("the supervisor has lived through it")
	}
}

// What a run said before its main process ended is heard before that, and stays until it is written down: a supervisor that is
// killed in between has not followed another main process alone.
func TestWhatIsHeardBeforeAnEndIsNotLost(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "systemd-notify")
	faults := t.TempDir()
	c := newChain(t, fault.Variable+"="+faults)
	c.add(c.speaking("web", strings.Join([]string{
		"sleep 1001 &", "systemd-notify --ready", c.awaits("web", "go"), "for i in 1 2 3 4 5; do systemd-notify --no-block --status=$i; done",
		"systemd-notify --no-block MAINPID=$! --status=last", "exit 7",
	}, "\n")))
	c.launch()
	for tries := 0; ; tries++ { // all of it may be heard before it is heard of the end
		c.start("web")
		before := c.status("web").PID
		c.paused(func() {
			c.check(fault.Arm(faults, fault.SupervisorHeard, ""))
			c.allow("web", "go")
			c.until("its main process has ended", func() error { return when(dead(before)) })
		})
		c.until("the other is the main process", func() error { return when(c.status("web").PID != before) })
		if st := c.status("web"); st.State != tend.PhaseRunning || st.Restarts != 0 {
			t.Fatalf("it is %s, and was started again %d times", st.State, st.Restarts)
		}
		c.tells("web", "last")
		if !fault.Armed(faults, fault.SupervisorHeard) {
			return
		}
		if tries == 10 {
			t.Fatal("nothing was ever left to be heard when it was heard of the end")
		}
		fault.Disarm(faults, fault.SupervisorHeard)
		c.check(os.Remove(filepath.Join(c.place("web"), "go")))
		c.do(tend.CommandStop, "web")
	}
}

// What was said in a socket whose file somebody has removed meanwhile is not lost either, and the file is made again.
func TestWhatIsSaidInASocketWithoutANameIsNotLost(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "systemd-notify")
	faults := t.TempDir()
	c := newChain(t, fault.Variable+"="+faults)
	c.add(c.speaking("web", strings.Join([]string{
		c.awaits("web", "go"), "systemd-notify --no-block --ready --status=said", "echo $$ >>" + c.place("web") + "/sent", c.awaits("web", "more"),
		"systemd-notify --status=more", "exec sleep 1000",
	}, "\n")))
	c.launch()
	answer := c.begins("web")
	c.until("it runs", func() error { return when(c.status("web").PID != 0) })
	c.paused(func() {
		c.check(fault.Arm(faults, fault.SupervisorHeard, ""))
		c.allow("web", "go")
		c.until("it has spoken", func() error { return when(len(c.noted("web", "sent")) == 1) })
		c.check(os.RemoveAll(keeper.NotifyDirectory(c.dir)))
	})
	c.answers("start", answer, tend.ProgressStarted)
	c.tells("web", "said")
	if fault.Armed(faults, fault.SupervisorHeard) {
		t.Error("the supervisor has lived through it")
	}
	c.allow("web", "more")
	c.tells("web", "more")
}

// A service says by a line in a pipe that it is ready, and is never harmed by our deaths.
func TestReadyByADescriptor(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	for _, name := range []string{"one", "all"} {
		s := c.script(name, strings.Join([]string{
			"printf nothing >&7", c.awaits(name, "go"), "echo >&7; echo more >&7 && echo $$ >>sent", "exec sleep 1000",
		}, "\n"))
		s.Ready = tend.Check{Kind: tend.CheckFD, Target: "7"}
		c.add(s)
	}
	c.launch()
	for _, name := range []string{"one", "all"} {
		answer := c.begins(name)
		c.until("it runs", func() error { return when(c.status(name).PID != 0) })
		pid := c.status(name).PID
		switch name {
		case "one":
			c.paused(func() {
				c.allow(name, "go")
				c.until("it has said so", func() error { return when(len(c.noted(name, "sent")) == 1) })
			})
			c.answers("start", answer, tend.ProgressStarted)
		case "all":
			outer, inner, supervisor := c.settled()
			c.killAtOnce(outer, inner, supervisor)
			c.launch()
			same(c, "its state", c.status(name).State, tend.PhaseStarting)
			c.allow(name, "go")
		}
		c.reaches(name, tend.PhaseRunning)
		same(c, "its pid", c.status(name).PID, pid)
		c.until("it has gone on", func() error { return when(len(c.noted(name, "sent")) == 1) })
		c.until("it has none but its own", func() error { // it may be writing down what it has done
			if links := descriptorsOf(c, pid); len(links) != 4 {
				return fmt.Errorf("it has these descriptors: %v", links)
			}
			return nil
		})
	}
}

func descriptorsOf(c *chain, pid int) (names []string) {
	c.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	c.check(err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// What nobody can understand changes nothing, and what nobody asked for is not kept.
func TestGarbageIsSaid(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.python("web", `
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
r, w = os.pipe()
for text in [b"", b"\0\1\2", b"READY", b"=", os.urandom(500), b"x" * 5000, b"MAINPID=0", b"MAINPID=99999999999", b"WATCHDOG_USEC=-1", b"BARRIER=1\nREADY=1",
             b"FDNAME=a:b\nFDSTORE=1", b"MAINPIDFD=1", b"EXTEND_TIMEOUT_USEC=x", b"NOTIFYACCESS=you"]:
  s.sendmsg([text], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack("i", w))])
  s.send(text)
os.close(w)
os.read(r, 1) # ends when nobody else has the other end
daemon.notify("READY=1\nSTATUS=done")
time.sleep(1000)
`)
	c.add(s)
	c.launch()
	c.start("web")
	c.tells("web", "done")
	same(c, "its restarts", c.status("web").Restarts, 0)
}

// The library of systemd itself, and what it promises of barriers.
func TestLibsystemd(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "gcc")
	c := newChain(t)
	s := c.definition("web")
	source, program := filepath.Join(c.place("web"), "p.c"), filepath.Join(c.place("web"), "p")
	c.check(os.WriteFile(source, []byte(`
#include <systemd/sd-daemon.h>
#include <sys/mman.h>
#include <stdint.h>
#include <unistd.h>
#include <stdlib.h>
int main(void) {
	uint64_t every = 0;
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);
	if (sd_watchdog_enabled(0, &every) <= 0 || every != 3600000000) return 10;
	if (sd_notifyf(0, "STATUS=%d %s", n, n > 0 ? names[0] : "-") <= 0) return 11;
	if (n == 0) {
		int fd = memfd_create("m", 0);
		if (sd_pid_notify_with_fds(0, 0, "FDSTORE=1\nFDNAME=first", &fd, 1) <= 0) return 12;
	}
	if (sd_notify_barrier(0, 20000000) <= 0) return 13;
	if (n == 0) abort(); /* what it has kept is kept by now */
	if (sd_pid_notify(0, 0, "READY=1\nEXTEND_TIMEOUT_USEC=1000000") <= 0) return 14;
	for (;;) pause();
}
`), 0o600))
	if out, err := exec.Command("gcc", "-o", program, source, "-lsystemd").CombinedOutput(); err != nil {
		testenv.Missing(t, fmt.Sprintf("a program cannot be linked with libsystemd: %s", out))
	}
	s.CommandLine, s.Ready, s.FDStore = program, tend.Check{Kind: tend.CheckNotify}, 1
	s.Health = tend.Check{Kind: tend.CheckNotify, After: tend.Duration(time.Hour)}
	c.add(s)
	c.launch()
	c.begins("web")
	c.reaches("web", tend.PhaseRunning)
	c.tells("web", "1 first")
	if runs := c.runs("web"); len(runs) != 2 || runs[1].Exit == nil || runs[1].Exit.Signal != "ABRT" {
		t.Errorf("its runs: %+v", runs)
	}
}

// A server that many have.
func TestRedisTellsThatItIsReady(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "redis-server")
	c := newChain(t)
	s := c.definition("redis")
	s.CommandLine = "redis-server --supervised systemd --port 0 --save '' --unixsocket " + c.place("redis") + "/s --dir " + c.place("redis")
	s.Ready = tend.Check{Kind: tend.CheckNotify}
	c.add(s)
	c.launch()
	c.start("redis")
	c.tells("redis", "Ready to accept connections")
	c.do(tend.CommandRestart, "redis")
	c.do(tend.CommandStop, "redis")
}

// A service has its start take as long as it says that it needs.
func TestAStartIsExtended(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.python("web", `
daemon.notify("EXTEND_TIMEOUT_USEC=100000000")
await_("go")
daemon.notify("READY=1")
time.sleep(1000)
`)
	s.ReadyTimeout = tend.Duration(3 * time.Second)
	c.add(s)
	c.launch()
	answer := c.begins("web")
	c.until("there is more time", func() error { return when(c.state("web").State.Next.After(time.Now().Add(50 * time.Second))) })
	c.allow("web", "go")
	c.answers("start", answer, tend.ProgressStarted)
}

// Whoever of us dies, as long as one keeper lives, what is said meanwhile is heard.
func TestWhoeverDiesIsReplacedByOneWhoHears(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "systemd-notify")
	c := newChain(t)
	const outer, inner, supervisor = 0, 1, 2
	victims := [][]int{{supervisor}, {inner}, {outer}, {inner, supervisor}, {outer, supervisor}}
	for i := range victims {
		name := fmt.Sprint("web", i)
		c.add(c.speaking(name, c.awaits(name, "go")+"\nsystemd-notify --no-block --ready --status=here\nexec sleep 1000"))
	}
	c.launch()
	for i, which := range victims {
		name := fmt.Sprint("web", i)
		c.begins(name)
		c.until("it runs", func() error { return when(c.status(name).PID != 0) })
		pid := c.status(name).PID
		var ours [3]int
		ours[outer], ours[inner], ours[supervisor] = c.settled()
		var dying []int
		for _, who := range which {
			dying = append(dying, ours[who])
		}
		c.killAtOnce(dying...)
		c.allow(name, "go")
		c.reaches(name, tend.PhaseRunning)
		c.tells(name, "here")
		same(c, "its pid", c.status(name).PID, pid)
	}
}

// Many that say that they are ready before anybody has taken in that their processes exist are ready.
func TestManyAreReadyAtOnce(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "gcc")
	c := newChain(t)
	source, program := filepath.Join(c.files, "p.c"), filepath.Join(c.files, "p")
	c.check(os.WriteFile(source, []byte(`
#include <sys/socket.h>
#include <sys/un.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void) {
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	strcpy(a.sun_path, getenv("NOTIFY_SOCKET"));
	if (sendto(socket(AF_UNIX, SOCK_DGRAM, 0), "READY=1", 7, 0, (void *)&a, sizeof a) < 0) return 1;
	for (;;) pause();
}
`), 0o600))
	if out, err := exec.Command("gcc", "-static", "-o", program, source).CombinedOutput(); err != nil {
		testenv.Missing(t, fmt.Sprintf("a program cannot be linked: %s", out))
	}
	for i := range 60 {
		s := c.definition(fmt.Sprint("s", i))
		s.CommandLine, s.Ready = program, tend.Check{Kind: tend.CheckNotify}
		c.add(s)
	}
	c.launch()
	for name, p := range c.do(tend.CommandStart) {
		if p.Kind != tend.ProgressStarted {
			t.Errorf("%s: %+v", name, p)
		}
	}
}
