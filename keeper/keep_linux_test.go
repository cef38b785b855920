package keeper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"tend"
	"tend/internal/fault"
	"tend/process"
)

func TestKilledSupervisorComesBack(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	service := c.service("exec sleep 1000")
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGKILL, syscall.SIGKILL} {
		old, began := c.supervisor(), time.Now()
		c.kill(old, signal)
		c.until("another one answers", func() error {
			lives := c.lives()
			return when(!strings.HasPrefix(lives[len(lives)-1], fmt.Sprint(old, ":")) && Answers(t.Context(), c.dir))
		})
		t.Logf("back %s after %v", time.Since(began).Round(100*time.Microsecond), signal)
		if got := c.records(old, 1)[0].WaitStatus; got != uint32(signal) {
			t.Errorf("wait status %#x is written down for %v", got, signal)
		}
	}
	if zombie(service) {
		t.Error("the service did not survive")
	}
}

func TestCrashedSupervisorComesBackAtOnceThenLater(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	for range 3 {
		n := len(c.lives())
		c.ask("exit 2")
		c.until("another one lives", func() error { return when(len(c.lives()) > n) })
	}
	said, _ := os.ReadFile(TendLog(c.dir))
	for _, want := range []string{"started again at once", "started again in 100ms", "started again in 200ms"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("tend.log does not say %q", want)
		}
	}
}

func TestExitsAreWrittenDownAsTheyWere(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	records := c.follow()
	want := map[int]tend.Exit{
		c.service("exit 0"):                         {},
		c.service("exit 42"):                        {Code: 42},
		c.service("exit 255"):                       {Code: 255},
		c.service("kill -9 $$"):                     {Signal: "KILL"},
		c.service("kill -TERM $$"):                  {Signal: "TERM"},
		c.service("ulimit -c 0; kill -SEGV $$"):     {Signal: "SEGV"},
		c.service("(sleep 0.1; exit 9) & exit 5"):   {Code: 5},
		c.service("exec sh -c 'sleep 0.2; exit 8'"): {Code: 8},
	}
	began, inner, orphan := time.Now(), c.inner(), false
	for len(want) > 0 || !orphan {
		select {
		case r := <-records:
			exit, ok := want[r.PID]
			got := process.ExitOf(r.WaitStatus)
			if !ok && got == (tend.Exit{Code: 9}) {
				orphan = r.Mark == MarkOf(testRun) // the one whose parent ended first: its pid is nobody's business
				continue
			}
			if ok && got != exit {
				t.Errorf("process %d %s; written down: %s", r.PID, exit, got)
			}
			if r.Start == 0 || r.Keeper != inner || r.At.Before(began.Add(-patience)) || r.At.After(time.Now()) {
				t.Errorf("strange record %+v", r)
			}
			if r.Mark != MarkOf(testRun) {
				t.Errorf("the run of process %d is not told by %+v", r.PID, r)
			}
			delete(want, r.PID)
		case <-time.After(patience):
			t.Fatalf("not written down: %v, orphan %v", want, !orphan)
		}
	}
}

func TestKilledInnerKeeperComesBack(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	service := c.service("trap 'exit 17' USR1; while :; do sleep 0.02; done")
	outer, inner, supervisor := c.outer(), c.inner(), c.supervisor()
	c.kill(inner, syscall.SIGKILL)
	c.gone(inner)
	c.gone(supervisor) // gave way
	if c.inner() == inner || c.supervisor() == supervisor {
		t.Error("the same process is still there")
	}
	c.ask("env") // the new one answers
	c.kill(service, syscall.SIGUSR1)
	r := c.records(service, 1)[0]
	if r.WaitStatus != 17<<8 || r.Keeper != outer {
		t.Errorf("written down: %+v", r)
	}
	if got := c.records(inner, 1)[0]; got.WaitStatus != 9 || got.Keeper != outer {
		t.Errorf("written down of the inner keeper: %+v", got)
	}
	if c.outer() != outer {
		t.Error("there is another outer keeper")
	}
}

