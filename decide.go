package tend

import (
	"fmt"
	"hash/fnv"
	"time"
)

// The life of a service.
//
// A service rests in one of four phases without a process: stopped (nobody wants it), exited (it ended well and its
// policy is content), failed (it ended badly and its policy gives up, or could not be executed at all), and backoff
// (it ended and is started again when Next comes). A wish to run leads from each of them to starting.
//
// In starting, a run was decided on. First it has no process (Main is zero: the id of the run is written down before
// the process is made, so that a crash of ours in between loses nothing), then Spawned gives it one, and when it is
// still alive at Next it is running. Both phases are left in two ways. When the main process ends and takes its
// tree with it, ended() consults the policy. When somebody wants it stopped, it is stopping.
//
// The main process may also end and leave others behind. Ended well, it is a program that went to the background by
// itself: the eldest of those left becomes the main process and the run goes on. Ended badly, what it left is stopped
// first, because a second copy must never run beside remains of the first, and then ended() consults the policy.
//
// In stopping, the steps of the stop schedule follow each other by time until the tree has ended. After the last step
// nothing more can be done: the phase stays, without Next, until the end of the tree is seen after all. What
// comes then is in Then: a stop, a start (restart, or somebody changed their mind), or the consultation above.
//
// An event that names another run than the present one is late news and changes nothing.

// Decide is what the supervisor does on an event. It is pure: the same arguments give the same answer.
func Decide(s Service, st State, e Event, now time.Time) (State, []Action) {
	d := decision{service: s.WithDefaults(), State: st, now: now}
	if d.Phase == "" {
		d.Phase = PhaseStopped
	}
	switch e := e.(type) {
	case StartRequested:
		d.startRequested(CauseStart)
	case RestartRequested:
		d.restartRequested()
	case StopRequested:
		d.stopRequested(e.KeepWanted)
	case Resumed:
		d.resumed(e.Rebooted)
	case Spawned:
		if d.current(e.Run) {
			d.spawned(e.Main)
		}
	case SpawnFailed:
		if d.current(e.Run) {
			d.spawnFailed(e)
		}
	case Ended:
		if d.current(e.Run) {
			d.mainEnded(e.Exit, e.Left)
		}
	case TreeEnded:
		if d.current(e.Run) && d.Phase == PhaseStopping {
			d.treeEnded()
		}
	case Tick:
		d.tick()
	}
	return d.State, d.actions
}

// decision is a State on its way to the next one.
type decision struct {
	service Service
	State
	now     time.Time
	actions []Action
}

func (d *decision) do(a Action) { d.actions = append(d.actions, a) }

func (d *decision) note(kind NoteKind, format string, args ...any) {
	d.do(Note{Kind: kind, Text: fmt.Sprintf(format, args...)})
}

// enter changes the phase; next is the time until the phase's own step, negative for none.
func (d *decision) enter(p Phase, next time.Duration) {
	d.Phase, d.Since, d.Next, d.Reason = p, d.now, time.Time{}, ""
	if next >= 0 {
		d.Next = d.now.Add(next)
	}
}

const never = -1 * time.Second

// current reports whether the run is the present one.
func (d *decision) current(run string) bool { return d.Phase.Live() && d.Run == run }

func (d *decision) startRequested(cause Cause) {
	d.Wanted = true
	switch d.Phase {
	case PhaseStarting, PhaseRunning:
	case PhaseStopping:
		d.Then = ThenStart
	default:
		d.Failures, d.Restarts = 0, 0
		d.start(cause)
	}
}

func (d *decision) restartRequested() {
	if !d.Phase.Live() {
		d.startRequested(CauseRestart)
		return
	}
	d.Wanted = true
	if d.Phase != PhaseStopping {
		d.stop("to be restarted")
	}
	d.Then = ThenStart
}

func (d *decision) stopRequested(keepWanted bool) {
	if !keepWanted {
		d.Wanted = false
	}
	switch d.Phase {
	case PhaseStarting, PhaseRunning:
		d.stop("")
	case PhaseStopping:
		d.Then = ThenStop
	case PhaseStopped:
	default:
		d.enter(PhaseStopped, never)
		d.note(NoteStopped, "is not started again")
	}
}

