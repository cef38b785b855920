package tend

import (
	"reflect"
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

// TestClampLeavesWhatWasAskedFor: a run has asked for more time, and its supervisor is replaced meanwhile.
func TestClampLeavesWhatWasAskedFor(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	s := Service{Settings: Settings{Ready: Check{Kind: CheckNotify}}}
	st := State{Phase: PhaseStarting, Run: "r", Begun: true, Main: Identity{PID: 7, Start: 7}, Since: now, Next: now.Add(time.Minute)}
	st, _ = Decide(s, st, Extended{Run: "r", By: time.Hour}, now)
	if after := st.Clamp(s, now.Add(time.Second)); !after.Next.Equal(now.Add(time.Hour)) {
		t.Errorf("it has until %s", after.Next)
	}
	if after := st.Clamp(s, now.Add(-24*time.Hour)); !after.Next.Equal(now.Add(-23 * time.Hour)) {
		t.Errorf("the clock was set back, and it has until %s", after.Next)
	}
}

func TestShiftTakesAllTimesAlong(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	st := State{Since: at, Next: at, Expires: at, Started: at, ReadyAt: at, Ended: at, EndedAfter: at}
	fields := reflect.ValueOf(st.Shift(time.Hour))
	for i := range fields.NumField() {
		if moved, ok := fields.Field(i).Interface().(time.Time); ok && fields.Type().Field(i).Name != "Due" && !moved.Equal(at.Add(time.Hour)) {
			t.Errorf("%s stays behind", fields.Type().Field(i).Name)
		}
	}
}