func TestKeeperKilledBetweenRecordAndReap(t *testing.T) {
	for _, point := range []string{"recorded", "reaped"} {
		t.Run(point, func(t *testing.T) {
			c := newChain(t)
			c.mustLaunch(c.fault(fault.Point("inner." + point)))
			inner := c.inner()
			service := c.service("sleep 0.05; exit 7")
			c.gone(inner)
			c.ask("env") // the next supervisor: the fault is made once
			n := map[string]int{"recorded": 2, "reaped": 1}[point]
			records := c.records(service, n)
			for _, r := range records {
				if r.WaitStatus != 7<<8 || r.Identity != records[0].Identity {
					t.Errorf("written down: %+v", r)
				}
			}
			if len(records) != n || records[0].Keeper != inner || n == 2 && records[1].Keeper != c.outer() {
				t.Errorf("written down: %+v", records)
			}
			c.gone(service)
		})
	}
}

func TestKeeperKilledAfterItStartedItsChild(t *testing.T) {
	for _, role := range []string{"inner", "outer"} {
		t.Run(role, func(t *testing.T) {
			c := newChain(t)
			c.mustLaunch(c.fault(fault.Point(role + ".started")))
			c.inner()
			c.until("one supervisor is left and answers", func() error {
				return when(len(c.pids("supervise")) == 1 && Answers(t.Context(), c.dir))
			})
		})
	}
}

func TestLeave(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	service := c.service("exec sleep 1000")
	outer := c.outer()
	for _, ignored := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT} {
		c.kill(outer, ignored)
		c.kill(c.inner(), ignored)
	}
	c.kill(outer, syscall.SIGTERM)
	c.nothingLeft()
	if r := c.records(service, 1)[0]; r.WaitStatus != uint32(syscall.SIGTERM) {
		t.Errorf("written down: %+v", r)
	}
	if lives := c.lives(); len(lives) != 1 {
		t.Errorf("supervisors: %v", lives)
	}
}

func TestLeaveOutlivesTheSupervisorThatWasTold(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	c.behave("die-of-it")
	c.kill(c.outer(), syscall.SIGTERM)
	c.nothingLeft()
	if lives := c.lives(); len(lives) != 2 || !strings.HasSuffix(lives[1], ":true") {
		t.Errorf("supervisors: %v", lives)
	}
}

func TestLeaveOutlivesTheInnerKeeper(t *testing.T) {
	c := newChain(t)
	c.behave("deaf")
	go c.launch()
	outer, inner := c.outer(), c.inner()
	c.until("the supervisor lives", func() error { return when(len(c.lives()) == 1) })
	c.kill(outer, syscall.SIGTERM)
	c.saidBy("inner", "told to leave")
	c.kill(inner, syscall.SIGKILL)
	c.until("another inner keeper is told by its arguments", func() error { return when(len(c.pids("keep", "--inner", "--leave")) == 1) })
	os.WriteFile(filepath.Join(c.dir, "hear"), nil, 0o600)
	c.nothingLeft()
}

func TestLeaveIsRepeatedToADeafSupervisor(t *testing.T) {
	c := newChain(t)
	c.behave("deaf")
	launched := make(chan error, 1)
	go func() { launched <- c.launch() }()
	c.until("the supervisor lives", func() error { return when(len(c.lives()) == 1) })
	c.kill(c.outer(), syscall.SIGTERM)
	c.saidBy("inner", "told to leave")
	os.WriteFile(filepath.Join(c.dir, "hear"), nil, 0o600)
	if err := <-launched; err != nil {
		t.Errorf("Launch: %v", err)
	}
	c.nothingLeft()
	if lives := c.lives(); len(lives) != 1 {
		t.Errorf("supervisors: %v", lives)
	}
}

func (c *chain) saidBy(role, words string) {
	c.Helper()
	c.until("it says "+words, func() error {
		said, _ := os.ReadFile(TendLog(c.dir))
		for line := range strings.Lines(string(said)) {
			if strings.Contains(line, role+" keeper") && strings.Contains(line, words) {
				return nil
			}
		}
		return errNotYet
	})
}

func TestEndOnPurpose(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	c.ask("exit 0")
	c.nothingLeft()
	c.mustLaunch()
	c.ask("exit 0")
	c.nothingLeft()
}

