package tend_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tend"
)

// society is several services that depend on each other, with everything outside of the decisions about them kept truthful:
// processes begin, become ready and die, news of them is late, and the supervisor dies at any moment, with all that it had
// decided and not written down.
type society struct {
	*rapid.T
	services []tend.Service
	order    *tend.Order
	near     *tend.Neighbours
	now      time.Time
	leaving  bool
	calm     bool // nobody kills the supervisor any more

	states   map[string]tend.State // of the supervisor
	written  map[string]tend.State // in the database
	effects  []func()
	bad      map[string]bool          // services whose runs fail
	spawning map[string]string        // runs that were begun, by key
	living   map[string]tend.Identity // processes, by run
	dead     map[string]tend.Exit     // ends of which nobody has heard, by run
	pids     int
}

// twins are the services that have two copies.
func (so *society) keys(name string) []string {
	for i, s := range so.services {
		if s.Name == name && i%4 == 3 {
			return []string{name, name + "@1"}
		}
	}
	return []string{name}
}

func (so *society) service(key string) tend.Service {
	for _, s := range so.services {
		if slices.Contains(so.keys(s.Name), key) {
			return s
		}
	}
	panic(key)
}

func (so *society) at(name string) (all []tend.Standing) {
	if !so.order.Knows(name) {
		return nil
	}
	for _, key := range so.keys(name) {
		all = append(all, tend.Standing{Key: key, Name: key, State: so.states[key]})
	}
	return all
}

func newSociety(t *rapid.T) *society {
	so := &society{T: t, now: epoch, states: map[string]tend.State{}, written: map[string]tend.State{}, bad: map[string]bool{},
		spawning: map[string]string{}, living: map[string]tend.Identity{}, dead: map[string]tend.Exit{}}
	so.services = anyGraph(t, 6, rapid.IntRange(0, 4).Draw(t, "by hand") == 0)
	for i := range so.services {
		s := &so.services[i]
		s.CommandLine = "x"
		s.Restart = rapid.SampledFrom([]tend.Restart{"", tend.RestartNo, tend.RestartAlways}).Draw(t, "restart")
		s.GiveUpAfter = rapid.SampledFrom([]int{0, 0, 2}).Draw(t, "give up after")
	}
	so.order = tend.NewOrder(so.services)
	so.begin()
	return so
}

// begin is the beginning of a supervisor's memory.
func (so *society) begin() {
	so.near = &tend.Neighbours{Order: so.order, At: so.at, Tell: so.tell, Leaving: func() bool { return so.leaving }}
	so.near.Redrawn()
}

func (so *society) tell(key string, e tend.Event) {
	before := so.states[key]
	st, actions := tend.Decide(so.service(key), before, e, so.now)
	so.Logf("%s %s %T%+v", so.now.Sub(epoch), key, e, e)
	so.states[key] = st
	for _, a := range actions {
		switch a := a.(type) {
		case tend.Spawn:
			so.pids++
			st.Run = fmt.Sprintf("%s/%d", key, so.pids)
			so.states[key] = st
			so.maySpawn(key)
			so.effects = append(so.effects, func() { so.spawning[key] = st.Run })
		case tend.Signal:
			run := st.Run
			so.effects = append(so.effects, func() { so.die(run, tend.Exit{Signal: a.Signal}) })
		}
	}
	st = so.states[key]
	so.Logf("      %s", describe(st))
	if st.Phase == tend.PhaseStopping && before.Phase != tend.PhaseStopping && (st.Then == tend.ThenFail || !st.Wanted || so.leaving) {
		so.mayStop(key)
	}
	so.near.Changed(so.service(key).Name, before, st)
}

// maySpawn: nothing starts before what it requires is ready.
func (so *society) maySpawn(key string) {
	for _, d := range so.order.Needs(so.service(key).Name) {
		if d.Bond != tend.BondRequires {
			for _, s := range so.at(d.On) {
				if s.Phase == tend.PhaseStarting && s.Restarts == 0 && s.Failures == 0 && !s.Halting {
					so.Fatalf("%s starts before %s, which is %s", key, s.Key, describe(s.State))
				}
			}
			continue
		}
		up := 0
		for _, s := range so.at(d.On) {
			if s.Up() {
				up++
			} else if s.Phase != tend.PhaseFailed && (s.Phase != tend.PhaseStopped && s.Phase != "" || s.Wanted) {
				so.Fatalf("%s starts, and requires %s, which is %s", key, s.Key, describe(s.State))
			}
		}
		if up == 0 {
			so.Fatalf("%s starts, and there is no %s", key, d.On)
		}
	}
	if so.leaving {
		so.Fatalf("%s starts, and everything is being left", key)
	}
}

