package tend_test

import (
	"testing"
	"time"

	"tend"
)

// TestTheCalendarAndTheClock: what becomes of the time of a job when the clock is set while it waits.
func TestTheCalendarAndTheClock(t *testing.T) {
	cron := tend.Service{Settings: tend.Settings{Schedule: "30 2 * * *", Timezone: "Europe/Berlin", Expires: tend.Duration(time.Hour)}}
	every := tend.Service{Settings: tend.Settings{Schedule: "@every 90m", Timezone: "UTC"}}
	for _, c := range []struct {
		what    string
		service tend.Service
		armed   string // when it began to wait
		set     string // what the clock said then, when it was set by so much
		by      time.Duration
		due     string
	}{
		{"set back by less than clocks are corrected by, it does not come twice", cron, "2026-06-02 02:30", "2026-06-02 02:40", -time.Hour, "2026-06-03 02:30"},
		{"set back by days, the clock was wrong", cron, "2026-06-09 02:30", "2026-06-09 12:00", -48 * time.Hour, "2026-06-08 02:30"},
		{"set back by years", cron, "2036-06-09 02:30", "2036-06-09 12:00", -87600 * time.Hour, "2026-06-13 02:30"},
		{"set forward over it, it has been missed", cron, "2026-06-02 01:00", "2026-06-02 01:10", 2 * time.Hour, "2026-06-02 02:30"},
		{"over a year", cron, "2026-06-02 01:00", "2026-06-02 01:10", 8760 * time.Hour, "2026-06-02 02:30"},
		{"a time that was counted is as far away as it was", every, "2026-06-02 02:00", "2026-06-02 03:00", -time.Hour, "2026-06-02 02:30"},
		{"and forward", every, "2026-06-02 02:00", "2026-06-02 03:00", 100 * time.Hour, "2026-06-06 07:30"},
	} {
		read := func(text string) time.Time {
			at, err := time.ParseInLocation("2006-01-02 15:04", text, c.service.Zone())
			if err != nil {
				t.Fatal(err)
			}
			return at
		}
		st, _ := tend.Decide(c.service, tend.State{}, tend.StartRequested{}, read(c.armed))
		now := read(c.set).Add(c.by)
		st = st.Shift(c.by).Clamp(c.service, now)
		if !st.Due.Equal(read(c.due)) {
			t.Errorf("%s: due at %s, not %s", c.what, st.Due.In(c.service.Zone()), c.due)
		}
		if st.Expires.After(now.Add(time.Hour)) {
			t.Errorf("%s: expires at %s, and it is %s", c.what, st.Expires, now)
		}
		// Where nobody knows by how much the clock was set, nobody waits for longer than that either.
		st, _ = tend.Decide(c.service, tend.State{}, tend.StartRequested{}, read(c.armed))
		st = st.Clamp(c.service, now)
		if longest := tend.NextTime(c.service.Schedule, c.service.Zone(), now.Add(3*time.Hour)); st.Due.After(longest) || st.Expires.After(now.Add(time.Hour)) {
			t.Errorf("%s, and nobody remembers: due at %s, expires at %s, and it is %s", c.what, st.Due, st.Expires, now)
		}
	}
}