// A process that no supervisor knows keeps the old chain waiting for it, but no new chain from being started.
func TestLingeringKeeperMakesRoom(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	stray := c.service("exec sleep 1000")
	outer, inner := c.outer(), c.inner()
	c.ask("exit 0")
	c.gone(inner)
	c.mustLaunch()
	if zombie(outer) {
		t.Fatal("the outer keeper left before the last process below it")
	}
	c.kill(stray, syscall.SIGKILL)
	if r := c.records(stray, 1)[0]; r.WaitStatus != 9 || r.Keeper != outer {
		t.Errorf("written down: %+v", r)
	}
	c.gone(outer)
	c.ask("exit 0")
	c.nothingLeft()
}

// One that lingers keeps no upgrade waiting for those that it has no more.
func TestUpgradeOfALingeringKeeper(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	c.service("exec sleep 1000")
	outer, inner := c.outer(), c.inner()
	c.ask("exit 0")
	c.gone(inner)
	program, err := Current()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var taken []int
	if old, err := Upgrade(ctx, c.dir, program, func(s Serving) { taken = append(taken, s.PID) }); err != nil || len(old) > 0 {
		t.Errorf("Upgrade: %v, %v", old, err)
	}
	if !slices.Equal(taken, []int{outer}) {
		t.Errorf("who runs the program is %v, and there is process %d", taken, outer)
	}
}

