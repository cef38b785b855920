package tend_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"pgregory.net/rapid"

	"tend"
)

// world is everything outside Decide, kept truthful: what is spawned lives, what lives is never forgotten, and news of
// it comes late, in any order, and sometimes twice. It checks after every decision what must hold at all times.
type world struct {
	*rapid.T
	service tend.Service
	state   tend.State
	now     time.Time

	runs     int
	spawning string          // the run whose process is being made
	living   []proc          // of all runs, eldest first
	early    map[string]proc // the process of a run of which the supervisor has not heard
	unheard  []end           // main processes that have ended, which the supervisor has not heard
	heard    []tend.Event    // news that was delivered, for telling it again
	order    string          // the signal of the stop that is going on
	command  time.Time       // until when the stop command has time that runs; zero: none does
	wanted   bool            // the last wish
	survived bool            // the last stop was reported as survived
	spawned  []time.Time     // automatic starts in a row
}

type proc struct {
	tend.Identity
	run        string
	stubborn   bool // ignores everything but KILL
	unkillable bool // as one that waits for a broken disk
}

type end struct {
	proc
	exit tend.Exit
	at   time.Time // as a keeper has written it down; zero if none has
}

func newWorld(t *rapid.T) *world {
	w := &world{T: t, now: epoch, early: map[string]proc{}}
	w.service = tend.Service{Name: "web", CommandLine: "web", Settings: tend.Settings{
		Restart:      rapid.SampledFrom([]tend.Restart{"", tend.RestartNo, tend.RestartOnFailure, tend.RestartAlways}).Draw(t, "restart"),
		SuccessCodes: rapid.SampledFrom([][]int{nil, {3}}).Draw(t, "success codes"),
		GiveUpAfter:  rapid.SampledFrom([]int{0, 1, 4}).Draw(t, "give up after"),
		HealthyAfter: rapid.SampledFrom([]tend.Duration{0, 1, tend.Duration(time.Minute)}).Draw(t, "healthy after"),
		Stop: rapid.SampledFrom([]tend.StopSchedule{nil, {{Signal: "KILL", Wait: 0}}, {{Signal: "INT", Wait: 1e9}, {Signal: "TERM", Wait: 1e6}, {Signal: "KILL", Wait: 1e9}}}).
			Draw(t, "stop"),
		Schedule:        rapid.SampledFrom([]string{"", "", "@every 1s", "*/2 * * * *"}).Draw(t, "schedule"),
		RestartSchedule: rapid.SampledFrom([]string{"", "", "@every 5s"}).Draw(t, "restart schedule"),
		Overlap:         rapid.SampledFrom([]tend.Overlap{"", tend.OverlapSkip, tend.OverlapQueue, tend.OverlapReplace}).Draw(t, "overlap"),
		Missed:          rapid.SampledFrom([]tend.Missed{"", tend.MissedSkip, tend.MissedRun}).Draw(t, "missed"),
		StopCommand:     rapid.SampledFrom([]string{"", "", "./drain"}).Draw(t, "stop command"),
		Requires:        rapid.SampledFrom([][]string{nil, nil, {"db"}}).Draw(t, "requires"),
		Expires:         rapid.SampledFrom([]tend.Duration{0, 0, 1e9, tend.Duration(time.Minute)}).Draw(t, "expires"),
	}}
	return w
}

// tell lets Decide decide about an event, does what it wants, and checks the state.
func (w *world) tell(e tend.Event) {
	w.Logf("%s %T%+v", w.now.Sub(epoch), e, e)
	state, actions := w.decide(e)
	w.state = state
	for _, a := range actions {
		w.perform(a)
	}
	w.Logf("    %s", describe(w.state))
	w.check()
}

