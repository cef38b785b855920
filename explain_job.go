package tend

import "fmt"

// planned writes when the calendar has something happen.
func (e *explanation) planned() string {
	due := e.State.Due
	if due.IsZero() {
		return "at no time that is known"
	}
	if !due.After(e.now) {
		return "now"
	}
	return fmt.Sprintf("%s (%s)", Soon(due.Sub(e.now)), Calendar(due, e.now))
}

// scheduled says what a job waits for, and how its last run went.
func (e *explanation) scheduled() {
	zone := ", by the clock of this host"
	if name := e.Service.Zone().String(); name != LocalZone {
		zone = ", by the clock of " + name
	}
	if clockless(e.Service.Schedule) {
		zone = ""
	}
	e.say("%s is a job; its schedule is %q%s, and it runs next %s", e.name, e.Service.Schedule, zone, e.planned())
	e.lastRun()
	if e.State.Failures > 1 {
		e.say("It has failed %s in a row", times(e.State.Failures))
	}
	if e.Service.Missed == MissedRun {
		e.say("If that time goes by while the host is off or nobody supervises, it runs as soon as that is over")
	} else {
		e.say("If that time goes by while the host is off or nobody supervises, it passes")
	}
	e.say("To have it run now: tend run --once %s", e.word)
}

// calendar says what time will bring to a service that runs.
func (e *explanation) calendar() {
	st := e.State
	switch {
	case st.Due.IsZero():
	case !e.Service.IsJob():
		e.say("Its restart schedule has it restarted %s", e.planned())
	case st.Queued:
		e.say("Its time has come again meanwhile, so it runs once more as soon as this run has ended")
	case e.Service.Overlap == OverlapReplace:
		e.say("If it still runs %s, when its time comes again, it is stopped and begins anew", e.planned())
	case e.Service.Overlap == OverlapQueue:
		e.say("If it still runs %s, when its time comes again, it runs once more after that", e.planned())
	default:
		e.say("If it still runs %s, when its time comes again, that time passes", e.planned())
	}
	if st.Once {
		e.say("No other run follows by itself for this one's sake")
	}
	if !st.Expires.IsZero() {
		e.say("It is stopped by itself %s", e.next(st.Expires))
	}
}
