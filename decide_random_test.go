package tend_test

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tend"
)

// TestDecideInAnyOrder lets wishes, news, deaths and time come in random orders. world checks what must hold.
func TestDecideInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		wish := func(wanted bool, e tend.Event) func(*rapid.T) {
			return func(*rapid.T) {
				w.wanted, w.survived = wanted, false // to ask again is to try again
				w.tell(e)
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"start":          wish(true, tend.StartRequested{}),
			"restart":        wish(true, tend.RestartRequested{}),
			"stop":           wish(false, tend.StopRequested{}),
			"shutdown":       func(*rapid.T) { w.tell(tend.StopRequested{KeepWanted: true}) },
			"run":            func(*rapid.T) { w.tell(tend.RunRequested{}) },
			"restart, held":  wish(true, tend.RestartRequested{Hold: true}),
			"stop, held":     wish(false, tend.StopRequested{Hold: true}),
			"shutdown, held": func(*rapid.T) { w.tell(tend.StopRequested{KeepWanted: true, Hold: true}) },
			"fault": func(t *rapid.T) {
				w.tell(tend.Faulted{Run: w.state.Run, Why: "is ill", Stop: rapid.Bool().Draw(t, "for good")})
			},
			"lack": func(t *rapid.T) {
				if len(w.service.Requires) == 0 {
					t.Skip()
				}
				w.tell(tend.Lacking{Name: "db", Why: "it requires db, which failed", Hold: rapid.Bool().Draw(t, "held")})
			},
			"renew": func(*rapid.T) { w.tell(tend.Renewed{Cause: tend.CauseWatch, Why: "a file has changed"}) },
			"more time": func(t *rapid.T) {
				w.tell(tend.Extended{Run: w.state.Run, By: rapid.SampledFrom([]time.Duration{time.Second, time.Minute}).Draw(t, "by")})
			},
			"takeover": func(*rapid.T) { w.takeover(false) },
			"reboot":   func(*rapid.T) { w.takeover(true) },
			"spawn": func(t *rapid.T) {
				if w.spawning == "" {
					t.Skip()
				}
				w.spawn()
			},
			"cannot spawn": func(t *rapid.T) {
				run := w.spawning
				if run == "" {
					t.Skip()
				}
				w.spawning = ""
				w.deliver(tend.SpawnFailed{Run: run, Message: "no such file", Temporary: rapid.Bool().Draw(t, "temporary")})
			},
			"fork": func(t *rapid.T) {
				if len(w.living) == 0 {
					t.Skip()
				}
				w.newProc(w.living[0].run)
				w.signal(w.order)
			},
			"die":         func(t *rapid.T) { w.dieSomehow(t) },
			"die as well": func(t *rapid.T) { w.dieSomehow(t) },
			"news": func(t *rapid.T) {
				if !w.news(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "which") }) {
					t.Skip()
				}
			},
			"news again": func(t *rapid.T) {
				if len(w.heard) == 0 {
					t.Skip()
				}
				// An end is told once for each main process, so only the very last one may come twice.
				i := rapid.IntRange(0, len(w.heard)-1).Draw(t, "which")
				if e, ok := w.heard[i].(tend.Ended); ok && e.Run == w.state.Run && i != len(w.heard)-1 {
					t.Skip()
				}
				before := w.state
				w.tell(w.heard[i])
				if before.Phase != tend.PhaseStopping && !reflect.DeepEqual(before, w.state) {
					t.Fatalf("told twice, it happened twice")
				}
			},
			"time": func(t *rapid.T) {
				passed := rapid.SampledFrom([]time.Duration{time.Microsecond, time.Millisecond, 200 * time.Millisecond, 2 * time.Second, time.Minute})
				w.now = w.now.Add(passed.Draw(t, "passed"))
				w.tell(tend.Tick{})
			},
			"its time": func(t *rapid.T) {
				if w.state.Wake().IsZero() {
					t.Skip()
				}
				w.now = maxTime(w.now, w.state.Wake())
				w.tell(tend.Tick{})
			},
		})

		// In the end, a stop always leads to nothing that runs, or to a report of what survived.
		w.wanted, w.survived = false, false
		w.tell(tend.StopRequested{})
		w.settle()
		var unkillable bool
		for _, p := range w.living {
			unkillable = unkillable || p.unkillable
		}
		switch {
		case unkillable && (w.state.Phase != tend.PhaseStopping || !w.survived):
			t.Fatalf("something survived, and nobody said so: %+v", w.state)
		case !unkillable && w.state.Phase != tend.PhaseStopped && w.state.Phase != tend.PhaseExited && w.state.Phase != tend.PhaseFailed:
			t.Fatalf("it is not stopped: %+v", w.state)
		case !unkillable && len(w.living) > 0:
			t.Fatalf("stopped, and %v lives", w.living)
		}

		// And a start, once those are gone, always leads to a service that runs, if it is a good one.
		w.wanted, w.service.Expires = true, 0
		w.tell(tend.StartRequested{})
		for _, p := range w.left() {
			w.die(proc{Identity: p, run: w.state.Run}, tend.Exit{Signal: "KILL"})
		}
		w.settle()
		if w.service.IsJob() {
			if w.state.Phase != tend.PhaseScheduled {
				t.Fatalf("it was started, and does not wait for its time: %+v", w.state)
			}
			w.now = maxTime(w.now, w.state.Due)
			w.tell(tend.Tick{})
			w.settle()
		}
		if w.state.Phase != tend.PhaseRunning || len(w.living) == 0 {
			t.Fatalf("it was started, and does not run: %+v", w.state)
		}
	})
}