// mayStop: nothing is stopped before those that need it have ended.
func (so *society) mayStop(key string) {
	name := so.service(key).Name
	for _, other := range so.order.Dependants([]string{name}) {
		for _, s := range so.at(other) {
			if spent := s.Phase == tend.PhaseStopping && s.Begun && s.Next.IsZero(); other != name && s.Phase.Live() && !spent {
				so.Fatalf("%s is stopped, and %s, which needs it, is %s", key, s.Key, describe(s.State))
			}
		}
	}
}

// turn is one turn of the loop, which is lost as a whole if the supervisor dies in it.
func (so *society) turn(f func()) {
	f()
	so.near.Settle()
	if !so.calm && rapid.IntRange(0, 19).Draw(so.T, "dies before it writes") == 0 {
		so.Logf("      killed")
		so.effects = nil
		so.takeover(false)
		return
	}
	so.written = maps.Clone(so.states)
	for len(so.effects) > 0 {
		f := so.effects[0]
		so.effects = so.effects[1:]
		f()
	}
}

func (so *society) die(run string, exit tend.Exit) {
	if _, lives := so.living[run]; lives {
		delete(so.living, run)
		so.dead[run] = exit
	}
}

// takeover is a new supervisor, which has the database, and sees which processes there are.
func (so *society) takeover(reboot bool) {
	so.states, so.leaving, so.effects = map[string]tend.State{}, false, nil
	for key, st := range so.written {
		so.states[key] = stored(so.T, st)
	}
	if reboot {
		clear(so.living)
		clear(so.dead)
		clear(so.spawning)
	}
	so.begin()
	so.Logf("      takeover, after a reboot: %v", reboot)
	for _, key := range slices.Sorted(maps.Keys(so.states)) {
		st := so.states[key]
		_, lives := so.living[st.Run]
		switch {
		case !st.Phase.Live():
		case reboot:
			so.tell(key, tend.Ended{Run: st.Run, Exit: tend.Exit{Lost: "reboot"}})
		case !st.Begun && lives:
			so.tell(key, tend.Spawned{Run: st.Run, Main: so.living[st.Run]})
		case !st.Begun && so.dead[st.Run] == tend.Exit{} && st.Phase == tend.PhaseStopping:
			delete(so.spawning, key)
			so.tell(key, tend.SpawnFailed{Run: st.Run, Message: "it was stopped"})
		case !st.Begun && so.dead[st.Run] == tend.Exit{}:
			so.spawning[key] = st.Run
		}
	}
	for _, key := range slices.Sorted(maps.Keys(so.states)) {
		if so.states[key].Wanted {
			so.tell(key, tend.Resumed{Rebooted: reboot})
		}
	}
	so.near.Settle()
	so.written = maps.Clone(so.states)
	for len(so.effects) > 0 {
		f := so.effects[0]
		so.effects = so.effects[1:]
		f()
	}
}

// news delivers one thing that has happened; it reports whether there was any.
func (so *society) news(pick func(n int) int) bool {
	var news []func()
	for _, key := range slices.Sorted(maps.Keys(so.spawning)) {
		run := so.spawning[key]
		news = append(news, func() {
			delete(so.spawning, key)
			so.pids++
			so.living[run] = tend.Identity{PID: so.pids, Start: uint64(so.pids)}
			so.turn(func() { so.tell(key, tend.Spawned{Run: run, Main: so.living[run]}) })
			if so.bad[so.service(key).Name] {
				so.die(run, tend.Exit{Code: 1})
			}
		})
	}
	for _, run := range slices.Sorted(maps.Keys(so.dead)) {
		news = append(news, func() {
			for key, st := range so.states {
				if st.Run == run {
					exit := so.dead[run]
					so.turn(func() { so.tell(key, tend.Ended{Run: run, Exit: exit}) })
					if so.states[key].Run != run || so.states[key].Main.IsZero() {
						delete(so.dead, run)
					}
					return
				}
			}
			delete(so.dead, run)
		})
	}
	if len(news) == 0 {
		return false
	}
	news[pick(len(news))]()
	return true
}

// tick lets time pass until the next thing is due; it reports whether there is any.
func (so *society) tick() bool {
	var next time.Time
	for _, st := range so.states {
		if !st.Next.IsZero() && (next.IsZero() || st.Next.Before(next)) {
			next = st.Next
		}
	}
	if next.IsZero() {
		return false
	}
	so.now = maxTime(so.now, next)
	so.turn(func() {
		for _, key := range slices.Sorted(maps.Keys(so.states)) {
			so.tell(key, tend.Tick{})
		}
	})
	return true
}

