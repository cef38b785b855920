package tend_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tables below are of these zones, whatever the host has

	"tend"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestParseSchedule(t *testing.T) {
	for _, c := range []struct{ text, canonical string }{
		{"30 3 * * mon-fri", ""},
		{"  */5  0-6,20-23/2   *\t* * ", "*/5 0-6,20-23/2 * * *"},
		{"0 0 1 JAN,Jul *", "0 0 1 jan,jul *"},
		{"0 0 * * 7", ""},
		{"0 0 * * sat-sun", ""},
		{"0 0 29 2 *", ""},
		{"0 0 29 feb */3", ""},
		{"@hourly", ""}, {"@Daily", "@daily"}, {"@midnight", "@daily"}, {"@weekly", ""}, {"@monthly", ""}, {"@annually", "@yearly"},
		{"@every 90", "@every 1m30s"}, {"@every  1h", "@every 1h"},
	} {
		want := c.canonical
		if want == "" {
			want = c.text
		}
		got, err := tend.ParseSchedule(c.text)
		if err != nil || got != want {
			t.Errorf("%q: %q, %v", c.text, got, err)
		}
		if again, err := tend.ParseSchedule(got); again != got || err != nil {
			t.Errorf("%q is not canonical: %q, %v", got, again, err)
		}
	}
	for _, c := range []struct{ text, says string }{
		{"", `"" is not a schedule: it has 0 fields instead of 5 (minute hour day month weekday`},
		{"5", "it has 1 field instead of 5"},
		{"0 0 0 * * *", "it has 6 fields instead of 5"},
		{"60 * * * *", `its minute is "60" (allowed: *, 0 to 59, lists as 1,3, ranges as 1-5, steps as */2 and 1-5/2)`},
		{"1,x * * * *", `its minute is "x"`},
		{"1, * * * *", `its minute is ""`},
		{"+1 * * * *", `its minute is "+1"`},
		{"*/0 * * * *", `its minute is "*/0"`},
		{"*/60 * * * *", `its minute is "*/60"`},
		{"*/+5 * * * *", `its minute is "*/+5"`},
		{"5/15 * * * *", `its minute is "5/15"`},
		{"0 24 * * *", `its hour is "24" (allowed: *, 0 to 23,`},
		{"0 5-3 * * *", `its hour is "5-3"`},
		{"0 0 0 * *", `its day of the month is "0" (allowed: *, 1 to 31,`},
		{"0 0 L * *", `its day of the month is "l"`},
		{"0 0 * 13 *", `its month is "13" (allowed: *, 1 to 12 or jan to dec,`},
		{"0 0 * mon *", `its month is "mon"`},
		{"0 0 * * 8", `its day of the week is "8" (allowed: *, 0 to 7 or sun to sat,`},
		{"0 0 * * fri#2", `its day of the week is "fri#2"`},
		{"0 0 30 feb *", "never comes"},
		{"0 0 31 4,6 *", "never comes"},
		{"@reboot", "after a reboot anyway"},
		{"@often", "@hourly, @daily"},
		{"@every", "is not a schedule"},
		{"@every soon", "not a duration"},
		{"@every 100ms", "too short (at least 1s)"},
		{"@every 1500ms", "1500ms has a fraction of a second (whole seconds, at least 1s)"},
		{"@every 1.5", "1.5 has a fraction of a second"},
	} {
		if got, err := tend.ParseSchedule(c.text); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: %q, %v, not %q", c.text, got, err, c.says)
		}
	}
}