// resumed starts what is wanted and rests only because supervision was away. On a host that has rebooted that is all
// that was started and never stopped: services that exit well on SIGTERM have often done so a moment before the
// shutdown reached us. Otherwise what has exited or failed stays so, and a pause that has gone by ends by Tick.
func (d *decision) resumed(rebooted bool) {
	if !d.Wanted {
		return
	}
	if d.Phase == PhaseStopped || (rebooted && !d.Phase.Live()) {
		d.startRequested(CauseResume)
	}
}

// start begins a run.
func (d *decision) start(cause Cause) {
	d.enter(PhaseStarting, never)
	d.Cause, d.Started, d.Run, d.Main, d.Begun, d.StopStep, d.Then = cause, d.now, "", Identity{}, false, 0, ThenStop
	d.do(Spawn{Cause: cause})
	d.note(NoteStarting, "%s", startingText(cause))
}

func startingText(cause Cause) string {
	switch cause {
	case CauseFailure:
		return "is started again, because it failed"
	case CauseEnd:
		return "is started again, because it ended"
	case CauseResume:
		return "is started, because it is wanted"
	case CauseRestart:
		return "is restarted"
	}
	return "is started"
}

func (d *decision) spawned(main Identity) {
	d.Main, d.Begun = main, true
	d.note(NoteStarted, "runs as process %d", main.PID)
	switch d.Phase {
	case PhaseStarting:
		d.Next = d.now.Add(time.Duration(d.service.Ready.Alive))
	case PhaseStopping: // somebody stopped it before it existed
		d.signal()
	}
}

func (d *decision) spawnFailed(e SpawnFailed) {
	exit := Exit{Error: e.Message}
	byHand := d.Cause == CauseStart || d.Cause == CauseRestart
	switch {
	case d.Phase == PhaseStopping:
		d.Exit, d.Ended = &exit, d.now
		d.treeEnded()
	case byHand && !e.Temporary:
		d.Exit, d.Ended = &exit, d.now
		d.fail(exit.String())
	default:
		d.note(NoteEnded, "%s", exit)
		d.ended(exit)
	}
}

func (d *decision) tick() {
	if d.Next.IsZero() || d.now.Before(d.Next) {
		return
	}
	switch d.Phase {
	case PhaseStarting:
		d.enter(PhaseRunning, never)
		d.note(NoteReady, "is ready")
	case PhaseBackoff:
		d.start(d.causeAfter())
	case PhaseStopping:
		d.StopStep++
		d.signal()
	}
}

// causeAfter is the cause of a run that follows the last one by itself.
func (d *decision) causeAfter() Cause {
	if d.Exit != nil && d.service.Success(*d.Exit) {
		return CauseEnd
	}
	return CauseFailure
}

func (d *decision) mainEnded(exit Exit, left []Identity) {
	success := exit.Error == "" && exit.Lost == "" && d.service.Success(exit)
	if d.Phase != PhaseStopping && success && len(left) > 0 {
		d.Main = left[0]
		d.do(Follow{Main: left[0]})
		d.note(NoteFollowed, "the main process ended with status %d and left process %d, which is followed now", exit.Code, left[0].PID)
		return
	}
	d.Main, d.Exit, d.Ended = Identity{}, &exit, d.now
	d.note(NoteEnded, "%s", exit)
	switch {
	case d.Phase == PhaseStopping && len(left) == 0:
		d.treeEnded()
	case d.Phase == PhaseStopping:
	case len(left) > 0:
		d.stop(fmt.Sprintf("%s and left %d processes behind", exit, len(left)))
		d.Then = ThenEnd
	default:
		d.ended(exit)
	}
}

// stop begins the stop schedule.
func (d *decision) stop(reason string) {
	d.enter(PhaseStopping, never)
	d.StopStep, d.Then, d.Reason = 0, ThenStop, reason
	d.note(NoteStopping, "is being stopped")
	d.signal()
}

