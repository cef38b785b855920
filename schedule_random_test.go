package tend_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tend"
)

var jumpyZones = []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC", "Africa/Casablanca",
	"Pacific/Apia", "America/Santiago", "Atlantic/Azores", "Asia/Gaza", "Antarctica/Troll"}

func drawField(t *rapid.T, name string, low, high int) string {
	numbers := rapid.SliceOfNDistinct(rapid.IntRange(low, high), 1, 4, rapid.ID).Draw(t, name)
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(numbers), " ", ","), "[]")
}

func orStar(t *rapid.T, name string, low, high int) string {
	if rapid.Bool().Draw(t, name+" is *") {
		return "*"
	}
	return drawField(t, name, low, high)
}

// nearJump draws a time, mostly close to one at which the wall clock jumps.
func nearJump(t *rapid.T, z *time.Location) time.Time {
	at := time.Unix(rapid.Int64Range(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(2060, 1, 1, 0, 0, 0, 0, time.UTC).Unix()).Draw(t, "at"), 0)
	if _, end := at.In(z).ZoneBounds(); !end.IsZero() && rapid.IntRange(0, 4).Draw(t, "near") > 0 {
		at = end.Add(time.Duration(rapid.IntRange(-36*3600, 12*3600).Draw(t, "from the jump")) * time.Second)
	}
	return at.Add(time.Duration(rapid.Int64Range(0, 1e9-1).Draw(t, "ns")))
}

// TestNextTimeRandom compares NextTime with a clock that goes on minute by minute.
func TestNextTimeRandom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		z, err := time.LoadLocation(rapid.SampledFrom(jumpyZones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		fields := []string{orStar(t, "minute", 0, 59), orStar(t, "hour", 0, 5), orStar(t, "day", 1, 31), "*", orStar(t, "weekday", 0, 6)}
		schedule, err := tend.ParseSchedule(strings.Join(fields, " "))
		if err != nil {
			t.Fatal(err)
		}
		after := nearJump(t, z)
		c := &clock{zone: z, fields: fields}
		for at := after.Truncate(time.Minute).Add(-27 * time.Hour); !at.After(after); at = at.Add(time.Minute) {
			if c.latest.IsZero() || c.shows(at).After(c.latest) {
				c.latest = c.shows(at)
			}
		}
		next := tend.NextTime(schedule, z, after)
		if !next.After(after) {
			t.Fatalf("%v is not after %v", next, after)
		}
		for at := after.Truncate(time.Minute).Add(time.Minute); at.Sub(after) < 10*24*time.Hour; at = at.Add(time.Minute) {
			if comes := c.comes(at); comes != next.Equal(at) {
				t.Fatalf("%q after %v: %v, but at %v: %v", schedule, after.In(z), next, at.In(z), comes)
			} else if comes {
				next = tend.NextTime(schedule, z, next)
			}
		}
	})
}
