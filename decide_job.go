package tend

import "time"

// A job, armed by a start, is scheduled until Due; its run, however it was begun, goes through the same phases as any other,
// and then it is scheduled again. So Due is known in all of them as long as the job is wanted: what becomes of a time at
// which it runs is up to its overlap.
//
// A service with a restart schedule has a Due as long as it is running.

// IsJob reports whether the service runs at the times of a schedule, and not all the time.
func (s Service) IsJob() bool { return s.Schedule != "" }

// SamePlan reports whether both definitions have the service do something at the same times.
func (s Service) SamePlan(o Service) bool {
	return s.Schedule == o.Schedule && s.RestartSchedule == o.RestartSchedule &&
		(s.Schedule == "" && s.RestartSchedule == "" || s.Zone().String() == o.Zone().String())
}

// plan sees to it that Due is what the calendar says, by today's definition. A time that is waited for stays, also when
// it has passed and that has not been heard of.
func (d *decision) plan() {
	schedule := ""
	switch {
	case d.service.IsJob():
		if d.Wanted && d.Phase != PhaseExited && d.Phase != PhaseFailed {
			schedule = d.service.Schedule
		}
	case d.Phase == PhaseRunning:
		schedule = d.service.RestartSchedule
	}
	if schedule == "" {
		d.Due, d.Calendar = time.Time{}, ""
		return
	}
	zone := d.service.Zone()
	if calendar := schedule + " " + zone.String(); d.Due.IsZero() || d.Calendar != calendar {
		d.Due, d.Calendar = NextTime(schedule, zone, d.now).UTC(), calendar
	}
	if d.Due.IsZero() && d.Phase == PhaseScheduled {
		d.fail("its schedule never comes")
		d.Calendar = ""
	}
}

// due: a time of the calendar has come. Whether the next one is waited for is up to plan.
func (d *decision) due() {
	late := d.now.Sub(d.Due)
	d.Due = time.Time{}
	missed := late > MissedGrace && !(d.service.IsJob() && d.service.Missed == MissedRun)
	switch {
	case d.Halting && !d.service.IsJob():
	case missed && (d.Phase == PhaseScheduled || d.Phase == PhaseBackoff || d.Phase == PhaseRunning && !d.service.IsJob()):
		d.note(NoteMissed, "its time was missed by %s, and is not made up for", Span(late))
	case !d.service.IsJob():
		if d.Phase == PhaseRunning {
			d.stopFor(ThenStart, "to be restarted, as its restart schedule says")
			d.ThenCause = CauseSchedule
		}
	case d.Phase == PhaseScheduled, d.Phase == PhaseBackoff:
		if late > MissedGrace {
			d.note(NoteMissed, "its time was missed by %s, and is made up for now", Span(late))
		}
		d.start(CauseSchedule)
	case d.Phase == PhaseWaiting:
		d.note(NoteSkipped, "its time has come while it waits to run, and passes")
	case d.Phase.Live():
		d.overlap()
	}
}

// overlap: a time of a job has come while it runs.
func (d *decision) overlap() {
	switch ending := d.Halting || d.Phase == PhaseStopping; {
	case ending && d.Then != ThenEnd:
		d.note(NoteSkipped, "its time has come while it is being stopped, and passes")
	case d.Halting && d.service.Overlap == OverlapReplace: // those that need it are still being stopped
		d.Queued = true
		d.note(NoteSkipped, "its time has come while it is being stopped: it runs again as soon as that has ended")
	case d.service.Overlap == OverlapReplace:
		d.stopFor(ThenStart, "for its next run, whose time has come")
		d.ThenCause = CauseSchedule
	case d.service.Overlap == OverlapQueue:
		d.Queued = true
		d.note(NoteSkipped, "its time has come while it runs: it runs again as soon as that has ended")
	default:
		d.note(NoteSkipped, "its time has come while it runs, and passes")
	}
}

// schedule has a job wait for its time.
func (d *decision) schedule() {
	d.enter(PhaseScheduled, never)
	d.Once, d.Queued = false, false
}

// jobEnded has a job wait for its next time.
func (d *decision) jobEnded(success bool) {
	d.Failures++
	if success {
		d.Failures = 0
	} else if d.givenUp() {
		return
	}
	if !success {
		when := "at its next time"
		if d.Queued {
			when = "at once"
		}
		d.note(NoteFailed, "%s; it runs again %s", d.how(), when)
	}
	d.scheduleOrRun()
}

func (d *decision) scheduleOrRun() {
	if d.overWith() {
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
	if !d.Wanted {
		d.expireLater()
	}
	d.Failures, d.Restarts = 0, 0
	d.start(CauseOnce)
}

// onceEnded returns to where the service was before its one run, as far as that can be.
func (d *decision) onceEnded(success bool) {
	switch {
	case d.service.IsJob() && d.Wanted:
		d.scheduleOrRun()
	case success:
		d.enter(PhaseExited, never)
	default:
		d.fail(d.how())
	}
}

// expireLater counts from now what time the service has.
func (d *decision) expireLater() {
	d.Expires = time.Time{}
	if within := time.Duration(d.service.Expires); within > 0 {
		d.Expires = d.now.Add(within)
	}
}

// timeOver reports whether the time of the service is over.
func (d *decision) timeOver() bool { return !d.Expires.IsZero() && !d.now.Before(d.Expires) }

// overWith reports whether a run that has ended was the last one, as the time of the service is over; then it rests. That
// may be heard of before the tick that would say so.
func (d *decision) overWith() bool {
	if !d.timeOver() {
		return false
	}
	d.enter(PhaseStopped, never)
	d.expired(false)
	d.Expired = true
	d.note(NoteStopped, "is not started again")
	return true
}

// expired reports whether the time of the service is over, and if so ends whatever it does and would do.
func (d *decision) expired(hold bool) bool {
	if !d.timeOver() {
		return false
	}
	d.Expires = time.Time{}
	if d.Wanted || d.Phase.Live() || d.Phase.Pending() {
		d.note(NoteExpired, "its time is over")
	}
	if d.Phase.Live() || d.Phase.Pending() {
		d.stopRequested(false, hold)
		d.Expired = true
	} else {
		d.Wanted = false
	}
	return true
}
