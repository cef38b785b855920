package supervisor_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"tend"
	"tend/internal/fault"
	"tend/store"
)

// copies defines a service with so many copies of program, each with files of its own.
func (c *chain) copies(name string, n int, words ...string) tend.Service {
	c.Helper()
	s := c.definition(name, words...)
	s.Instances = n
	for i := range n {
		c.check(os.MkdirAll(c.place(fmt.Sprintf("%s.%d", name, i)), 0o700))
	}
	s.CommandLine += " -copy"
	return s
}

// change replaces the definition, as a command does, and has the supervisor know if there is one.
func (c *chain) change(s tend.Service) {
	c.Helper()
	c.db(func(db *store.Store) error { return db.Change(context.Background(), s) })
}

// each calls f for the label, the key and the place of each copy.
func eachCopy(name string, n int, f func(label, key, place string)) {
	for i := range n {
		f(fmt.Sprintf("%s@%d", name, i), tend.CopyName(name, i), fmt.Sprintf("%s.%d", name, i))
	}
}

// A rolling restart goes on where the supervisor is killed in the middle of it: each copy is restarted once, and none is a
// second time.
func TestRollingRestartOutlivesSupervisors(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	const n = 4
	c.add(c.copies("web", n))
	c.launch()
	c.start("web")
	done := make(chan []tend.Progress)
	go func() {
		news, err := c.try(tend.Request{Command: tend.CommandRestart, Words: []string{"web"}})
		if err != nil {
			t.Errorf("restart: %v", err)
		}
		done <- news
	}()
	for i := range n {
		c.until(fmt.Sprintf("web.%d has begun again", i), func() error {
			if lives := c.noted(fmt.Sprintf("web.%d", i), "lives"); len(lives) < 2 {
				return fmt.Errorf("it has lived %d times", len(lives))
			}
			return nil
		})
		c.signal(c.supervisor(), syscall.SIGKILL)
	}
	news := <-done
	eachCopy("web", n, func(label, key, place string) {
		if p := last(news)[label]; p.Kind != tend.ProgressStarted {
			t.Errorf("%s: %+v", label, p)
		}
		c.lived(place, 2)
		same(c, "runs of "+key, len(c.runs(key)), 2)
	})
}

// Copies come and go with their number in the definition, also where the supervisor that is to see to it is killed, and the
// first one is never touched.
func TestScalingOutlivesSupervisors(t *testing.T) {
	t.Parallel()
	points := t.TempDir()
	c := newChain(t, fault.Variable+"="+points)
	s := c.copies("web", 5)
	s.Instances = 1
	c.add(s)
	c.launch()
	c.start("web")
	first := c.status("web").PID
	for round, n := range []int{4, 2, 5, 1, 3, 1} {
		s.Instances = n
		c.change(s)
		point := []fault.Point{fault.SupervisorCommitting, fault.SupervisorCommitted, fault.SupervisorSpawned}[round%3]
		c.check(os.WriteFile(points+"/"+string(point), nil, 0o600))
		if _, err := c.try(tend.Request{Command: tend.CommandScale, Words: []string{"web"}}); err != nil {
			t.Fatalf("scale to %d: %v", n, err)
		}
		os.Remove(points + "/" + string(point))
		c.until(fmt.Sprintf("%d copies run", n), func() error {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			all, err := c.client.Statuses(ctx, tend.Query{})
			if err != nil || len(all) != n {
				return fmt.Errorf("%d are listed, %v", len(all), err)
			}
			for _, st := range all {
				if st.State != tend.PhaseRunning {
					return fmt.Errorf("%s is %s", st.Name, st.State)
				}
			}
			return nil
		})
	}
	same(c, "the first copy", c.status("web").PID, first)
	c.db(func(db *store.Store) error {
		states, err := db.States(context.Background())
		same(c, "states", len(states), 1)
		return err
	})
	eachCopy("web", 5, func(_, _, place string) { c.neverTwice(place) })
	c.lived("web.0", 1)
	c.lived("web.1", 2)
	c.lived("web.2", 3)
	c.lived("web.4", 1)
}

// What is not wanted is not started because there are to be more of it, nor by a supervisor that is new.
func TestCopiesAreNotStartedUnasked(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.copies("web", 4)
	s.Instances = 2
	c.add(s)
	c.launch()
	c.start("web@0")
	c.signal(c.supervisor(), syscall.SIGKILL)
	same(c, "web@1", c.status("web@1").State, tend.PhaseStopped)
	c.do(tend.CommandStop, "web")
	s.Instances = 4
	c.change(s)
	c.do(tend.CommandScale, "web")
	same(c, "web@3", c.status("web@3").State, tend.PhaseStopped)
	c.start("web@2")
	c.lived("web.0", 1)
	c.lived("web.1", 0)
	c.lived("web.3", 0)
}

// When the time of a restart schedule has come, the copies are restarted one after the other; at the first that does not
// become ready, the others are left alone until the next time.
func TestRestartScheduleGoesFromCopyToCopy(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.copies("web", 3)
	s.RestartSchedule = "@every 2s"
	c.add(s)
	c.launch()
	c.start("web")
	eachCopy("web", 3, func(_, _, place string) {
		c.until(place+" was restarted", func() error {
			if lives := c.noted(place, "lives"); len(lives) < 2 {
				return fmt.Errorf("it has lived %d times", len(lives))
			}
			return nil
		})
	})
	s.RestartSchedule = ""
	c.change(s)
	c.do(tend.CommandStart, "web")
	c.oneByOne()
	for i, cause := range []tend.Cause{tend.CauseSchedule, tend.CauseStart} {
		runs := c.runs("web@2")
		same(c, fmt.Sprintf("cause of run %d", i), runs[len(runs)-2+i].Cause, cause)
	}
}

// oneByOne checks that no copy was stopped while another was away.
func (c *chain) oneByOne() {
	c.Helper()
	away := map[string]bool{}
	for _, word := range c.story(tend.NoteStarting, tend.NoteStopping, tend.NoteReady) {
		name, kind, _ := strings.Cut(word, " ")
		switch tend.NoteKind(kind) {
		case tend.NoteStopping:
			if len(away) > 0 {
				c.Errorf("%s is stopped while %v is away", name, away)
			}
			away[name] = true
		case tend.NoteReady:
			delete(away, name)
		}
	}
}

// A start of all copies does not start one that is one too many by then.
func TestStartLeavesCopiesThatAreTooMany(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.definition("web")
	s.Instances, s.CommandLine = 2, "sleep 1000"
	c.add(s)
	c.launch()
	c.start("web")
	s.Instances = 1
	c.change(s)
	_, err := c.try(tend.Request{Command: tend.CommandStart, Words: []string{"web"}}) // by which the supervisor learns of it
	c.check(err)
	if all := c.entries("web@1"); all[len(all)-1].Kind != tend.NoteStopped {
		t.Errorf("after its stop: %+v", all[len(all)-1])
	}
}
