package cli

import (
	"fmt"
	"strings"
	"time"

	"tend"
)

// span writes a time span as people say it, in its two greatest units: 3s, 2m 5s, 5h 3m, 12d 4h.
func span(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	const day = 24 * time.Hour
	d = d.Truncate(time.Second)
	two := func(unit, next time.Duration, name, nextName string) string {
		if rest := d % unit / next; rest > 0 {
			return fmt.Sprintf("%d%s %d%s", d/unit, name, rest, nextName)
		}
		return fmt.Sprintf("%d%s", d/unit, name)
	}
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return two(time.Minute, time.Second, "m", "s")
	case d < day:
		return two(time.Hour, time.Minute, "h", "m")
	}
	return two(day, time.Hour, "d", "h")
}

// soon writes how long it is until then: shorter spans matter more than in span.
func soon(d time.Duration) string {
	switch {
	case d <= 0:
		return "now"
	case d < time.Second:
		return "in " + max(d.Round(10*time.Millisecond), 10*time.Millisecond).String()
	}
	return "in " + span(d+time.Second/2)
}

// moment writes a point in time in local time, without the date if it is today.
func moment(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04:05")
}

// signalled writes a signal as the script did.
func signalled(name string) string { return "SIG" + name }

// stateWords says in what state a service is, in a word or two.
func stateWords(s tend.Status, now time.Time) string {
	switch {
	case s.Elsewhere != "":
		host, _, _ := strings.Cut(s.Elsewhere, "/") // without the machine id
		return string(s.State) + " on " + host
	case s.State == tend.PhaseBackoff && !s.NextTry.IsZero():
		return "backoff, next try " + soon(s.NextTry.Sub(now))
	}
	return string(s.State)
}

// next says what tend does next about a service that does not run, "" if there is nothing to say.
func next(s tend.Status, now time.Time) string {
	switch s.State {
	case tend.PhaseBackoff:
		return "tend tries again " + soon(s.NextTry.Sub(now))
	case tend.PhaseFailed:
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