func (w *world) dieSomehow(t *rapid.T) {
	if len(w.living) == 0 {
		t.Skip()
	}
	w.die(rapid.SampledFrom(w.living).Draw(t, "who"), anyExit.Draw(t, "how"))
}

// settle lets everything happen that must happen, without anything new.
func (w *world) settle() {
	for range 100 {
		switch {
		case w.spawning != "":
			w.spawn()
		case w.news(func(int) int { return 0 }):
		case !w.state.Next.IsZero():
			w.now = maxTime(w.now, w.state.Next)
			w.tell(tend.Tick{})
		default:
			return
		}
	}
	w.Fatalf("it does not come to rest: %+v", w.state)
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

var anyExit = rapid.SampledFrom([]tend.Exit{{}, {}, {Code: 1}, {Code: 3}, {Signal: "SEGV", Core: true}, {Signal: "TERM"}, {Unknown: true}})

// TestDecideOnAnything: no state and no event, however absurd together, makes Decide panic or forget its arguments.
func TestDecideOnAnything(t *testing.T) {
	identity := rapid.SampledFrom([]tend.Identity{{}, {PID: 7, Start: 1}, {PID: 8, Start: 2}})
	moment := rapid.SampledFrom([]time.Time{{}, epoch, epoch.Add(time.Hour)})
	run := rapid.SampledFrom([]string{"", "r1", "r2"})
	event := rapid.Custom(func(t *rapid.T) tend.Event {
		return rapid.SampledFrom([]tend.Event{
			tend.StartRequested{}, tend.RestartRequested{}, tend.StopRequested{}, tend.StopRequested{KeepWanted: true},
			tend.Resumed{}, tend.Resumed{Rebooted: true}, tend.Tick{}, nil,
			tend.Spawned{Run: run.Draw(t, "run"), Main: identity.Draw(t, "main")},
			tend.SpawnFailed{Run: run.Draw(t, "run"), Temporary: rapid.Bool().Draw(t, "temporary")},
			tend.Ended{Run: run.Draw(t, "run"), Exit: anyExit.Draw(t, "exit"), At: moment.Draw(t, "at"), After: moment.Draw(t, "after"), Left: rapid.SliceOfN(identity, 0, 3).Draw(t, "left")},
			tend.Ended{Run: run.Draw(t, "run"), Exit: tend.Exit{Lost: "reboot"}},
			tend.TreeEnded{Run: run.Draw(t, "run")},
			tend.RunRequested{}, tend.StopRequested{Hold: true}, tend.RestartRequested{Hold: true}, tend.Tick{Hold: true},
			tend.Released{}, tend.Cleared{}, tend.Lacking{Name: "db", Why: "no db"}, tend.Renewed{Cause: tend.CauseWatch}, tend.Spared{Why: "no"},
			tend.Ready{Run: run.Draw(t, "run")}, tend.StopCommandEnded{Run: run.Draw(t, "run")},
			tend.Faulted{Run: run.Draw(t, "run"), Why: "ill", Stop: rapid.Bool().Draw(t, "for good")},
			tend.Extended{Run: run.Draw(t, "run"), By: time.Minute},
			tend.MainChanged{Run: run.Draw(t, "run"), Main: identity.Draw(t, "main")},
			tend.Told{Run: run.Draw(t, "run"), Status: "well"},
		}).Draw(t, "event")
	})
	rapid.Check(t, func(t *rapid.T) {
		phases := []tend.Phase{"", "absurd", tend.PhaseStopped, tend.PhaseStarting, tend.PhaseRunning, tend.PhaseStopping, tend.PhaseBackoff, tend.PhaseWaiting, tend.PhaseScheduled, tend.PhaseExited, tend.PhaseFailed}
		state := tend.State{
			Phase: rapid.SampledFrom(phases).Draw(t, "phase"), Wanted: rapid.Bool().Draw(t, "wanted"),
			Since: moment.Draw(t, "since"), Next: moment.Draw(t, "next"), Started: moment.Draw(t, "started"), Ended: moment.Draw(t, "ended"),
			Cause: rapid.SampledFrom([]tend.Cause{"", tend.CauseStart, tend.CauseFailure}).Draw(t, "cause"),
			Run:   run.Draw(t, "run"), Main: identity.Draw(t, "main"), Begun: rapid.Bool().Draw(t, "begun"),
			Failures: rapid.IntRange(0, 1000).Draw(t, "failures"), StopStep: rapid.IntRange(-1, 5).Draw(t, "step"),
			Then: rapid.SampledFrom([]tend.AfterStop{tend.ThenStop, tend.ThenStart, tend.ThenEnd, tend.ThenFail}).Draw(t, "then"),
			Due:  moment.Draw(t, "due"), Expires: moment.Draw(t, "expires"), ReadyAt: moment.Draw(t, "ready at"),
			Halting: rapid.Bool().Draw(t, "halting"), Once: rapid.Bool().Draw(t, "once"), Queued: rapid.Bool().Draw(t, "queued"),
			Fault: rapid.SampledFrom([]string{"", "ill"}).Draw(t, "fault"), Lacks: rapid.SampledFrom([]string{"", "db"}).Draw(t, "lacks"),
			Exit: rapid.SampledFrom([]*tend.Exit{nil, {}, {Code: 1}}).Draw(t, "exit"),
		}
		service := tend.Service{Settings: tend.Settings{Restart: rapid.SampledFrom([]tend.Restart{"", "no", "always"}).Draw(t, "restart"),
			Schedule: rapid.SampledFrom([]string{"", "0 3 * * *"}).Draw(t, "schedule"), StopCommand: rapid.SampledFrom([]string{"", "true"}).Draw(t, "stop command"),
			Requires: rapid.SampledFrom([][]string{nil, {"db"}}).Draw(t, "requires"), Expires: rapid.SampledFrom([]tend.Duration{0, 1e9}).Draw(t, "expires")}}
		for range rapid.IntRange(1, 5).Draw(t, "events") {
			before := stored(t, state)
			next, _ := tend.Decide(service, state, event.Draw(t, "event"), moment.Draw(t, "now"))
			if !reflect.DeepEqual(before, state) {
				t.Fatalf("Decide changed its argument: %+v is now %+v", before, state)
			}
			if state.Phase.Live() && !next.Phase.Live() && !next.Main.IsZero() {
				t.Fatalf("at rest with a process: %+v", next)
			}
			state = next
		}
	})
}

func TestPause(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Int64Range(1, int64(36500*24*time.Hour)).Draw(t, "min")
		high := rapid.Int64Range(low, int64(36500*24*time.Hour)).Draw(t, "max")
		s := tend.Service{Name: rapid.String().Draw(t, "name")}
		s.Backoff = tend.Backoff{Min: tend.Duration(low), Max: tend.Duration(high)}
		failures := rapid.IntRange(2, 10_000).Draw(t, "failures")
		pause, longer := tend.Pause(s, failures), tend.Pause(s, failures+1)
		if pause < time.Duration(float64(low)*0.79) || pause > time.Duration(high) || pause <= 0 {
			t.Fatalf("pause %s is not within %s", pause, s.Backoff)
		}
		if longer < pause*79/100 {
			t.Fatalf("pause %s is followed by %s", pause, longer)
		}
		if tend.Pause(s, failures) != pause {
			t.Fatal("not the same twice")
		}
	})
	for failures := -1; failures < 2; failures++ {
		if p := tend.Pause(tend.Service{}, failures); p != 0 {
			t.Errorf("the restart after failure %d waits %s", failures, p)
		}
	}
}

// TestDecideOnDamagedState: a state that says what follows the end of a run, but not how the run ended.
func TestDecideOnDamagedState(t *testing.T) {
	damaged := tend.State{Phase: tend.PhaseStopping, Wanted: true, Run: "r1", Begun: true, Then: tend.ThenEnd}
	after, _ := tend.Decide(tend.Service{}, damaged, tend.TreeEnded{Run: "r1"}, epoch)
	if after.Phase != tend.PhaseStarting || after.Exit == nil || !after.Exit.Unknown {
		t.Errorf("%+v", after)
	}
}
