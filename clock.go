package tend

import "time"

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

// Shift returns the state as it would be had the clock, by which all its times were told, been set forward by d. Due stays: it
// is a time of the calendar.
func (st State) Shift(d time.Duration) State {
	for _, t := range []*time.Time{&st.Since, &st.Next, &st.Expires, &st.Started, &st.ReadyAt, &st.Ended} {
		if !t.IsZero() {
			*t = t.Round(0).Add(d)
		}
	}
	return st
}

// Clamp returns the state with a Next that is no later than its phase can have it: whatever has become of the clock since
// it was written down, nobody waits for longer than that.
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
	if latest := now.Add(longest); longest > 0 && st.Next.After(latest) {
		st.Next = latest
	}
	return st
}