// A journal that cannot be written keeps the dead from being reaped, and nothing else.
func TestJournalThatCannotBeWritten(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	supervisor := c.supervisor()
	emptier, err := os.OpenFile(JournalFile(c.dir), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer emptier.Close()
	unix.Flock(int(emptier.Fd()), unix.LOCK_EX) // as whoever empties it has it
	service := c.service("exit 33")
	c.saidBy("inner", "not reaped until")
	c.kill(supervisor, syscall.SIGKILL)
	c.gone(supervisor)
	c.supervisor()
	c.until("it is a zombie", func() error {
		stat, err := process.ReadStat(service)
		return errors.Join(err, when(stat.State == 'Z' && stat.WaitStatus == 33<<8))
	})
	emptier.Close()
	if r := c.records(service, 1)[0]; r.WaitStatus != 33<<8 {
		t.Errorf("written down: %+v", r)
	}
	c.gone(service)
	c.saidBy("inner", "can be written down again")
}

// A keeper whose own child's end could not be written down has nothing to come back for, and must not spin.
func TestJournalIsNotTriedForNobody(t *testing.T) {
	k := &keep{config: Config{Dir: "/proc/missing/missing"}, done: true} // it starts nothing
	if k.record(death{pid: os.Getpid()}) == nil || k.buryAt.IsZero() {
		t.Error("it could be written")
	}
	if k.bury(); !k.buryAt.IsZero() {
		t.Error("it is tried again")
	}
}

// pipesOf are the pipes that a process has open, each as often as it has.
func pipesOf(pid int) (pipes []string) {
	open, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, fd := range open {
		if target, _ := os.Readlink(fd); strings.HasPrefix(target, "pipe:") {
			pipes = append(pipes, target)
		}
	}
	return pipes
}

func TestKeepersAreDaemons(t *testing.T) {
	c := newChain(t)
	leaked, err := os.Open("/etc/passwd")
	if err != nil {
		t.Fatal(err)
	}
	defer leaked.Close()
	unix.FcntlInt(leaked.Fd(), unix.F_SETFD, 0)
	c.mustLaunch("TEND_RUN=x", "TEND_SERVICE=x", "TEND_INSTANCE=1", "GOMEMLIMIT=1", "SECRET=x", "LANG=C.UTF-8", "SERVER_FILE=/s")
	for _, pid := range []int{c.outer(), c.inner(), c.supervisor()} {
		proc := fmt.Sprintf("/proc/%d/", pid)
		stat, err := process.ReadStat(pid)
		if err != nil || stat.Session != pid {
			t.Errorf("%d: session %d, %v", pid, stat.Session, err)
		}
		if cwd, _ := os.Readlink(proc + "cwd"); cwd != "/" {
			t.Errorf("%d: working directory %s", pid, cwd)
		}
		status, _ := os.ReadFile(proc + "status")
		if !strings.Contains(string(status), "Umask:\t0077") {
			t.Errorf("%d: umask is not 077", pid)
		}
		open, _ := os.ReadDir(proc + "fd")
		for _, fd := range open {
			target, _ := os.Readlink(proc + "fd/" + fd.Name())
			if target == "/etc/passwd" {
				t.Errorf("%d: descriptor %s is %s", pid, fd.Name(), target)
			}
		}
		environ, _ := process.Environ(pid)
		env := " " + strings.Join(environ, " ") + " "
		for _, unwanted := range []string{" TEND_RUN=", " TEND_SERVICE=", " TEND_INSTANCE=", " GOMEMLIMIT=", " SECRET="} {
			if strings.Contains(env, unwanted) {
				t.Errorf("%d: environment %s", pid, env)
			}
		}
		if !strings.Contains(env, " LANG=C.UTF-8 ") || !strings.Contains(env, " SERVER_FILE=/s ") {
			t.Errorf("%d: environment %s", pid, env)
		}
	}
	c.until("the keepers have the lifeline open, one end each, and no other pipe, and the supervisor has none of both", func() error {
		keepers := append(pipesOf(c.outer()), pipesOf(c.inner())...)
		if len(keepers) != 2 || keepers[0] != keepers[1] || slices.Contains(pipesOf(c.supervisor()), keepers[0]) {
			return fmt.Errorf("the keepers have %v, the supervisor %v", keepers, pipesOf(c.supervisor()))
		}
		return nil
	})
	if stat, _ := process.ReadStat(c.outer()); stat.PPID != os.Getpid() || stat.Command != programName {
		t.Errorf("the outer keeper is %q, a child of %d", stat.Command, stat.PPID)
	}
	if info, err := os.Stat(TendLog(c.dir)); err != nil || info.Mode() != 0o600 {
		t.Errorf("tend.log: %v, %v", info.Mode(), err)
	}
	if env := c.ask("env"); strings.Contains(env, readyVariable) || strings.Contains(env, "GOMAXPROCS") || strings.Contains(env, chainVariable) {
		t.Errorf("the supervisor's environment: %s", env)
	}
	memory, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", c.inner()))
	for line := range strings.Lines(string(memory)) {
		if strings.HasPrefix(line, "Pss:") || strings.HasPrefix(line, "Rss:") || strings.HasPrefix(line, "Private_Dirty:") {
			t.Log("inner keeper: ", strings.TrimSpace(line))
		}
	}
}

// Whichever of the three are stopped, a command gets its answer.
func TestStoppedProcessesGoOn(t *testing.T) {
	for mask := 1; mask < 8; mask++ {
		t.Run(fmt.Sprintf("%03b", mask), func(t *testing.T) {
			c := newChain(t)
			c.mustLaunch()
			service := c.service("exec sleep 1000")
			for bit, pid := range []int{c.outer(), c.inner(), c.supervisor()} {
				if mask&(1<<bit) != 0 {
					c.kill(pid, syscall.SIGSTOP)
				}
			}
			waiting, cancel := context.WithCancel(t.Context())
			go WakeWhile(waiting, c.dir)
			c.ask("env")
			c.until("nobody is stopped", func() error {
				all, err := Find(c.dir)
				if err != nil || len(all) != 3 {
					return errors.Join(errNotYet, err)
				}
				for _, p := range all {
					if p.Stopped {
						return fmt.Errorf("%s is stopped", p.Role)
					}
				}
				return nil
			})
			cancel()
			if zombie(service) {
				t.Error("the service did not survive")
			}
		})
	}
}

// A dead child that was stopped before is buried as any other.
func TestStoppedAndKilled(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	for range 5 {
		old := c.supervisor()
		c.kill(c.inner(), syscall.SIGSTOP)
		c.kill(old, syscall.SIGSTOP)
		c.kill(old, syscall.SIGKILL)
		if got := c.records(old, 1)[0].WaitStatus; got != 9 {
			t.Errorf("wait status %#x is written down", got)
		}
		c.supervisor()
	}
}