// decide asks twice, and spoils the arguments of the first question before it compares the answers.
func (w *world) decide(e tend.Event) (tend.State, []tend.Action) {
	s, again := w.service, e
	s.SuccessCodes, s.Stop = slices.Clone(s.SuccessCodes), slices.Clone(s.Stop)
	if ended, ok := e.(tend.Ended); ok {
		ended.Left = slices.Clone(ended.Left)
		again = ended
	}
	first, firstActions := tend.Decide(s, w.state, again, w.now)
	if ended, ok := again.(tend.Ended); ok {
		clear(ended.Left)
	}
	clear(s.SuccessCodes)
	clear(s.Stop)
	state, actions := tend.Decide(w.service, w.state, e, w.now)
	if !reflect.DeepEqual(first, state) || !reflect.DeepEqual(firstActions, actions) {
		w.Fatalf("not the same answer twice:\n%+v %+v\n%+v %+v", first, firstActions, state, actions)
	}
	return state, actions
}

func (w *world) perform(a tend.Action) {
	switch a := a.(type) {
	case tend.Spawn:
		if len(w.living) > 0 || w.spawning != "" {
			w.Fatalf("a run is begun beside %v %s", w.living, w.spawning)
		}
		if w.commanded() {
			w.Fatalf("a run is begun while the stop command of the last one goes on")
		}
		w.runs++
		w.spawning, w.order = fmt.Sprintf("r%d", w.runs), ""
		w.state.Run = w.spawning
		w.pace(a.Cause)
	case tend.Signal:
		w.signal(a.Signal)
	case tend.StopCommand:
		w.command = w.state.Next
	case tend.Follow:
		if !slices.ContainsFunc(w.living, func(p proc) bool { return p.Identity == a.Main }) {
			w.Fatalf("%v is followed, and does not live", a.Main)
		}
	case tend.Note:
		w.survived = w.survived && a.Kind != tend.NoteStopping || a.Kind == tend.NoteSurvived
		w.wanted = w.wanted && a.Kind != tend.NoteExpired
	}
}

// commanded reports whether a stop command runs. It is ended when its time is over.
func (w *world) commanded() bool { return w.now.Before(w.command) }

// pace checks that automatic starts do not spin: of any three in a row, the last two are a pause or a long run apart.
func (w *world) pace(cause tend.Cause) {
	if cause != tend.CauseFailure && cause != tend.CauseEnd {
		w.spawned = nil
	}
	w.spawned = append(w.spawned, w.now)
	if n := len(w.spawned); n >= 3 && w.now.Sub(w.spawned[n-3]) < time.Duration(tend.DefaultBackoffMin)*8/10 {
		w.Fatalf("three starts within %s", w.now.Sub(w.spawned[n-3]))
	}
}

// signal reaches the tree of the present run, and those that are born into it later as well.
func (w *world) signal(name string) {
	w.order = name
	if name == "" {
		return
	}
	for _, p := range slices.Clone(w.living) {
		if name == "KILL" && !p.unkillable || name != "KILL" && !p.stubborn && !p.unkillable {
			w.die(p, tend.Exit{Signal: name})
		}
	}
}

func (w *world) die(p proc, exit tend.Exit) {
	w.living = slices.DeleteFunc(w.living, func(q proc) bool { return q.PID == p.PID })
	if _, ok := w.early[p.run]; ok && w.early[p.run].PID == p.PID || p.Identity == w.state.Main {
		at := w.now
		if rapid.IntRange(0, 4).Draw(w.T, "who saw it") == 0 {
			at = time.Time{}
		}
		w.unheard = append(w.unheard, end{p, exit, at})
	}
}

