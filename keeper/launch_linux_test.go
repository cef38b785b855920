package keeper

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tend"
	"tend/process"
)

func TestLaunchByManyStartsOneChain(t *testing.T) {
	c := newChain(t)
	var wait sync.WaitGroup
	for range 10 {
		wait.Go(func() {
			if err := c.launch(); err != nil {
				t.Error(err)
			}
			if !Answers(t.Context(), c.dir) {
				t.Error("Launch returned before the supervisor answered")
			}
		})
	}
	wait.Wait()
	if lives := c.lives(); len(lives) != 1 {
		t.Errorf("supervisors: %v", lives)
	}
	c.outer()
	c.inner()
}

func TestLaunchWhatTheSupervisorReports(t *testing.T) {
	c := newChain(t)
	c.behave("error")
	err := c.launch()
	var failure *tend.Error
	if !errors.As(err, &failure) || failure.Code != tend.CodeConflict || failure.Message != "the database is from the future" || failure.Hint != "upgrade" {
		t.Errorf("Launch: %#v", err)
	}
	c.nothingLeft()
}

func TestLaunchOfASupervisorThatAlwaysDies(t *testing.T) {
	c := newChain(t)
	c.behave("die")
	err := c.launch()
	if tend.CodeOf(err) != tend.CodeFailed || !strings.Contains(err.Error(), "out of cheese") || !strings.Contains(err.Error(), TendLog(c.dir)) {
		t.Errorf("Launch: %v", err)
	}
}

func TestLaunchOfASupervisorThatDiesOnce(t *testing.T) {
	c := newChain(t)
	c.behave("die-once")
	c.mustLaunch()
	if lives := c.lives(); len(lives) != 2 {
		t.Errorf("supervisors: %v", lives)
	}
}

// A chain that is killed as a whole while it is waited for is followed by another, but not for ever.
func TestLaunchOfAChainThatIsKilled(t *testing.T) {
	c := newChain(t)
	c.behave("kill-all-once")
	c.mustLaunch()
	if lives := c.lives(); len(lives) != 2 {
		t.Errorf("supervisors: %v", lives)
	}
}

func TestLaunchOfChainsThatAreAlwaysKilled(t *testing.T) {
	c := newChain(t)
	c.behave("kill-all")
	if err := c.launch(); tend.CodeOf(err) != tend.CodeFailed || !strings.Contains(err.Error(), "before it was ready") {
		t.Errorf("Launch: %v", err)
	}
	if lives := c.lives(); len(lives) != launches {
		t.Errorf("supervisors: %v", lives)
	}
}

func TestLaunchAfterEverythingWasKilled(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	service := c.service("exec sleep 1000")
	for _, pid := range []int{c.outer(), c.inner(), c.supervisor()} {
		c.kill(pid, syscall.SIGKILL)
	}
	c.until("the chain is gone", func() error { return when(len(c.pids("supervise")) == 0) })
	c.mustLaunch()
	if zombie(service) {
		t.Error("the service did not survive")
	}
}

// A chain whose supervisor is just being replaced is waited for.
func TestLaunchWaitsForTheNextSupervisor(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	for range 5 {
		c.kill(c.supervisor(), syscall.SIGKILL)
		c.mustLaunch()
	}
	// One of each, for good; for a moment a process that is just being made looks like the one that makes it.
	c.outer()
	c.inner()
}

func TestLaunchGivesUpInTime(t *testing.T) {
	c := newChain(t)
	c.behave("deaf") // never ready
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := Launch(ctx, c.dir, nil); tend.CodeOf(err) != tend.CodeBusy || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Launch: %v", err)
	}
	second, stop := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, stop)
	if err := Launch(second, c.dir, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Launch: %v", err)
	}
	c.outer() // one, and no other chain
}

// Keepers whose lock was removed with the whole directory are not taken for gone, be it that nobody has told them so, or that
// they have just made it again and do not hold it yet.
func TestLaunchFindsKeepersWhoseLockWasRemoved(t *testing.T) {
	for name, again := range map[string]func(*chain) error{
		"untold": func(*chain) error { return nil },
		"made, not taken": func(c *chain) error {
			return errors.Join(os.Mkdir(c.dir, 0o700), os.WriteFile(keepersLock(c.dir), nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChain(t)
			c.mustLaunch()
			outer := c.outer()
			c.kill(outer, syscall.SIGSTOP)
			c.until("the outer keeper is stopped", func() error {
				stat, err := process.ReadStat(outer)
				return errors.Join(err, when(stat.Stopped()))
			})
			if err := errors.Join(os.RemoveAll(c.dir), again(c)); err != nil {
				t.Fatal(err)
			}
			c.kill(c.inner(), syscall.SIGKILL)
			c.mustLaunch()
			if now := c.outer(); now != outer {
				t.Errorf("the outer keeper is process %d, and was process %d", now, outer)
			}
			c.inner()
		})
	}
}

// A command that is stopped while it starts a chain holds up nobody once the supervisor answers.
func TestLaunchBesideOneThatIsStopped(t *testing.T) {
	c := newChain(t)
	turn, err := openLock(startLock(c.dir))
	if err != nil {
		t.Fatal(err)
	}
	defer turn.Close()
	if free, err := turn.try(); !free {
		t.Fatal(err)
	}
	launched := make(chan error, 1)
	go func() { launched <- c.launch() }()
	chain, err := claim(t.Context(), c.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := start(t.Context(), c.dir, *chain, os.Environ(), nil); err != nil {
		t.Fatal(err)
	}
	if err := <-launched; err != nil {
		t.Error(err)
	}
}
