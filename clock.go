package tend

import (
	"strings"
	"time"
)

// ClockSlack is how far a clock may be off before anything follows from it.
const ClockSlack = time.Second

// SetForward is by how much the clock of a host was set forward between two times at which it said that the host was
// booted then and now. A zero time is one that is not known.
func SetForward(then, now time.Time) time.Duration {
	if d := now.Sub(then); !then.IsZero() && !now.IsZero() && d.Abs() > ClockSlack {
		return d
	}
	return 0
}

// Shift returns the state as it would be had the clock, by which all its times were told, been set forward by d. Due stays
// where it is a time of the calendar, which is that of the clock.
func (st State) Shift(d time.Duration) State {
	times := []*time.Time{&st.Since, &st.Next, &st.Expires, &st.Started, &st.ReadyAt, &st.Ended, &st.EndedAfter}
	if strings.HasPrefix(st.Calendar, everyPrefix) {
		times = append(times, &st.Due)
	}
	for _, t := range times {
		if !t.IsZero() {
			*t = t.Round(0).Add(d)
		}
	}
	return st
}

// clockCorrection is how far a clock may be set back without anything becoming due a second time. More than that is the end
// of a clock that was wrong.
const clockCorrection = 3 * time.Hour

// Clamp returns the state with times to wait for that are no later than they can be: whatever has become of the clock since
// it was written down, nobody waits for longer than its phase, the calendar and its expiry have it.
func (st State) Clamp(s Service, now time.Time) State {
	s = s.WithDefaults()
	var longest time.Duration
	switch st.Phase {
	case PhaseStarting:
		longest = time.Duration(s.readyWithin())
	case PhaseBackoff:
		longest = time.Duration(max(s.Backoff.Max, s.Backoff.Min))
	case PhaseStopping:
		longest = time.Duration(s.StopCommandTimeout)
		for _, step := range s.Stop {
			longest = max(longest, time.Duration(step.Wait))
		}
	}
	longest = max(longest, time.Duration(st.Extended))
	if latest := now.Add(longest); longest > 0 && st.Next.After(latest) {
		st.Next = latest
	}
	if latest := now.Add(time.Duration(s.Expires)); s.Expires > 0 && st.Expires.After(latest) {
		st.Expires = latest
	}
	return st.clampDue(s, now)
}

// clampDue: the last time of the calendar was found at most so long after now as the clock may have been set back since.
func (st State) clampDue(s Service, now time.Time) State {
	schedule, _, ok := cutLast(st.Calendar, " ")
	if !ok || st.Due.IsZero() {
		return st
	}
	zone := s.Zone()
	latest := NextTime(schedule, zone, now.Add(clockCorrection))
	if strings.HasPrefix(schedule, everyPrefix) {
		latest = NextTime(schedule, zone, now.Add(ClockSlack))
	}
	if !latest.IsZero() && st.Due.After(latest) {
		st.Due = NextTime(schedule, zone, now).UTC()
	}
	return st
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