// TestNextTime has what the rule where the clock jumps makes of the zones that do so in various ways.
func TestNextTime(t *testing.T) {
	for _, c := range []struct {
		zone, schedule, after string
		want                  string // times, one after the other
	}{
		// An hour is left out on 29 March 2026 at 02:00, and comes twice on 25 October at 03:00.
		{"Europe/Berlin", "30 2 * * *", "2026-03-28 12:00 +01", "29 03:00 +02, 30 02:30 +02"},
		{"Europe/Berlin", "*/15 2 * * *", "2026-03-29 01:00 +01", "29 03:00 +02, 30 02:00 +02, 30 02:15 +02"},
		{"Europe/Berlin", "15 2,3 * * *", "2026-03-29 01:00 +01", "29 03:00 +02, 29 03:15 +02, 30 02:15 +02"},
		{"Europe/Berlin", "0 2,3 * * *", "2026-03-29 01:00 +01", "29 03:00 +02, 30 02:00 +02"},
		{"Europe/Berlin", "0 */2 * * *", "2026-03-29 00:00 +01", "29 03:00 +02, 29 04:00 +02, 29 06:00 +02"},
		{"Europe/Berlin", "30 2 * * mon", "2026-03-28 12:00 +01", "30 02:30 +02"},
		{"Europe/Berlin", "30 * * * *", "2026-03-29 01:00 +01", "29 01:30 +01, 29 03:30 +02"},
		{"Europe/Berlin", "@hourly", "2026-03-29 00:30 +01", "29 01:00 +01, 29 03:00 +02, 29 04:00 +02"},
		{"Europe/Berlin", "*/30 0-23 * * *", "2026-03-29 01:00 +01", "29 01:30 +01, 29 03:00 +02"},
		{"Europe/Berlin", "30 2 * * *", "2026-10-24 12:00 +02", "25 02:30 +02, 26 02:30 +01"},
		{"Europe/Berlin", "30 2 * * *", "2026-10-25 02:10 +01", "26 02:30 +01"},
		{"Europe/Berlin", "30 2 * * *", "2026-10-25 03:10 +01", "26 02:30 +01"},
		{"Europe/Berlin", "0 */2 * * *", "2026-10-25 01:00 +02", "25 02:00 +02, 25 04:00 +01"},
		{"Europe/Berlin", "30 * * * *", "2026-10-25 01:45 +02", "25 02:30 +02, 25 02:30 +01, 25 03:30 +01"},
		{"Europe/Berlin", "*/20 2 * * *", "2026-10-25 01:45 +02", "25 02:00 +02, 25 02:20 +02, 25 02:40 +02, 26 02:00 +01"},
		{"Europe/Berlin", "0 3 * * *", "2026-10-24 12:00 +02", "25 03:00 +01, 26 03:00 +01"},
		{"America/New_York", "30 2 * * *", "2026-03-07 12:00 -05", "08 03:00 -04, 09 02:30 -04"},
		{"America/New_York", "30 1 * * *", "2026-11-01 00:00 -04", "01 01:30 -04, 02 01:30 -05"},
		{"America/New_York", "0 * * * *", "2026-11-01 00:30 -04", "01 01:00 -04, 01 01:00 -05, 01 02:00 -05"},
		// The last day of a leap year, in a year of which a zone has a rule and no table.
		{"Europe/Berlin", "0 * * * *", "2040-12-30 23:01 +01", "31 00:00 +01, 31 01:00 +01, 31 02:00 +01"},
		{"Europe/Berlin", "0 3 * * *", "2040-12-30 23:01 +01", "31 03:00 +01, 01 03:00 +01"},
		{"America/New_York", "30 23 * * *", "2040-12-30 23:31 -05", "31 23:30 -05, 01 23:30 -05"},
		// Half an hour.
		{"Australia/Lord_Howe", "15 2 * * *", "2026-10-03 12:00 +1030", "04 02:30 +11, 05 02:15 +11"},
		{"Australia/Lord_Howe", "15,45 2 * * *", "2026-10-03 12:00 +1030", "04 02:30 +11, 04 02:45 +11, 05 02:15 +11"},
		{"Australia/Lord_Howe", "0 * * * *", "2026-10-04 00:30 +1030", "04 01:00 +1030, 04 03:00 +11"},
		{"Australia/Lord_Howe", "45 1 * * *", "2026-04-05 01:00 +11", "05 01:45 +11, 06 01:45 +1030"},
		{"Australia/Lord_Howe", "45 * * * *", "2026-04-05 01:00 +11", "05 01:45 +11, 05 01:45 +1030, 05 02:45 +1030"},
		// None at all.
		{"Asia/Kolkata", "0 3 * * mon", "2026-03-28 12:00 +0530", "30 03:00 +0530, 06 03:00 +0530"},
		{"UTC", "30 2 * * *", "2026-03-28 12:00 +00", "29 02:30 +00, 30 02:30 +00"},
		// Summer time the whole year but in Ramadan.
		{"Africa/Casablanca", "30 2 * * *", "2026-02-14 12:00 +01", "15 02:30 +01, 16 02:30 +00"},
		{"Africa/Casablanca", "30 2 * * *", "2026-03-21 12:00 +00", "22 03:00 +01, 23 02:30 +01"},
		// At midnight, so that the jump is over the beginning of a day.
		{"America/Santiago", "0 0 * * *", "2026-09-05 12:00 -04", "06 01:00 -03, 07 00:00 -03"},
		{"America/Santiago", "0 0 * * sun", "2026-09-05 12:00 -04", "06 01:00 -03, 13 00:00 -03"},
		{"America/Santiago", "30 23 * * *", "2026-04-04 12:00 -03", "04 23:30 -03, 05 23:30 -04"},
		// A whole day, 30 December 2011.
		{"Pacific/Apia", "0 12 * * *", "2011-12-29 11:00 -10", "29 12:00 -10, 31 12:00 +14"},
		{"Pacific/Apia", "0 12 30 12 *", "2011-12-29 11:00 -10", "30 12:00 +14"},
		{"Pacific/Apia", "@hourly", "2011-12-29 22:30 -10", "29 23:00 -10, 31 00:00 +14"},
		// The fields.
		{"UTC", "0 0 13 * fri", "2026-11-14 00:00 +00", "20 00:00 +00, 27 00:00 +00, 04 00:00 +00, 11 00:00 +00, 13 00:00 +00"},
		{"UTC", "0 0 */13 * fri", "2026-11-14 00:00 +00", "27 00:00 +00, 01 00:00 +00"},
		{"UTC", "0 0 * * 7", "2026-11-14 00:00 +00", "15 00:00 +00, 22 00:00 +00"},
		{"UTC", "0 0 * * sat-sun", "2026-11-14 12:00 +00", "15 00:00 +00, 21 00:00 +00"},
		{"UTC", "59 23 31 12 *", "2026-12-31 23:58 +00", "31 23:59 +00, 31 23:59 +00"},
		{"UTC", "0 0 29 2 *", "2096-03-01 00:00 +00", "29 00:00 +00"},
		{"UTC", "@weekly", "2026-11-14 00:00 +00", "15 00:00 +00"},
		{"UTC", "@every 90m", "2026-11-14 00:10 +00", "14 01:40 +00, 14 03:10 +00"},
	} {
		z := zone(t, c.zone)
		at, err := time.Parse("2006-01-02 15:04 -07", c.after)
		if err != nil {
			at, err = time.Parse("2006-01-02 15:04 -0700", c.after)
		}
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for range strings.Split(c.want, ", ") {
			at = tend.NextTime(c.schedule, z, at)
			offset := "-07"
			if _, seconds := at.Zone(); seconds%3600 != 0 {
				offset = "-0700"
			}
			got = append(got, at.Format("02 15:04 "+offset))
		}
		if all := strings.Join(got, ", "); all != c.want {
			t.Errorf("%s, %q after %s: %s, not %s", c.zone, c.schedule, c.after, all, c.want)
		}
	}
	leap := tend.NextTime("0 0 29 feb */7", time.UTC, time.Date(2060, 3, 1, 0, 0, 0, 0, time.UTC))
	if want := time.Date(2088, 2, 29, 0, 0, 0, 0, time.UTC); !leap.Equal(want) {
		t.Errorf("a Sunday that is 29 February: %v, not %v", leap, want)
	}
	for _, wrong := range []string{"", "x", "@often", "@every 0", "0 0 30 2 *"} {
		if at := tend.NextTime(wrong, time.UTC, time.Now()); !at.IsZero() {
			t.Errorf("%q comes at %v", wrong, at)
		}
	}
}

