package tend

import (
	"testing"
	"time"
)

func TestShift(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)
	for _, d := range []time.Duration{time.Hour, -time.Hour, 0} {
		got := State{Phase: PhaseBackoff, Since: at, Next: at.Add(time.Minute), Started: at.Add(-time.Minute), Run: "r"}.Shift(d)
		want := State{Phase: PhaseBackoff, Since: at.Add(d), Next: at.Add(time.Minute + d), Started: at.Add(-time.Minute + d), Run: "r"}
		if got != want {
			t.Errorf("by %s: %+v", d, got)
		}
	}
}

func TestClamp(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)
	s := Service{Settings: Settings{Ready: Check{Kind: CheckAlive, After: Duration(time.Second)}, Backoff: Backoff{Min: Duration(time.Second), Max: Duration(time.Minute)},
		StopCommandTimeout: 1, Stop: StopSchedule{{Signal: "TERM", Wait: Duration(3 * time.Second)}, {Signal: "KILL", Wait: Duration(2 * time.Second)}}}}
	for phase, longest := range map[Phase]time.Duration{PhaseStarting: time.Second, PhaseBackoff: time.Minute, PhaseStopping: 3 * time.Second} {
		for next, want := range map[time.Time]time.Time{
			{}:                             {},
			now.Add(-time.Hour):            now.Add(-time.Hour),
			now.Add(time.Millisecond):      now.Add(time.Millisecond),
			now.Add(longest):               now.Add(longest),
			now.Add(longest + 1):           now.Add(longest),
			now.Add(1000 * 24 * time.Hour): now.Add(longest),
		} {
			if got := (State{Phase: phase, Next: next}).Clamp(s, now).Next; !got.Equal(want) {
				t.Errorf("%s, next %s: %s, should be %s", phase, next, got, want)
			}
		}
	}
}
