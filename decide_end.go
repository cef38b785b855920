package tend

import (
	"fmt"
	"time"
)

// causeAfter is the cause of a run that follows the last one by itself.
func (d *decision) causeAfter() Cause {
	if d.succeeded() {
		return CauseEnd
	}
	return CauseFailure
}

// mainEnded handles the end of the main process, even when it is heard of before the beginning. When it is known
// already, only the end of the tree is news.
func (d *decision) mainEnded(e Ended) {
	exit, left := e.Exit, e.Left
	if d.Begun && d.Main.IsZero() && exit.Lost == "" {
		d.restEnded(len(left))
		return
	}
	if d.Phase != PhaseStopping && len(left) > 0 && d.service.Success(exit) {
		d.follow(left[0], exit)
		return
	}
	early := !d.Begun
	d.Main, d.Begun, d.Exit, d.Ended, d.EndedAfter = Identity{}, true, &exit, d.past(e.At), time.Time{}
	text := exit.String() + d.complaint()
	if e.At.IsZero() && !e.After.IsZero() {
		d.EndedAfter = d.past(e.After)
		text += unseen
	}
	d.do(Note{Kind: NoteEnded, Text: text, At: d.Ended})
	exit.Fault = d.Fault
	switch {
	case exit.Lost != "":
		d.lost()
	case d.Phase == PhaseStopping && d.StopStep == stopCommandStep: // it may clean up yet, before there is another run
		d.restEnded(len(left))
	case d.Phase == PhaseStopping && len(left) == 0:
		d.treeEnded()
	case d.Phase == PhaseStopping:
		if early {
			d.signal()
		}
	case d.Halting && len(left) == 0:
		d.treeEnded()
	case d.Halting:
		d.released()
	case len(left) > 0:
		d.stopFor(ThenEnd, fmt.Sprintf("%s and left %s behind", exit, processes(len(left))))
	default:
		d.ended()
	}
}

// restEnded handles the end of what the main process has left behind, but for so many.
func (d *decision) restEnded(left int) {
	switch {
	case left > 0, d.StopStep == stopCommandOnly:
	case d.StopStep == stopCommandStep:
		d.StopStep = stopCommandOnly
	default:
		d.treeEnded()
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

// mainChanged believes a program that says which of its processes is the main one.
func (d *decision) mainChanged(main Identity) {
	if !d.Begun || d.Main.IsZero() || main.IsZero() || main == d.Main {
		return
	}
	d.do(Follow{Main: main})
	d.note(NoteFollowed, "says that process %d is its main process, which is followed now", main.PID)
	d.Main = main
}

func processes(n int) string {
	if n == 1 {
		return "1 process"
	}
	return fmt.Sprintf("%d processes", n)
}

// succeeded reports whether the last run, of which nothing is left, ended well.
func (d *decision) succeeded() bool {
	return d.Fault == "" && d.Exit != nil && d.service.Success(*d.Exit)
}

// how says how the last run ended.
func (d *decision) how() string {
	if d.Fault != "" {
		return d.Fault
	}
	return d.Exit.String() + d.complaint()
}

// complaint is what the run had to say about its end.
func (d *decision) complaint() string {
	if d.Complaint == "" {
		return ""
	}
	return ", and said of it: " + d.Complaint
}

// ended consults the policy when a run has ended by itself, at Ended and as Exit says, and nothing of it is left.
func (d *decision) ended() {
	if d.Exit == nil {
		d.Exit = &Exit{Unknown: true} // only a damaged State leads here
	}
	switch success := d.succeeded(); {
	case d.Once:
		d.onceEnded(success)
	case d.service.IsJob() && (success || d.service.Restart == RestartNo):
		d.jobEnded(success)
	case success && d.service.Restart != RestartAlways:
		d.enter(PhaseExited, never)
	case success:
		d.Failures = 0
		d.again(CauseEnd)
	case d.service.Restart == RestartNo:
		d.fail(d.how() + ", and its restart policy is no")
	default:
		d.failed()
	}
}

// lost handles a run whose host has gone: that is not the service's failure, and whatever was being stopped is stopped.
// What is wanted is started again, also when the host went down in the middle of our own leaving.
func (d *decision) lost() {
	once := d.Once
	d.enter(PhaseStopped, never)
	if !d.Wanted || d.overWith() {
		return
	}
	d.Failures, d.Restarts, d.Once = 0, 0, false
	if d.service.IsJob() {
		d.schedule()
	} else if !once {
		d.start(CauseResume)
	}
}

// failed counts a failure and decides between another run and giving up.
func (d *decision) failed() {
	if !d.ReadyAt.IsZero() && d.service.healthy(d.Ended.Sub(d.Started)) {
		d.Failures = 0
	}
	d.Failures++
	if !d.givenUp() {
		d.again(CauseFailure)
	}
}

// givenUp fails the service if that were enough failures in a row.
func (d *decision) givenUp() bool {
	limit := d.service.GiveUpAfter
	if limit == 0 || d.Failures < limit {
		return false
	}
	d.fail(fmt.Sprintf("%s, failure %d of %d in a row", d.how(), d.Failures, limit))
	return true
}

// again starts the next run by itself, at once or after a pause. The pause counts from the end of the last run, not from
// when that was heard of: it keeps runs apart, and the time in which nobody supervised has done so already.
func (d *decision) again(cause Cause) {
	if d.overWith() {
		return
	}
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
