package keeper

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tend/internal/fault"
	"tend/process"
)

// above waits until there is one supervisor, kept by a keeper that itself is kept by another, and returns the two.
func (c *chain) above() (inner, outer int) {
	c.Helper()
	c.until("there are two keepers", func() error {
		supervisors := c.pids("supervise")
		if len(supervisors) != 1 {
			return errNotYet
		}
		s, err := process.ReadStat(supervisors[0])
		if err != nil {
			return err
		}
		i, err := process.ReadStat(s.PPID)
		if err != nil {
			return err
		}
		inner, outer = i.PID, i.PPID
		keeps, _ := process.CommandLine(outer)
		return when(len(keeps) > 1 && keeps[1] == commandKeep)
	})
	return inner, outer
}

// Whatever is killed, two keepers and a supervisor are there again, and every exit is known.
func TestKilledOuterKeeperIsReplaced(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	before := c.service("trap 'exit 18' USR1; while :; do sleep 0.02; done")
	outer, inner, supervisor := c.outer(), c.inner(), c.supervisor()
	began := time.Now()
	c.kill(outer, syscall.SIGKILL)
	c.gone(outer)
	c.gone(supervisor) // gave way
	c.ask("env")
	t.Logf("back after %v", time.Since(began).Round(100*time.Microsecond))
	if newInner, newOuter := c.above(); newOuter != inner || newInner == inner {
		t.Errorf("the keepers are %d above %d, the inner one was %d", newOuter, newInner, inner)
	}
	if c.outer() != inner {
		t.Error("the new outer keeper does not look like one")
	}
	if got := c.records(supervisor, 1)[0]; got.WaitStatus != ExitReplace<<8 && got.WaitStatus != uint32(syscall.SIGTERM) {
		t.Errorf("the supervisor ended with %#x", got.WaitStatus)
	}
	after := c.service("sleep 0.05; exit 19")
	if r := c.records(after, 1)[0]; r.WaitStatus != 19<<8 || r.Keeper == inner {
		t.Errorf("written down of the new service: %+v", r)
	}
	c.kill(before, syscall.SIGUSR1)
	if r := c.records(before, 1)[0]; r.WaitStatus != 18<<8 || r.Keeper != inner {
		t.Errorf("written down of the old service: %+v", r)
	}
	c.ask("exit 0")
	c.nothingLeft()
}

func TestOuterKeeperIsReplacedAgainAndAgain(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	for i := range 8 {
		status := i + 20
		service := c.service(fmt.Sprintf("sleep 0.0%d; exit %d", i, status))
		inner, outer := c.above()
		c.kill(outer, syscall.SIGKILL)
		c.gone(outer)
		if r := c.records(service, 1)[0]; r.WaitStatus != uint32(status)<<8 || r.Keeper != inner {
			t.Errorf("written down: %+v", r)
		}
		c.until("the next one keeps", func() error { return when(len(c.pids("keep")) == 1 && c.pids("keep")[0] == inner) })
		c.until("there is one supervisor", func() error { return when(len(c.pids("supervise")) == 1) })
	}
	c.ask("exit 0")
	c.nothingLeft()
}

func TestInnerKeeperKilledWhileItIsPromoted(t *testing.T) {
	for _, point := range []fault.Point{fault.InnerPromoting, fault.InnerPromoted} {
		t.Run(string(point), func(t *testing.T) {
			c := newChain(t)
			c.mustLaunch(c.fault(point))
			inner, supervisor := c.inner(), c.supervisor()
			c.kill(c.outer(), syscall.SIGKILL)
			c.gone(inner)
			c.gone(supervisor)
			c.mustLaunch()
			c.above()
			c.ask("exit 0")
			c.nothingLeft()
		})
	}
}

// The outer keeper is killed before the inner one has begun.
func TestOuterKeeperKilledAtTheBeginning(t *testing.T) {
	c := newChain(t)
	c.mustLaunch(c.fault(fault.OuterStarted))
	c.ask("env")
	c.above()
	c.ask("exit 0")
	c.nothingLeft()
}

// Everything is being stopped when the outer keeper dies: the wish lives on.
func TestLeaveOutlivesTheOuterKeeper(t *testing.T) {
	c := newChain(t)
	c.behave("deaf")
	go c.launch()
	outer := c.outer()
	c.until("the supervisor lives", func() error { return when(len(c.lives()) == 1) })
	c.kill(outer, syscall.SIGTERM)
	c.saidBy("inner", "told to leave")
	c.kill(outer, syscall.SIGKILL)
	c.until("another inner keeper is told by its arguments", func() error { return when(len(c.pids("keep", "--inner", "--leave")) == 1) })
	os.WriteFile(filepath.Join(c.dir, "hear"), nil, 0o600)
	c.nothingLeft()
	for _, life := range c.lives()[1:] {
		if !strings.HasSuffix(life, ":true") {
			t.Errorf("supervisors: %v", c.lives())
		}
	}
}

// The supervisor leaves on purpose at the moment at which the outer keeper dies: the chain ends.
func TestOuterKeeperKilledWhileTheSupervisorLeaves(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	outer, inner := c.outer(), c.inner()
	c.kill(outer, syscall.SIGSTOP) // or it would have the other one go on
	c.kill(inner, syscall.SIGSTOP)
	c.ask("exit 0")
	c.kill(outer, syscall.SIGKILL)
	c.gone(outer)
	c.kill(inner, syscall.SIGCONT)
	c.nothingLeft()
	if lives := c.lives(); len(lives) != 1 {
		t.Errorf("supervisors: %v", lives)
	}
}

// However often somebody removes the lock, keepers keep open what they need, and no more.
func TestKeepersWhoseLockIsRemovedLeakNothing(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	open := func() (n int) {
		for _, pid := range []int{c.outer(), c.inner()} {
			entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
			if err != nil {
				t.Fatal(err)
			}
			n += len(entries)
		}
		return n
	}
	before := open()
	for range 3 {
		if err := os.Remove(keepersLock(c.dir)); err != nil {
			t.Fatal(err)
		}
		c.kill(c.inner(), syscall.SIGHUP)
		c.until("the lock is taken again", func() error {
			_, err := os.Stat(keepersLock(c.dir))
			return errors.Join(err, when(len(withoutLock(c.dir)) == 0))
		})
	}
	c.until("what was open is closed", func() error { return when(open() == before) })
}
