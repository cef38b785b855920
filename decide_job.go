package tend

import "time"

// IsJob reports whether the service runs at the times of a schedule, and not all the time.
func (s Service) IsJob() bool { return s.Schedule != "" }

// schedule has a job wait for its time. A time that it has waited for already, and that has not been heard of, still counts.
func (d *decision) schedule() {
	due := d.Due
	d.enter(PhaseScheduled, never)
	if d.Due = due; due.IsZero() {
		d.Due = d.nextTime(d.service.Schedule)
	}
}

// nextTime is when the calendar next says so; zero: never.
func (d *decision) nextTime(schedule string) time.Time {
	if schedule == "" {
		return time.Time{}
	}
	next := NextTime(schedule, d.service.Zone(), d.now)
	if !next.IsZero() {
		next = next.In(d.now.Location())
	}
	return next
}

// due: a time of the calendar has come.
func (d *decision) due() {
	late := d.now.Sub(d.Due)
	d.Due = d.nextTime(d.service.Schedule)
	switch {
	case !d.service.IsJob():
		if d.Phase == PhaseRunning && !d.Halting && d.service.RestartSchedule != "" {
			d.stopFor(ThenStart, "to be restarted, as its restart schedule says")
			d.ThenCause = CauseSchedule
		}
	case d.Phase == PhaseScheduled && late > MissedGrace && d.service.Missed == MissedSkip:
		d.note(NoteMissed, "its time was missed by %s, and it is not made up for", late.Round(time.Second))
	case d.Phase == PhaseScheduled:
		d.start(CauseSchedule)
	case d.Halting || d.Phase == PhaseStopping && d.Then != ThenEnd:
	case d.Phase.Live() && d.service.Overlap == OverlapReplace:
		d.stopFor(ThenStart, "for its next run, whose time has come")
		d.ThenCause = CauseSchedule
	case d.Phase.Live() && d.service.Overlap == OverlapQueue:
		d.Queued = true
		d.note(NoteSkipped, "its time has come while it runs: it runs again at once when that has ended")
	case d.Phase.Live():
		d.note(NoteSkipped, "its time has come while it runs, and passes")
	}
}

// jobEnded has a job wait for its next time.
func (d *decision) jobEnded(success bool) {
	d.Failures++
	if success {
		d.Failures = 0
	} else if d.givenUp() {
		return
	}
	if d.Queued {
		d.start(CauseSchedule)
	} else {
		d.schedule()
	}
}

// runRequested begins one run, whatever the service is otherwise waiting for.
func (d *decision) runRequested() {
	if d.Phase.Live() {
		return
	}
	d.Failures, d.Restarts = 0, 0
	d.start(CauseOnce)
	d.Once = true
}

// onceEnded returns to where the service was before its one run, as far as that can be.
func (d *decision) onceEnded(success bool) {
	d.Once = false
	switch {
	case d.service.IsJob() && d.Wanted:
		d.schedule()
	case success:
		d.enter(PhaseExited, never)
	default:
		d.fail(d.how())
	}
}