// signal does the present step of the stop schedule. Without a process yet it does nothing: Spawned comes back to it.
func (d *decision) signal() {
	if !d.Begun {
		return
	}
	if d.StopStep >= len(d.service.Stop) {
		d.Next = time.Time{}
		d.Reason = "it survived every step of its stop schedule"
		d.note(NoteSurvived, "survived every step of its stop schedule")
		return
	}
	step := d.service.Stop[d.StopStep]
	d.Next = d.now.Add(time.Duration(step.Wait))
	d.do(Signal{Signal: step.Signal})
	d.note(NoteSignal, "SIG%s is sent", step.Signal)
}

func (d *decision) treeEnded() {
	d.Main = Identity{}
	switch d.Then {
	case ThenStart:
		d.Failures, d.Restarts = 0, 0
		d.start(CauseRestart)
	case ThenEnd:
		d.ended(*d.Exit)
	default:
		d.enter(PhaseStopped, never)
		d.note(NoteStopped, "is stopped")
	}
}

// ended consults the policy when a run has ended by itself and nothing of it is left.
func (d *decision) ended(exit Exit) {
	d.Main, d.Exit, d.Ended, d.StopStep, d.Then = Identity{}, &exit, d.now, 0, ThenStop
	switch success := d.service.Success(exit) && exit.Error == "" && exit.Lost == ""; {
	case exit.Lost != "":
		d.lost()
	case success && d.service.Restart != RestartAlways:
		d.enter(PhaseExited, never)
	case success:
		d.Failures = 0
		d.again(CauseEnd)
	case d.service.Restart == RestartNo:
		d.fail(exit.String() + ", and its restart policy is no")
	default:
		d.failed(exit)
	}
}

// lost handles a run whose host has gone: that is not the service's failure.
func (d *decision) lost() {
	d.enter(PhaseStopped, never)
	if d.Wanted {
		d.Failures, d.Restarts = 0, 0
		d.start(CauseResume)
	}
}

// failed counts a failure and decides between another run and giving up.
func (d *decision) failed(exit Exit) {
	if exit.Error == "" && d.now.Sub(d.Started) >= time.Duration(d.service.HealthyAfter) {
		d.Failures = 0
	}
	d.Failures++
	if limit := d.service.GiveUpAfter; limit > 0 && d.Failures >= limit {
		d.fail(fmt.Sprintf("%s, failure %d of %d in a row", exit, d.Failures, limit))
		return
	}
	d.again(CauseFailure)
}

// again starts the next run by itself, at once or after a pause.
func (d *decision) again(cause Cause) {
	d.Restarts++
	pause := Pause(d.service, d.Failures)
	if cause == CauseEnd && d.now.Sub(d.Started) < time.Duration(d.service.Backoff.Min) {
		pause = time.Duration(d.service.Backoff.Min) // a command that does nothing must not spin
	}
	if pause == 0 {
		d.start(cause)
		return
	}
	d.enter(PhaseBackoff, pause)
	d.note(NoteBackoff, "is started again in %s", pause.Round(time.Millisecond))
}

func (d *decision) fail(reason string) {
	d.enter(PhaseFailed, never)
	d.Reason = reason
	d.note(NoteFailed, "%s", reason)
}

// Pause is how long tend waits after that many failures in a row before it starts the service again: nothing after
// the first, then Backoff.Min, doubling up to Backoff.Max. Up to a fifth is taken off, differently for each service
// and attempt, so that services that failed together do not return together.
func Pause(s Service, failures int) time.Duration {
	if failures <= 1 {
		return 0
	}
	s = s.WithDefaults()
	pause, longest := time.Duration(s.Backoff.Min), time.Duration(s.Backoff.Max)
	for i := 2; i < failures && pause < longest; i++ {
		pause *= 2
	}
	pause = min(pause, longest)
	h := fnv.New32a()
	fmt.Fprintf(h, "%s/%d", s.Name, failures)
	return pause - time.Duration(float64(pause)*0.2*float64(h.Sum32()%1024)/1024)
}
