package tend

import (
	"fmt"
	"time"
)

func (d *decision) startRequested(cause Cause) {
	d.Wanted, d.Once = true, false
	d.notHalting()
	if cause != CauseResume {
		d.expireLater()
	}
	switch d.Phase {
	case PhaseStarting, PhaseRunning, PhaseWaiting, PhaseScheduled:
	case PhaseStopping:
		d.stopFor(ThenStart, "to be started again")
	default:
		d.Failures, d.Restarts = 0, 0
		if d.service.IsJob() {
			d.schedule()
			d.note(NoteScheduled, "waits for its time")
		} else {
			d.start(cause)
		}
	}
}

func (d *decision) restartRequested(hold bool) {
	if !d.Phase.Live() {
		if d.Phase == PhaseScheduled {
			d.Due = time.Time{} // it begins to wait
			d.schedule()
		}
		d.startRequested(CauseRestart)
		return
	}
	d.startRequested(CauseRestart) // for what it changes besides
	d.haltFor(hold, ThenStart, "to be restarted")
}

// notHalting has it run on, although it was to be stopped.
func (d *decision) notHalting() {
	if d.Halting {
		d.Halting, d.Then, d.Reason, d.Fault, d.Lacks = false, ThenStop, "", "", ""
	}
}

// renewed gives what is wanted a new run. What has failed may do better now.
func (d *decision) renewed(e Renewed) {
	switch {
	case !d.Wanted || d.Halting || d.service.IsJob(), d.timeOver():
	case d.Phase == PhaseStarting, d.Phase == PhaseRunning:
		d.stopFor(ThenStart, e.Why)
		d.ThenCause = e.Cause
	case d.Phase == PhaseBackoff, d.Phase == PhaseFailed && d.Lacks == "", d.Phase == PhaseExited:
		d.Failures = 0
		d.start(e.Cause)
	}
}

// spared lets the time of its restart schedule pass, if that has come.
func (d *decision) spared(e Spared) {
	if !d.Due.IsZero() && !d.now.Before(d.Due) {
		d.Due = time.Time{}
	}
	d.note(NoteSkipped, "is not restarted: %s", e.Why)
}

// resumed starts what is wanted and rests only because supervision was away. On a host that has rebooted that is all
// that was started and never stopped: services that exit well on SIGTERM have often done so a moment before the
// shutdown reached us. Otherwise what has exited or failed stays so, and a pause that has gone by ends by Tick.
// A stop that was only our own leaving, and was cut short, is ended first.
func (d *decision) resumed(rebooted, hold bool) {
	if !d.Wanted || d.expired(hold) {
		return
	}
	if d.Then == ThenStop {
		d.notHalting()
	}
	switch {
	case d.Phase == PhaseStopping && d.Then == ThenStop:
		d.stopFor(ThenStart, "to be started again")
	case d.Phase == PhaseStopped, rebooted && !d.Phase.Live() && !d.Phase.Pending(), rebooted && d.Phase == PhaseBackoff:
		d.startRequested(CauseResume)
	}
}

// start begins a run, as soon as nothing that it depends on is in the way.
func (d *decision) start(cause Cause) {
	d.Once = cause == CauseOnce
	if d.service.Depends() {
		d.enter(PhaseWaiting, never)
		d.Cause, d.Lacks = cause, ""
		return
	}
	d.begin(cause)
}

// cleared ends the wait. What has failed only for want of another has its chance again.
func (d *decision) cleared() {
	switch {
	case d.timeOver(): // the tick that says so is on its way
	case d.Phase == PhaseWaiting:
		d.begin(d.Cause)
	case d.Phase == PhaseFailed && d.Lacks != "" && d.Wanted && d.Cause != CauseOnce: // whoever asked for that has gone
		d.Failures = 0
		d.begin(CauseDependency)
	}
}

// lacking lets the failure of what it requires be its own.
func (d *decision) lacking(e Lacking) {
	waits := d.Phase == PhaseWaiting || d.Phase == PhaseBackoff
	switch job := d.service.IsJob() && d.Wanted; {
	case waits && job: // until its time comes again
		d.note(NoteFailed, "%s; it runs again at its next time", e.Why)
		d.Failures++
		d.schedule()
	case waits:
		d.fail(e.Why)
		d.Lacks = e.Name
	case d.Halting || d.Phase != PhaseStarting && d.Phase != PhaseRunning:
	case job:
		d.Fault = e.Why
		d.haltFor(e.Hold, ThenEnd, e.Why)
	default:
		d.Fault, d.Lacks = e.Why, e.Name
		d.haltFor(e.Hold, ThenFail, e.Why)
	}
}

// begin begins a run.
func (d *decision) begin(cause Cause) {
	d.enter(PhaseStarting, never)
	d.Cause, d.Started, d.Run, d.Main, d.Begun, d.StopStep, d.Then = cause, d.now, "", Identity{}, false, 0, ThenStop
	d.ReadyAt = time.Time{}
	d.ThenCause, d.Fault, d.Lacks, d.Queued, d.Expired = "", "", "", false, false
	d.StatusText, d.Complaint, d.Reloading, d.Departing = "", "", false, false
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
	case CauseSchedule:
		return "is started, because its time has come"
	case CauseOnce:
		return "is started for one run"
	case CauseDependency:
		return "is started again, because what it requires is ready again"
	case CauseWatch:
		return "is started again, because a file has changed"
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
	if d.Phase != PhaseStarting {
		d.signal() // somebody stopped it before it existed
	} else if within := d.service.readyWithin(); within > 0 {
		d.Next = d.now.Add(time.Duration(within))
	}
}

// limitStart sees to it that a start with a process has its end in time, if by today's definition it is to have one. One that
// is halting has none: it ends when it is released.
func (d *decision) limitStart() {
	if d.Phase != PhaseStarting || !d.Begun || d.Halting {
		return
	}
	switch within := time.Duration(d.service.readyWithin()); {
	case within == 0:
		d.Next = time.Time{}
	case d.Next.IsZero():
		d.Next = d.now.Add(within)
	}
}

// ready ends the start.
func (d *decision) ready() {
	d.enter(PhaseRunning, never)
	d.ReadyAt = d.now
	d.note(NoteReady, "is ready")
}

// readyTimeOver: it has lived as long as it should, or was not ready in time.
func (d *decision) readyTimeOver(answer string) {
	if d.service.Ready.Kind == CheckAlive {
		d.ready()
		return
	}
	if d.Halting {
		d.Next = time.Time{} // it is stopped anyway
		return
	}
	within := d.Next.Sub(d.Since)
	if planned := time.Duration(d.service.ReadyTimeout); within > planned && within-planned < time.Second { // making the process takes a moment, too
		within = planned
	}
	why := fmt.Sprintf("was not ready within %s", Duration(within.Round(time.Millisecond)))
	if answer != "" {
		why += ": " + answer
	}
	d.faulted(Faulted{Why: why})
}

// spawnFailed tells somebody who waits for the answer at once that it cannot be executed. What goes on by itself tries
// again as after any failure: the missing program may be on a disk that is mounted later, or be installed just now.
func (d *decision) spawnFailed(e SpawnFailed) {
	d.Exit, d.Ended, d.EndedAfter = &Exit{Error: e.Message}, d.now, time.Time{}
	byHand := d.Cause == CauseStart || d.Cause == CauseRestart
	switch {
	case d.Phase == PhaseStopping, d.Halting:
		d.treeEnded()
	case byHand && !e.Temporary:
		d.fail(d.Exit.String())
	default:
		d.note(NoteEnded, "%s", d.Exit)
		d.ended()
	}
}