// check is what must hold whenever an event has been dealt with.
func (w *world) check() {
	s := w.state
	if s.Wanted != w.wanted {
		w.Fatalf("wanted: %v, and the last wish was %v", s.Wanted, w.wanted)
	}
	switch s.Phase {
	case tend.PhaseStopped, tend.PhaseExited, tend.PhaseFailed, tend.PhaseBackoff, tend.PhaseScheduled, tend.PhaseWaiting:
		if len(w.living) > 0 || w.spawning != "" || !s.Main.IsZero() || s.Then != "" || s.StopStep != 0 {
			w.Fatalf("at rest, with %v %q %+v", w.living, w.spawning, s)
		}
		if (s.Phase == tend.PhaseBackoff) == s.Next.IsZero() {
			w.Fatalf("a pause has an end, other rests have none: %+v", s)
		}
		if (s.Phase == tend.PhaseExited || s.Phase == tend.PhaseFailed && s.Lacks == "" || s.Phase == tend.PhaseBackoff) && s.Exit == nil {
			w.Fatalf("nobody knows how it ended: %+v", s)
		}
	case tend.PhaseStarting:
		if s.Begun == s.Next.IsZero() || s.Begun == s.Main.IsZero() {
			w.Fatalf("a start waits for its process, then for its time: %+v", s)
		}
	case tend.PhaseRunning:
		if s.Main.IsZero() || !s.Begun || !s.Next.IsZero() {
			w.Fatalf("it runs without a process: %+v", s)
		}
	case tend.PhaseStopping:
		if s.Next.IsZero() == (s.Begun && !w.survived) {
			w.Fatalf("a stop waits for its process, then for its steps, then for ever: %+v", s)
		}
	default:
		w.Fatalf("no such phase: %+v", s)
	}
	w.checkPlan()
	if s.Ended.After(w.now) || !s.Phase.Live() && s.Exit != nil && s.Ended.Before(s.Started) {
		w.Fatalf("it ended before it began, or is yet to: %+v", s)
	}
	if s.Begun && !s.Main.IsZero() && !w.lives(s.Main) && !w.ended(s.Main) {
		w.Fatalf("its main process does not live, and nobody will tell: %+v", s)
	}
}

// checkPlan: a job that is wanted has a time, whatever it is doing, unless it has given up; and only such a job waits for one.
func (w *world) checkPlan() {
	s := w.state
	due := w.service.IsJob() && s.Wanted && s.Phase != tend.PhaseFailed || !w.service.IsJob() && w.service.RestartSchedule != "" && s.Phase == tend.PhaseRunning
	if s.Due.IsZero() == due {
		w.Fatalf("it has a time to wait for, or should have one: %+v", s)
	}
	switch {
	case w.service.IsJob() && s.Wanted && s.Phase == tend.PhaseExited, !w.service.IsJob() && s.Phase == tend.PhaseScheduled, !s.Wanted && s.Phase.Pending() && !(s.Once && s.Phase == tend.PhaseWaiting):
		w.Fatalf("not where it should be: %+v", s)
	case s.Once && !s.Phase.Live() && s.Phase != tend.PhaseWaiting, s.Halting && !s.Phase.Live(),
		s.Queued && (!s.Phase.Live() && s.Phase != tend.PhaseBackoff && s.Phase != tend.PhaseWaiting || w.service.Overlap != tend.OverlapQueue):
		w.Fatalf("something is left of a run that is over: %+v", s)
	}
	ending := s.Phase == tend.PhaseStopping && s.Then == tend.ThenStop
	if w.service.Expires > 0 && s.Wanted && s.Expires.IsZero() || s.Wanted && ending && s.Due.IsZero() && w.service.IsJob() {
		w.Fatalf("it is wanted, and nothing says for how long: %+v", s)
	}
}

func (w *world) lives(id tend.Identity) bool {
	return slices.ContainsFunc(w.living, func(p proc) bool { return p.Identity == id })
}

func (w *world) ended(id tend.Identity) bool {
	return slices.ContainsFunc(w.unheard, func(e end) bool { return e.Identity == id })
}

func (w *world) left() []tend.Identity {
	var left []tend.Identity
	for _, p := range w.living {
		left = append(left, p.Identity)
	}
	return left
}

// spawn makes the process of the run that is being begun; the supervisor hears of it later.
func (w *world) spawn() {
	w.early[w.spawning] = w.newProc(w.spawning)
	w.spawning = ""
}

