package cli

import (
	"fmt"
	"strings"
	"time"

	"tend"
)

// signalled writes a signal as the script did.
func signalled(name string) string { return "SIG" + name }

// stateWords says in what state a service is, in a word or two.
func stateWords(s tend.Status, now time.Time) string {
	switch {
	case s.Elsewhere != "":
		host, _, _ := strings.Cut(s.Elsewhere, "/") // without the machine id
		return string(s.State) + " on " + host
	case s.State == tend.PhaseWaiting && len(s.WaitsFor) > 0:
		words := "waiting for " + s.WaitsFor[0].Copy
		if more := len(s.WaitsFor) - 1; more > 0 {
			words += fmt.Sprintf(" and %d more", more)
		}
		return words
	case s.State == tend.PhaseFailed && s.Lacks != "":
		return "failed, lacks " + s.Lacks
	case s.State == tend.PhaseBackoff && !s.NextTry.IsZero():
		return "backoff, next try " + tend.Soon(s.NextTry.Sub(now))
	case s.State == tend.PhaseScheduled && !s.NextRun.IsZero():
		return "scheduled, next run " + nextTime(s.NextRun, now)
	}
	return string(s.State)
}

// nextTime is how long it is until a time of the calendar, and when that is.
func nextTime(t, now time.Time) string {
	return tend.Soon(t.Sub(now)) + " (" + tend.Calendar(t, now) + ")"
}

// next says what tend does next about a service that does not run, "" if there is nothing to say.
func next(s tend.Status, now time.Time) string {
	switch s.State {
	case tend.PhaseScheduled:
		return "it runs again " + nextTime(s.NextRun, now)
	case tend.PhaseBackoff:
		return "tend tries again " + tend.Soon(s.NextTry.Sub(now))
	case tend.PhaseFailed:
		if s.Lacks != "" {
			return "it is started as soon as " + s.Lacks + " is ready"
		}
		return "it is not restarted"
	case tend.PhaseStarting:
		return "tend is trying again just now"
	case tend.PhaseStopping:
		return "tend is still stopping what is left of it"
	}
	return ""
}

func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}