// TestZone: the service's own zone counts before the one of its environment, and that before the host's.
func TestZone(t *testing.T) {
	for _, c := range []struct{ timezone, environment, want string }{
		{"", "", "Local"},
		{"Asia/Kolkata", "UTC", "Asia/Kolkata"},
		{"Local", "UTC", "Local"},
		{"", "UTC", "UTC"},
		{"", ":Europe/Berlin", "Europe/Berlin"},
		{"", "/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin"},
		{"", "CET-1CEST", "Local"},
		{"Gone/Away", "", "Local"},
	} {
		s := tend.Service{Settings: tend.Settings{Timezone: c.timezone, Environment: map[string]string{"TZ": c.environment}}}
		if got := s.Zone().String(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// clock has a wall clock go on minute by minute, and is asked what the schedule does then: what NextTime has to be.
type clock struct {
	zone   *time.Location
	fields []string
	latest time.Time // that it has shown
}

func (c *clock) shows(at time.Time) time.Time {
	at = at.In(c.zone)
	_, seconds := at.Zone()
	return at.UTC().Add(time.Duration(seconds) * time.Second)
}

// comes reports whether the schedule comes in this minute.
func (c *clock) comes(at time.Time) bool {
	shown := c.shows(at)
	if c.fields[1] == "*" {
		return c.match(shown)
	}
	if !shown.After(c.latest) {
		return false
	}
	from := c.latest.Add(time.Minute)
	if shown.Sub(from) >= 24*time.Hour {
		from = shown
	}
	c.latest = shown
	for ; !from.After(shown); from = from.Add(time.Minute) {
		if c.match(from) {
			return true
		}
	}
	return false
}

func (c *clock) match(shown time.Time) bool {
	day, weekday := c.matches(2, shown.Day()), c.matches(4, int(shown.Weekday()))
	either := (day || weekday) && c.fields[2] != "*" && c.fields[4] != "*"
	return c.matches(0, shown.Minute()) && c.matches(1, shown.Hour()) && c.matches(3, int(shown.Month())) && (day && weekday || either)
}

func (c *clock) matches(field, n int) bool {
	if c.fields[field] == "*" {
		return true
	}
	for word := range strings.SplitSeq(c.fields[field], ",") {
		if word == fmt.Sprint(n) {
			return true
		}
	}
	return false
}
