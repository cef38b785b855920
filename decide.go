package tend

import (
	"fmt"
	"hash/fnv"
	"slices"
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
// nothing more can be done by itself: the phase stays, without Next, until the end of the tree is seen after all or
// somebody asks again, which begins the schedule anew. What comes after the end is in Then: a stop, a start (restart,
// or somebody changed their mind), or the consultation above.
//
// Two states wait for the outside world without a Next: a run without a process waits for Spawned or SpawnFailed, and
// a spent stop schedule for the end of the tree.
//
// An event that names another run than the present one is late news and changes nothing; neither does one that the
// present run has heard before.

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
		if d.current(e.Run) && !d.Begun {
			d.spawnFailed(e)
		}
	case Ended:
		if d.current(e.Run) && !slices.Contains(e.Left, d.Main) {
			d.mainEnded(e)
		}
	case TreeEnded:
		if d.current(e.Run) && d.Begun && d.Phase == PhaseStopping {
			d.mainEnded(Ended{Exit: Exit{Unknown: true}})
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
	if !p.Live() {
		d.Main, d.StopStep, d.Then = Identity{}, 0, ThenStop
	}
}

const never = -1 * time.Second

// current reports whether the run is the present one.
func (d *decision) current(run string) bool { return run != "" && d.Run == run && d.Phase.Live() }

func (d *decision) startRequested(cause Cause) {
	d.Wanted = true
	switch d.Phase {
	case PhaseStarting, PhaseRunning:
	case PhaseStopping:
		d.stopFor(ThenStart, "to be started again")
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
	d.stopFor(ThenStart, "to be restarted")
}

func (d *decision) stopRequested(keepWanted bool) {
	if !keepWanted {
		d.Wanted = false
	}
	switch {
	case d.Phase.Live():
		d.stopFor(ThenStop, "")
	case d.Phase == PhaseStopped:
	case keepWanted && d.Phase != PhaseBackoff: // exited or failed: whoever supervises next must not start it for that
	default:
		d.enter(PhaseStopped, never)
		d.note(NoteStopped, "is not started again")
	}
}

// resumed starts what is wanted and rests only because supervision was away. On a host that has rebooted that is all
// that was started and never stopped: services that exit well on SIGTERM have often done so a moment before the
// shutdown reached us. Otherwise what has exited or failed stays so, and a pause that has gone by ends by Tick.
// A stop that was only our own leaving, and was cut short, is ended first.
func (d *decision) resumed(rebooted bool) {
	if !d.Wanted {
		return
	}
	switch {
	case d.Phase == PhaseStopping && d.Then == ThenStop:
		d.stopFor(ThenStart, "to be started again")
	case d.Phase == PhaseStopped, rebooted && !d.Phase.Live():
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

// spawned gives the run its process. For a run that has, or had, one it is late news.
func (d *decision) spawned(main Identity) {
	if d.Begun {
		return
	}
	d.Main, d.Begun = main, true
	d.note(NoteStarted, "runs as process %d", main.PID)
	if d.Phase == PhaseStarting {
		d.Next = d.now.Add(time.Duration(d.service.Ready.Alive))
	} else {
		d.signal() // somebody stopped it before it existed
	}
}

// spawnFailed tells somebody who waits for the answer at once that it cannot be executed. What goes on by itself tries
// again as after any failure: the missing program may be on a disk that is mounted later, or be installed just now.
func (d *decision) spawnFailed(e SpawnFailed) {
	d.Exit, d.Ended, d.EndedAfter = &Exit{Error: e.Message}, d.now, time.Time{}
	byHand := d.Cause == CauseStart || d.Cause == CauseRestart
	switch {
	case d.Phase == PhaseStopping:
		d.treeEnded()
	case byHand && !e.Temporary:
		d.fail(d.Exit.String())
	default:
		d.note(NoteEnded, "%s", d.Exit)
		d.ended()
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

// mainEnded handles the end of the main process, even when it is heard of before the beginning. When it is known
// already, only the end of the tree is news.
func (d *decision) mainEnded(e Ended) {
	exit, left := e.Exit, e.Left
	if d.Begun && d.Main.IsZero() && exit.Lost == "" {
		if len(left) == 0 {
			d.treeEnded()
		}
		return
	}
	if d.Phase != PhaseStopping && len(left) > 0 && d.service.Success(exit) {
		d.follow(left[0], exit)
		return
	}
	early := !d.Begun
	d.Main, d.Begun, d.Exit, d.Ended, d.EndedAfter = Identity{}, true, &exit, d.past(e.At), time.Time{}
	text := exit.String()
	if e.At.IsZero() && !e.After.IsZero() {
		d.EndedAfter = d.past(e.After)
		text += unseen
	}
	d.do(Note{Kind: NoteEnded, Text: text, At: d.Ended})
	switch {
	case exit.Lost != "":
		d.lost()
	case d.Phase == PhaseStopping && len(left) == 0:
		d.treeEnded()
	case d.Phase == PhaseStopping:
		if early {
			d.signal()
		}
	case len(left) > 0:
		d.stopFor(ThenEnd, fmt.Sprintf("%s and left %s behind", exit, processes(len(left))))
	default:
		d.ended()
	}
}

// past is the moment of an end that was seen then. The clock may have been set since: nothing has ended before it began,
// nor later than now.
func (d *decision) past(at time.Time) time.Time {
	switch {
	case at.IsZero(), at.After(d.now):
		return d.now
	case at.Before(d.Started) && d.Started.Before(d.now):
		return d.Started
	case at.Before(d.Started):
		return d.now
	}
	return at
}

// follow makes the eldest of those that the main process left the main one.
func (d *decision) follow(eldest Identity, exit Exit) {
	d.do(Follow{Main: eldest})
	d.note(NoteFollowed, "the main process ended with status %d and left process %d, which is followed now", exit.Code, eldest.PID)
	if d.Begun {
		d.Main = eldest
	} else {
		d.spawned(eldest)
	}
}

func processes(n int) string {
	if n == 1 {
		return "1 process"
	}
	return fmt.Sprintf("%d processes", n)
}

// stopFor stops the run, whatever it is doing, for what is to come then. A stop on its way goes on; a spent one begins
// anew.
func (d *decision) stopFor(then AfterStop, reason string) {
	spent := d.Begun && d.Next.IsZero()
	if d.Phase != PhaseStopping || spent {
		d.enter(PhaseStopping, never)
		d.StopStep = 0
		d.note(NoteStopping, "is being stopped")
		d.signal()
	}
	d.Then, d.Reason = then, reason
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

// treeEnded goes on when nothing of a run that was being stopped is left.
func (d *decision) treeEnded() {
	switch d.Then {
	case ThenStart:
		d.Failures, d.Restarts = 0, 0
		d.start(CauseRestart)
	case ThenEnd:
		d.ended()
	default:
		d.enter(PhaseStopped, never)
		d.note(NoteStopped, "is stopped")
	}
}

// ended consults the policy when a run has ended by itself, at Ended and as Exit says, and nothing of it is left.
func (d *decision) ended() {
	if d.Exit == nil {
		d.Exit = &Exit{Unknown: true} // only a damaged State leads here
	}
	switch success := d.service.Success(*d.Exit); {
	case success && d.service.Restart != RestartAlways:
		d.enter(PhaseExited, never)
	case success:
		d.Failures = 0
		d.again(CauseEnd)
	case d.service.Restart == RestartNo:
		d.fail(d.Exit.String() + ", and its restart policy is no")
	default:
		d.failed()
	}
}

// lost handles a run whose host has gone: that is not the service's failure, and whatever was being stopped is stopped.
// What is wanted is started again, also when the host went down in the middle of our own leaving.
func (d *decision) lost() {
	d.enter(PhaseStopped, never)
	if d.Wanted {
		d.Failures, d.Restarts = 0, 0
		d.start(CauseResume)
	}
}

// failed counts a failure and decides between another run and giving up.
func (d *decision) failed() {
	if d.Exit.Error == "" && d.service.healthy(d.Ended.Sub(d.Started)) {
		d.Failures = 0
	}
	d.Failures++
	if limit := d.service.GiveUpAfter; limit > 0 && d.Failures >= limit {
		d.fail(fmt.Sprintf("%s, failure %d of %d in a row", d.Exit, d.Failures, limit))
		return
	}
	d.again(CauseFailure)
}

// again starts the next run by itself, at once or after a pause. The pause counts from the end of the last run, not from
// when that was heard of: it keeps runs apart, and the time in which nobody supervised has done so already.
func (d *decision) again(cause Cause) {
	d.Restarts++
	pause := Pause(d.service, d.Failures)
	if cause == CauseEnd && d.Ended.Sub(d.Started) < time.Duration(d.service.Backoff.Min) {
		pause = time.Duration(d.service.Backoff.Min) // a command that does nothing must not spin
	}
	if pause -= d.now.Sub(d.Ended); pause <= 0 {
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
