package tend

import "strings"

// What a service waits for, and who waits for it, in words.

// Awaits says for what a service waits that is not started yet, and who is to end before it is stopped.
func (v *Status) Awaits(obstacles []Obstacle, holders []string) {
	v.WaitsFor, v.HeldBy = obstacles, holders
	switch {
	case len(obstacles) > 0:
		v.Reason = "waiting for " + Obstruction(obstacles)
	case len(holders) > 0:
		v.Reason = held(holders)
	}
}

// held says on whom a stop waits.
func held(holders []string) string {
	if len(holders) == 1 {
		return "it is stopped as soon as " + holders[0] + " has ended"
	}
	return "it is stopped as soon as " + list(holders) + " have ended"
}

func (e *explanation) waiting() {
	st := e.State
	e.say("%s is to be started since %s, because %s, and waits for others", e.name, Moment(st.Since, e.now), e.because(st.Cause, 0))
	for _, o := range e.WaitsFor {
		e.say("%s", sentence(o.Why()))
	}
	e.say("It is started as soon as that is ready; to end the wait: tend stop %s", e.word)
}

// halting is said of what runs, and is to be stopped.
func (e *explanation) halting() {
	if !e.State.Halting {
		return
	}
	what := "It is to be stopped"
	switch e.State.Then {
	case ThenStart:
		what = "It is to be restarted"
	case ThenFail:
		what = "It is to be stopped, because " + e.State.Fault
	}
	e.say("%s, as soon as those have ended that need it", what)
	if len(e.HeldBy) > 0 {
		e.say("That waits for %s", list(e.HeldBy))
	}
}

// lacking is said of what has failed only for want of another.
func (e *explanation) lacking() {
	st := e.State
	e.say("%s does not run since %s: %s", e.name, Moment(st.Since, e.now), st.Reason)
	if st.Exit != nil {
		e.lastRun()
	}
	if st.Wanted && st.Cause != CauseOnce {
		e.say("It is started by itself as soon as %s is ready; to start both: tend start %s", st.Lacks, e.word)
		return
	}
	e.say("It is not started by itself; when that is mended: tend start %s", e.word)
}

func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
