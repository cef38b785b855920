package tend

import "strconv"

// ready says what a run that has a process still lacks.
func (e *explanation) ready() {
	st, check := e.State, e.Service.Ready
	if check.Kind == CheckAlive {
		e.say("It runs as process %d, and counts as ready if it is still alive %s", st.Main.PID, e.next(st.Next))
		return
	}
	e.say("It runs as process %d, and counts as ready when %s", st.Main.PID, check.words())
	if e.Unready != "" {
		e.say("So far: %s", e.Unready)
	}
	if !st.Next.IsZero() {
		e.say("If it is not ready %s, that is a failure", e.next(st.Next))
	}
}

// words says when the check succeeds.
func (c Check) words() string {
	switch c.Kind {
	case CheckTCP:
		return "connections are taken on " + c.Target
	case CheckHTTP:
		return "GET " + c.Redacted().Target + " is answered as it should be"
	case CheckLog:
		return "it writes a line that matches " + strconv.Quote(c.Target)
	case CheckCommand:
		return "this command ends well: " + c.Target
	case CheckNotify:
		return "it says so, by sd_notify"
	case CheckFD:
		return "it writes a newline to descriptor " + c.Target
	case CheckExit:
		return "it has ended well"
	}
	return "it is still alive after " + c.After.String()
}

// healthy says how a run does that is ready.
func (e *explanation) healthy() {
	if e.Unhealthy != "" {
		e.say("Its health check fails just now: %s", e.Unhealthy)
		e.say("If that happens %d times in a row, it is restarted", e.Service.HealthFailures)
	}
}
