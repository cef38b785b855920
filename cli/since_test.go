package cli

import (
	"testing"
	"time"
)

func TestParseSince(t *testing.T) {
	events := newEvents()
	zone := time.FixedZone("x", 3600)
	now := time.Date(2026, 11, 22, 14, 30, 15, 0, zone)
	for text, want := range map[string]time.Time{
		"":                     {},
		"10m":                  now.Add(-10 * time.Minute),
		"2h":                   now.Add(-2 * time.Hour),
		"3d":                   now.AddDate(0, 0, -3),
		"90":                   now.Add(-90 * time.Second),
		"14:30":                time.Date(2026, 11, 22, 14, 30, 0, 0, zone),
		"14:31":                time.Date(2026, 11, 21, 14, 31, 0, 0, zone),
		"08:00:05":             time.Date(2026, 11, 22, 8, 0, 5, 0, zone),
		"2026-11-22":           time.Date(2026, 11, 22, 0, 0, 0, 0, zone),
		"2026-11-22 10:00":     time.Date(2026, 11, 22, 10, 0, 0, 0, zone),
		"2026-11-22 10:00:01":  time.Date(2026, 11, 22, 10, 0, 1, 0, zone),
		"2026-11-22T10:00:00Z": time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
	} {
		got, err := parseTime(&events, "--since", text, now)
		if err != nil || !got.Equal(want) {
			t.Errorf("%q is %s (%v), should be %s", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "-1h", "25:00", "2026-13-01", "10" + "x"} {
		if got, err := parseTime(&events, "--since", text, now); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}
