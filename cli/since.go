package cli

import (
	"strings"
	"time"

	"tend"
)

// sinceWords is what --since takes, for help.
const sinceWords = "10m, 2h, 3d, 14:30, 2026-11-22, '2026-11-22 14:30' or RFC 3339"

// parseTime reads the point in time that is the value of an option: how long ago it was, a time of today, or of yesterday where that is still to come, or a
// date.
func parseTime(c *command, option, text string, now time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, nil
	}
	if d, err := tend.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-time.Duration(d)), nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			t = time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, now.Location())
			if t.After(now) {
				t = t.AddDate(0, 0, -1)
			}
			return t, nil
		}
	}
	return time.Time{}, misused(c, "%s: %q is no time; it may be %s", option, text, sinceWords)
}
