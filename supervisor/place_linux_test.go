package supervisor_test

import (
	"context"
	"crypto/rand"
	"maps"
	"os"
	"syscall"
	"testing"
	"time"

	"tend"
	"tend/process"
	"tend/store"
)

// leave writes states, and the runs that belong to them, as a supervisor at that place would have left them.
func (c *chain) leave(place tend.Place, states map[string]tend.State) {
	c.Helper()
	batch := store.Batch{Place: place, States: states}
	for name, st := range states {
		if st.Phase.Live() {
			batch.Runs = append(batch.Runs, tend.Run{ID: st.Run, Service: name, Cause: st.Cause, Place: place, Identity: st.Main, StartedAt: st.Started})
		}
	}
	c.db(func(db *store.Store) error { return db.Commit(context.Background(), batch) })
}

// left is a state in which a supervisor may have left a service a minute ago.
func left(phase tend.Phase, wanted bool) tend.State {
	then := time.Now().Add(-time.Minute)
	st := tend.State{Phase: phase, Wanted: wanted, Since: then, Started: then, Cause: tend.CauseStart, Run: rand.Text()}
	switch {
	case phase.Live(): // the pid is somebody's here: the test's own
		st.Begun, st.Main = true, tend.Identity{PID: os.Getpid(), Start: 1}
		st.Next = then
	case phase == tend.PhaseBackoff:
		st.Next, st.Exit, st.Ended = then, &tend.Exit{Code: 1}, then
	case phase != tend.PhaseStopped:
		st.Exit, st.Ended = &tend.Exit{Code: 1}, then
	}
	return st
}

func (c *chain) here() tend.Place {
	c.Helper()
	place, err := process.Here()
	c.check(err)
	return place
}

var phases = map[string]tend.Phase{
	"starting": tend.PhaseStarting, "running": tend.PhaseRunning, "stopping": tend.PhaseStopping, "backoff": tend.PhaseBackoff,
	"exited": tend.PhaseExited, "failed": tend.PhaseFailed, "stopped": tend.PhaseStopped,
}

// everyPhase adds a wanted and an unwanted service for each phase, as another place has left it.
func (c *chain) everyPhase(place tend.Place) {
	c.Helper()
	states := map[string]tend.State{}
	for name, phase := range phases {
		c.add(c.definition(name))
		states[name] = left(phase, true)
		if phase != tend.PhaseBackoff { // a stop ends it
			c.add(c.definition(name + "-unwanted"))
			states[name+"-unwanted"] = left(phase, false)
		}
	}
	c.leave(place, states)
}

func TestAfterAReboot(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	before := c.here()
	before.Boot = "another"
	c.everyPhase(before)
	c.launch()
	for name, phase := range phases {
		is := c.reaches(name, tend.PhaseRunning)
		c.lived(name, 1)
		if !is.Wanted {
			t.Errorf("%s is not wanted any more", name)
		}
		if phase == tend.PhaseBackoff {
			continue
		}
		c.lived(name+"-unwanted", 0)
		if unwanted := c.status(name + "-unwanted"); phase.Live() && unwanted.State != tend.PhaseStopped || unwanted.Wanted {
			t.Errorf("%s, unwanted, is %s", name, unwanted.State)
		}
		if !phase.Live() {
			continue
		}
		for _, name := range []string{name, name + "-unwanted"} {
			runs := c.runs(name)
			if run := runs[len(runs)-1]; run.Exit == nil || run.Exit.Lost != "reboot" {
				t.Errorf("the run of %s before the reboot ended as %v", name, run.Exit)
			}
		}
	}
}

func TestAnotherHostsServicesAreNotTouched(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	there := c.here()
	there.Host = "elsewhere/00000000"
	c.everyPhase(there)
	states := func() (all map[string]store.Placed) {
		c.db(func(db *store.Store) (err error) {
			all, err = db.States(context.Background())
			return err
		})
		return all
	}
	before := states()
	c.add(c.definition("mine"))
	c.launch()
	c.start("mine")
	for name, phase := range phases {
		is := c.status(name)
		same(c, name+"'s state", is.State, phase)
		elsewhere := phase.Live() || phase == tend.PhaseBackoff
		same(c, name+"'s being elsewhere", is.Elsewhere != "", elsewhere)
		if !elsewhere {
			continue
		}
		for _, command := range []tend.Command{tend.CommandStart, tend.CommandStop, tend.CommandRestart, tend.CommandRemove} {
			news, err := c.try(tend.Request{Command: command, Words: []string{name}, Stop: true, Here: command != tend.CommandStart})
			c.check(err)
			if p := last(news)[name]; p.Error == nil || p.Error.Code != tend.CodeConflict {
				t.Errorf("%s %s: %+v", command, name, p)
			}
		}
	}
	usage := cpuTime(c, c.supervisor())
	c.signal(c.outer(), syscall.SIGTERM) // what leaves stops what is its own
	c.nothingLeft()
	if usage > 2*time.Second {
		t.Errorf("the supervisor has used %s: other hosts' times keep it awake", usage)
	}
	mine := states()
	delete(mine, "mine")
	if !maps.EqualFunc(before, mine, func(a, b store.Placed) bool { return a.Phase == b.Phase && a.Place == b.Place && a.Main == b.Main }) {
		t.Errorf("the states were\n%v\nand are\n%v", before, mine)
	}
	for name := range phases {
		c.lived(name, 0)
	}
	c.do(tend.CommandStop, "mine")
}

func TestTakingAServiceFromAnotherHost(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	there := c.here()
	there.Host = "elsewhere/00000000"
	c.add(c.definition("running"))
	c.add(c.definition("backoff"))
	c.leave(there, map[string]tend.State{"running": left(tend.PhaseRunning, true), "backoff": left(tend.PhaseBackoff, true)})
	c.launch()
	for _, name := range []string{"running", "backoff"} {
		news, err := c.try(tend.Request{Command: tend.CommandStart, Words: []string{name}, Here: true})
		c.check(err)
		if p := last(news)[name]; p.Kind != tend.ProgressStarted {
			t.Errorf("start --here %s: %+v", name, p)
		}
		c.lived(name, 1)
		same(c, "the host", c.state(name).Place, c.here())
	}
	runs := c.runs("running")
	if first := runs[len(runs)-1]; len(runs) != 2 || first.EndedAt.IsZero() {
		t.Errorf("the runs are %+v", runs)
	}
	c.do(tend.CommandStop)
}
