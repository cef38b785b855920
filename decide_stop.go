package tend

import (
	"cmp"
	"time"
)

func (d *decision) stopRequested(keepWanted, hold bool) {
	if !keepWanted {
		d.Wanted, d.Lacks = false, ""
		d.Expired = d.Expired && (d.Phase == PhaseStopping || d.Phase == PhaseStopped)
	}
	switch {
	case d.Phase.Live():
		d.haltFor(hold, ThenStop, "")
	case d.Phase == PhaseStopped:
	case keepWanted && !d.Phase.Pending(): // exited or failed: whoever supervises next must not start it for that
	default:
		d.enter(PhaseStopped, never)
		d.note(NoteStopped, "is not started again")
	}
}

// haltFor stops the run for what is to come then, or, with hold, as soon as it is released.
func (d *decision) haltFor(hold bool, then AfterStop, reason string) {
	if !hold || d.Phase == PhaseStopping {
		d.stopFor(then, reason)
		return
	}
	d.Halting, d.Then, d.Reason = true, then, "those that need it are stopped first"
}

func (d *decision) released() {
	if !d.Halting || !d.Phase.Live() {
		return
	}
	reason := ""
	switch d.Then {
	case ThenStart:
		reason = "to be restarted"
	case ThenEnd, ThenFail:
		reason = d.Fault
	}
	d.stopFor(d.Then, reason)
}

// faulted ends a run that does not do what it should.
func (d *decision) faulted(e Faulted) {
	if d.Halting || d.Phase == PhaseStopping {
		return
	}
	d.Fault = e.Why
	d.note(cmp.Or(e.Kind, NoteUnhealthy), "%s", e.Why)
	then := ThenEnd
	if e.Stop {
		then = ThenFail
	}
	d.stopFor(then, e.Why)
}

// stopFor stops the run, whatever it is doing, for what is to come then. A stop on its way goes on; a spent one begins
// anew.
func (d *decision) stopFor(then AfterStop, reason string) {
	spent := d.Begun && d.Next.IsZero()
	if d.Phase != PhaseStopping || spent {
		d.enter(PhaseStopping, never)
		d.StopStep, d.Halting = 0, false
		d.note(NoteStopping, "is being stopped")
		if d.service.StopCommand != "" && !d.Main.IsZero() {
			d.StopStep = stopCommandStep
			d.Next = d.now.Add(time.Duration(d.service.StopCommandTimeout))
			d.do(StopCommand{})
		} else {
			d.signal()
		}
	}
	d.Then, d.ThenCause, d.Reason = then, "", reason
}

// The StopSteps before the first of the schedule: the stop command runs; it does, and is all that is waited for.
const (
	stopCommandStep = -1
	stopCommandOnly = -2
)

// stopCommandEnded goes on with the stop, also where the command has taken too long.
func (d *decision) stopCommandEnded() {
	switch {
	case d.Phase != PhaseStopping:
	case d.StopStep == stopCommandOnly:
		d.treeEnded()
	case d.StopStep == stopCommandStep:
		d.StopStep = 0
		d.signal()
	}
}

// signal does the present step of the stop schedule. Without a process yet it does nothing: Spawned comes back to it.
func (d *decision) signal() {
	if !d.Begun {
		return
	}
	if d.StopStep < 0 || d.StopStep >= len(d.service.Stop) {
		d.Next = time.Time{}
		d.Reason = "it survived every step of its stop schedule"
		d.note(NoteSurvived, "survived every step of its stop schedule")
		return
	}
	step := d.service.Stop[d.StopStep]
	d.Next, d.Extended = d.now.Add(time.Duration(step.Wait)), 0
	d.do(Signal{Signal: step.Signal})
	d.note(NoteSignal, "SIG%s is sent", step.Signal)
}

// extended puts off the end of the present wait, if that is for the run.
func (d *decision) extended(by time.Duration) {
	waits := d.Phase == PhaseStopping || d.Phase == PhaseStarting && d.service.Ready.Kind != CheckAlive
	if later := d.now.Add(by); waits && !d.Next.IsZero() && later.After(d.Next) {
		d.Next, d.Extended = later, Duration(by)
	}
}

// treeEnded goes on when nothing of a run that was being stopped, or was to be, is left.
func (d *decision) treeEnded() {
	switch d.Then {
	case ThenStart:
		d.startAfterStop()
	case ThenEnd:
		d.ended()
	case ThenFail:
		lacks := d.Lacks
		d.fail(d.Fault)
		d.Lacks = lacks
	default:
		d.enter(PhaseStopped, never)
		d.note(NoteStopped, "is stopped")
	}
}

func (d *decision) startAfterStop() {
	cause := d.ThenCause
	if cause == "" {
		cause = CauseRestart
	}
	if d.overWith() {
		return
	}
	d.Failures, d.Restarts = 0, 0
	if d.service.IsJob() && cause != CauseSchedule {
		d.schedule()
		return
	}
	d.start(cause)
}