func (so *society) names() (names []string) {
	for _, s := range so.services {
		names = append(names, s.Name)
	}
	return names
}

func (so *society) start(names ...string) {
	so.turn(func() {
		for _, name := range so.order.Starts(names, so.at) {
			for _, key := range so.keys(name) {
				so.tell(key, tend.StartRequested{})
			}
		}
	})
}

func (so *society) stop(keep bool, names ...string) {
	so.turn(func() {
		so.leaving = keep
		for _, name := range so.order.Stops(names, so.at) {
			for _, key := range so.keys(name) {
				so.tell(key, tend.StopRequested{KeepWanted: keep, Hold: so.near.Held(name)})
			}
		}
	})
}

func (so *society) restart(names ...string) {
	so.turn(func() {
		so.order.Sort(names)
		slices.Reverse(names)
		for _, name := range names {
			for _, key := range so.keys(name) {
				so.tell(key, tend.RestartRequested{Hold: so.near.Held(name)})
			}
		}
	})
}

// TestSocietyInAnyOrder lets services that depend on each other be started, stopped and restarted, fail and come back, and
// lets their supervisor die at any moment.
func TestSocietyInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		so := newSociety(t)
		some := func(t *rapid.T) []string {
			return rapid.SliceOfNDistinct(rapid.SampledFrom(so.names()), 1, -1, func(s string) string { return s }).Draw(t, "names")
		}
		notLeaving := func(t *rapid.T) {
			if so.leaving {
				t.Skip()
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"start":    func(t *rapid.T) { notLeaving(t); so.start(some(t)...) },
			"stop":     func(t *rapid.T) { notLeaving(t); so.stop(false, some(t)...) },
			"restart":  func(t *rapid.T) { notLeaving(t); so.restart(some(t)...) },
			"leave":    func(t *rapid.T) { so.stop(true, so.names()...) },
			"takeover": func(t *rapid.T) { so.takeover(false) },
			"reboot":   func(t *rapid.T) { so.takeover(true) },
			"news":     func(t *rapid.T) { so.news(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "which") }) },
			"more":     func(t *rapid.T) { so.news(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "which") }) },
			"tick":     func(t *rapid.T) { so.tick() },
			"turns": func(t *rapid.T) {
				name := rapid.SampledFrom(so.names()).Draw(t, "who")
				so.bad[name] = !so.bad[name]
			},
			"die": func(t *rapid.T) {
				if len(so.living) > 0 {
					run := rapid.SampledFrom(slices.Sorted(maps.Keys(so.living))).Draw(t, "which")
					so.die(run, tend.Exit{Code: rapid.IntRange(0, 1).Draw(t, "code")})
				}
			},
		})

		so.calm = true
		// When all of them are well again, and what has failed for good was started again, whatever is wanted runs.
		clear(so.bad)
		so.takeover(false)
		so.rest()
		var failed []string
		for key, st := range so.states {
			if st.Phase == tend.PhaseFailed && st.Lacks == "" && st.Wanted {
				failed = append(failed, so.service(key).Name)
			}
		}
		slices.Sort(failed)
		if len(failed) > 0 {
			so.start(slices.Compact(failed)...)
		}
		so.rest()
		for key, st := range so.states {
			runs := st.Phase == tend.PhaseRunning || st.Phase == tend.PhaseExited
			if st.Wanted && !runs && so.canRun(so.service(key).Name) {
				t.Fatalf("%s is wanted, can run, and is %s", key, describe(st))
			}
			if st.Halting {
				t.Fatalf("%s is held for ever: %s", key, describe(st))
			}
		}
		// And a stop of all leaves nothing.
		so.stop(false, so.names()...)
		so.rest()
		if len(so.living) > 0 {
			t.Fatalf("stopped, and %v lives", so.living)
		}
		// Nor does a start leave anything out.
		so.start(so.names()...)
		so.rest()
		for _, s := range so.services {
			for _, key := range so.keys(s.Name) {
				if st := so.states[key]; st.Phase != tend.PhaseRunning && so.canRun(s.Name) {
					t.Fatalf("%s was started, and is %s", key, describe(st))
				}
			}
		}
	})
}

// canRun reports whether all that the service requires is there.
func (so *society) canRun(name string) bool {
	for _, d := range so.order.Needs(name) {
		if d.Bond == tend.BondRequires && (!so.order.Knows(d.On) || !so.canRun(d.On)) {
			return false
		}
	}
	return true
}

// rest lets everything happen that must happen, without anything new.
func (so *society) rest() {
	for range 2000 {
		if !so.news(func(int) int { return 0 }) && !so.tick() {
			return
		}
	}
	so.Fatalf("it does not come to rest: %v", so.states)
}
