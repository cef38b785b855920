package supervisor

import (
	"time"

	"tend"
	"tend/process"
	"tend/store"
)

// The clock by which states tell their times may be set, forward or back, and stands still for nobody while the host is
// suspended. So the times of all states are shifted when it was set, and what is waited for in the life of a service, which
// was suspended too, is put off by as long. Our own pauses go by a clock that does neither.
type clock struct {
	booted time.Time     // when the host was booted, by the clock; zero: that is not known here
	asleep time.Duration // how long it has been suspended since
}

func readClock() clock {
	booted, asleep, _ := process.Clock()
	return clock{booted, asleep}
}

// turn notes the time of what is taken in now.
func (s *Supervisor) turn() {
	s.now = time.Now()
	c := readClock()
	if d := tend.SetForward(s.clock.booted, c.booted); d != 0 {
		s.logf("the clock was set by %s", d.Round(time.Millisecond))
		s.clock.booted = c.booted
		s.rang = true
		s.shift(func(sv *service) tend.State { return sv.state.Shift(d).Clamp(sv.definition, s.wall()) })
		for _, sv := range s.services {
			if run := sv.run; run != nil && run.EndedAt.IsZero() {
				run.StartedAt = run.StartedAt.Round(0).Add(d)
			}
		}
	}
	if d := c.asleep - s.clock.asleep; d > tend.ClockSlack {
		s.clock.asleep = c.asleep
		s.shift(func(sv *service) tend.State {
			st := sv.state
			if st.Phase.Live() && !st.Next.IsZero() {
				st.Next = st.Next.Add(d)
			}
			return st
		})
	}
}

func (s *Supervisor) shift(shifted func(*service) tend.State) {
	for name, sv := range s.services {
		if s.elsewhere(sv) != "" {
			continue
		}
		sv.state = shifted(sv)
		if _, waiting := s.pending.states[name]; waiting {
			s.pending.states[name] = sv.state
		}
	}
}

// wall is the time of this turn as states tell it.
func (s *Supervisor) wall() time.Time { return s.now.Round(0) }

// read is the state as the clock tells it now: it may have been set since the state was written down.
func (s *Supervisor) read(placed store.Placed, d tend.Service) tend.State {
	st := placed.State
	if !placed.Place.SameHost(s.place) {
		return st
	}
	if placed.Place.Boot == s.place.Boot {
		st = st.Shift(tend.SetForward(placed.BootedAt, s.clock.booted))
	}
	return st.Clamp(d, s.wall())
}
