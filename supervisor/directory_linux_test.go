package supervisor_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tend"
	"tend/keeper"
)

// oneChain checks that there is one supervisor, below one pair of keepers, and that it holds the locks that everybody
// looks for.
func (c *chain) oneChain() {
	c.Helper()
	c.outer()
	c.inner()
	c.supervisor()
	for _, name := range []string{"lock", "keepers.lock"} {
		c.until(name+" is held", func() error {
			file, err := os.Open(filepath.Join(c.dir, name))
			if err != nil {
				return err
			}
			defer file.Close()
			return when(syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == syscall.EWOULDBLOCK)
		})
	}
}

// removeDirectory removes all. What is made again while it is at it stays.
func removeDirectory(c *chain) error {
	if err := os.RemoveAll(c.dir); !errors.Is(err, syscall.ENOTEMPTY) {
		return err
	}
	return nil
}

// Somebody removes files of the runtime directory, or all of it, as a cleaner of /tmp would.
func TestTheRuntimeDirectoryIsRemoved(t *testing.T) {
	for name, remove := range map[string]func(c *chain) error{
		"all":     removeDirectory,
		"renamed": func(c *chain) error { return os.Rename(c.dir, c.dir+"-away") },
		"socket":  func(c *chain) error { return os.Remove(keeper.Socket(c.dir)) },
		"lock":    func(c *chain) error { return os.Remove(keeper.LockFile(c.dir)) },
		"keepers": func(c *chain) error { return os.Remove(c.dir + "/keepers.lock") },
		"journal": func(c *chain) error {
			os.WriteFile(keeper.JournalFile(c.dir), nil, 0o600)
			return os.Remove(keeper.JournalFile(c.dir))
		},
		"log": func(c *chain) error { return os.Remove(keeper.TendLog(c.dir)) },
		"locks": func(c *chain) error {
			os.Remove(c.dir + "/start.lock")
			os.Remove(c.dir + "/keepers.lock")
			return os.Remove(keeper.LockFile(c.dir))
		},
		"all, and all die":            removeDirectory,
		"all, and the supervisor":     removeDirectory,
		"all, and the inner keeper":   removeDirectory,
		"all, and a service at once":  removeDirectory,
		"all, by many commands after": removeDirectory,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChain(t)
			for _, name := range []string{"web", "victim"} {
				c.add(c.definition(name))
			}
			defer os.RemoveAll(c.dir + "-away")
			c.launch()
			c.start("web", "victim")
			outer, inner, supervisor := c.outer(), c.inner(), c.supervisor()
			web, victim := c.status("web").PID, c.status("victim").PID
			c.check(remove(c))
			lives := 1
			switch name {
			case "all, and all die":
				c.killAtOnce(outer, inner, supervisor)
				c.until("they have ended", func() error { return when(dead(outer) && dead(inner) && dead(supervisor)) })
				outer, inner, supervisor = 0, 0, 0
			case "all, and the supervisor":
				c.signal(supervisor, syscall.SIGKILL)
				supervisor = 0
			case "all, and the inner keeper":
				c.signal(inner, syscall.SIGKILL)
				inner, supervisor = 0, 0
			case "all, and a service at once":
				c.signal(victim, syscall.SIGKILL)
				lives, victim = 2, 0
			case "all, by many commands after":
				together(8, func(int) {
					ctx, cancel := context.WithTimeout(context.Background(), patience)
					defer cancel()
					if _, err := keeper.Directory(c.database); err != nil {
						t.Error(err)
					}
					if err := keeper.Launch(ctx, c.dir, c.env); err != nil {
						t.Errorf("Launch: %v", err)
					}
				})
			}
			if outer == 0 {
				c.do(tend.CommandStart, "web")
			}
			c.until("a supervisor answers", func() error {
				_, err := c.client.Statuses(t.Context(), tend.Query{})
				return err
			})
			c.oneChain()
			for what, pids := range map[string][2]int{"outer keeper": {outer, c.outer()}, "inner keeper": {inner, c.inner()}, "supervisor": {supervisor, c.supervisor()}} {
				if pids[0] != 0 {
					same(c, "the "+what, pids[1], pids[0])
				}
			}
			c.lived("victim", lives)
			same(c, "web's pid", c.status("web").PID, web)
			if victim != 0 {
				c.reaches("victim", tend.PhaseRunning)
				same(c, "victim's pid", c.status("victim").PID, victim)
			}
			// All of it goes on: exits are known, a supervisor follows another, and a chain another.
			c.reaches("victim", tend.PhaseRunning)
			c.paused(func() {
				c.signal(c.noted("victim", "lives")[lives-1], syscall.SIGKILL)
			})
			c.lived("victim", lives+1)
			for _, run := range c.runs("victim")[1:] {
				orphan := name == "all, and all die" // init has reaped it, while nobody of us was there
				if run.Exit == nil || run.Exit.Signal != "KILL" && !orphan {
					t.Errorf("run %+v", run)
				}
			}
			c.signal(c.inner(), syscall.SIGKILL)
			c.until("a supervisor answers", func() error {
				_, err := c.client.Statuses(t.Context(), tend.Query{})
				return err
			})
			c.oneChain()
			same(c, "web's pid", c.status("web").PID, web)
			c.lived("web", 1)
		})
	}
}

// A runtime directory in which nothing can be made is waited out; what runs is supervised meanwhile.
func TestTheRuntimeDirectoryCannotBeMadeAgain(t *testing.T) {
	t.Parallel()
	c := inTrouble(t)
	supervisor := c.supervisor()
	victim := c.status("victim").PID
	c.until("there is something else", func() error { // before the supervisor has made it again
		return errors.Join(removeDirectory(c), os.WriteFile(c.dir, nil, 0o600))
	})
	c.signal(victim, syscall.SIGKILL)
	c.lived("victim", 2)
	c.check(os.Remove(c.dir))
	c.within(30*time.Second, "a supervisor answers", func() error {
		_, err := c.client.Statuses(t.Context(), tend.Query{})
		return err
	})
	same(c, "the supervisor", c.supervisor(), supervisor)
	c.lived("web", 1)
	c.oneChain()
}