func (w *world) newProc(run string) proc {
	kind := rapid.IntRange(0, 9).Draw(w.T, "what it bears")
	pid := 100 + len(w.living) + w.runs*50 + rapid.IntRange(0, 1<<20).Draw(w.T, "pid")*1000
	for slices.ContainsFunc(w.living, func(p proc) bool { return p.PID == pid }) {
		pid++
	}
	p := proc{Identity: tend.Identity{PID: pid, Start: uint64(w.now.UnixNano())}, run: run, stubborn: kind > 6, unkillable: kind == 9}
	w.living = append(w.living, p)
	return p
}

// news delivers one thing that has happened and was not told yet; it reports whether there was any.
func (w *world) news(pick func(n int) int) bool {
	var news []func()
	if !w.command.IsZero() {
		news = append(news, func() {
			w.command = time.Time{}
			w.tell(tend.StopCommandEnded{Run: w.state.Run})
		})
	}
	if w.state.Halting {
		news = append(news, func() { w.tell(tend.Released{}) })
	}
	if w.state.Phase == tend.PhaseWaiting {
		news = append(news, func() { w.tell(tend.Cleared{}) })
	}
	for run, p := range w.early {
		news = append(news, func() {
			delete(w.early, run)
			w.deliver(tend.Spawned{Run: run, Main: p.Identity})
		})
	}
	for i, e := range w.unheard {
		news = append(news, func() {
			w.unheard = slices.Delete(w.unheard, i, i+1)
			w.deliver(tend.Ended{Run: e.run, Exit: e.exit, At: e.at, Left: w.left()})
		})
	}
	if s := w.state; s.Phase == tend.PhaseStopping && s.Begun && s.Main.IsZero() && len(w.living) == 0 && w.order != "" {
		news = append(news, func() { w.deliver(tend.TreeEnded{Run: s.Run}) })
	}
	if len(news) == 0 {
		return false
	}
	news[pick(len(news))]()
	return true
}

func (w *world) deliver(e tend.Event) {
	w.heard = append(w.heard, e)
	w.tell(e)
}

// takeover is the death of the supervisor: what was written down is all that its successor has, and it looks for what
// became of the run.
func (w *world) takeover(reboot bool) {
	w.state = stored(w.T, w.state)
	s := w.state
	w.command = time.Time{} // the stop command dies with whoever runs it
	if reboot {
		w.living, w.unheard, w.spawning, w.early = nil, nil, "", map[string]proc{}
	}
	p, early := w.early[s.Run]
	switch {
	case !s.Phase.Live():
	case reboot:
		w.tell(tend.Ended{Run: s.Run, Exit: tend.Exit{Lost: "reboot"}})
	case !s.Begun && w.spawning != "": // the process was never made
		w.spawning = ""
		w.tell(tend.SpawnFailed{Run: s.Run, Message: "interrupted", Temporary: true})
	case !s.Begun && early && w.lives(p.Identity):
		delete(w.early, s.Run)
		w.tell(tend.Spawned{Run: s.Run, Main: p.Identity})
	case w.lives(s.Main):
		w.tell(tend.Spawned{Run: s.Run, Main: s.Main})
	case s.Phase == tend.PhaseStopping && s.StopStep < 0 && s.Main.IsZero():
		w.tell(tend.StopCommandEnded{Run: s.Run})
	}
	w.tell(tend.Resumed{Rebooted: reboot})
	s = w.state
	goesOn := s.Phase.Live() && (s.Phase != tend.PhaseStopping || s.Then != tend.ThenStop)
	atRest := !reboot && (s.Phase == tend.PhaseExited || s.Phase == tend.PhaseFailed || s.Phase == tend.PhaseBackoff)
	goesOn = goesOn || s.Phase == tend.PhaseScheduled || s.Phase == tend.PhaseWaiting
	if w.wanted && s.Halting && s.Then == tend.ThenStop {
		w.Fatalf("it is wanted, and to be stopped: %+v", s)
	}
	if w.wanted && !goesOn && !atRest {
		w.Fatalf("it is wanted, and forgotten: %+v", s)
	}
}

func stored(t *rapid.T, s tend.State) tend.State {
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back tend.State
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s, back) {
		t.Fatalf("stored and read back, it is another state:\n%+v\n%+v\n%s", s, back, data)
	}
	return back
}
