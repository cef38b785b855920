package tend

import (
	"fmt"
	"strings"
	"time"
)

// A schedule says when something is done: by the fields of a crontab line, told by the wall clock of a time zone, or
// every so often.
//
// The rule where the wall clock jumps, for summer time above all:
//
//   - A schedule of every hour follows elapsed time: it comes whenever the wall clock shows a minute that it names, so
//     in both hours that have the same name, and not at all in an hour that is left out.
//   - A schedule of certain hours comes once for each time of day that it names: at the first of two moments at which
//     the clock shows it, and right after the jump where the clock never shows it; several that are left out come
//     there together, once. A day that is left out altogether (Samoa, 30 December 2011) is not made up for.
//
// Of the libraries for this none does so (docs/jobs.md names them), and what remains of one, five numbers, is less than
// the telling of what is wrong with them.

// everyPrefix begins a schedule that knows no clock: @every DURATION counts from the last time.
const everyPrefix = "@every "

// nicknames of schedules. The first of two with the same meaning is the canonical one.
var nicknames = []struct{ name, fields string }{
	{"@hourly", "0 * * * *"},
	{"@daily", "0 0 * * *"}, {"@midnight", "0 0 * * *"},
	{"@weekly", "0 0 * * 0"},
	{"@monthly", "0 0 1 * *"},
	{"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
}

const scheduleForms = `minute hour day month weekday, for example "30 3 * * mon-fri"; @hourly, @daily, @weekly, @monthly, @yearly; or @every TIME`

// ParseSchedule reads a schedule and returns it in its canonical form: five fields of a crontab line, one of @hourly,
// @daily, @weekly, @monthly and @yearly, or @every DURATION. A schedule that never comes is refused.
func ParseSchedule(text string) (string, error) {
	canonical := strings.ToLower(strings.Join(strings.Fields(text), " "))
	if rest, ok := strings.CutPrefix(canonical, everyPrefix); ok {
		d, err := ParseDuration(rest)
		if err != nil {
			return "", fmt.Errorf("%q is not a schedule: %w", text, err)
		}
		if time.Duration(d) < time.Second {
			return "", fmt.Errorf("%q is not a schedule: %s is too short (at least 1s)", text, rest)
		}
		if time.Duration(d)%time.Second != 0 { // its times are whole seconds
			return "", fmt.Errorf("%q is not a schedule: %s has a fraction of a second (whole seconds, at least 1s)", text, rest)
		}
		return everyPrefix + d.String(), nil
	}
	if strings.HasPrefix(canonical, "@") {
		return parseNickname(text, canonical)
	}
	t, err := parseTimetable(canonical)
	if err != nil {
		return "", fmt.Errorf("%q is not a schedule: %w", text, err)
	}
	if t.next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return "", fmt.Errorf("the schedule %q never comes: no such month has such a day", text)
	}
	return canonical, nil
}

func parseNickname(text, canonical string) (string, error) {
	for _, n := range nicknames {
		if n.name != canonical {
			continue
		}
		for _, first := range nicknames {
			if first.fields == n.fields {
				return first.name, nil
			}
		}
	}
	if canonical == "@reboot" {
		return "", fmt.Errorf("%q is not a schedule: a service that is not scheduled is started after a reboot anyway (%s)", text, scheduleForms)
	}
	return "", fmt.Errorf("%q is not a schedule (%s)", text, scheduleForms)
}

// clockless reports whether the schedule goes by no clock, and so by none of a time zone.
func clockless(schedule string) bool { return strings.HasPrefix(schedule, everyPrefix) }

// NextTime is the first time after the given one at which the schedule, told by the wall clock of the zone, comes; zero
// for never, and for what is not a schedule.
func NextTime(schedule string, zone *time.Location, after time.Time) time.Time {
	after = after.Round(0)
	if rest, ok := strings.CutPrefix(schedule, everyPrefix); ok {
		d, err := ParseDuration(rest)
		if err != nil || time.Duration(d) < time.Second {
			return time.Time{}
		}
		return after.Truncate(time.Second).Add(time.Duration(d)).In(zone)
	}
	for _, n := range nicknames {
		if n.name == schedule {
			schedule = n.fields
		}
	}
	t, err := parseTimetable(schedule)
	if err != nil {
		return time.Time{}
	}
	if t.everyHour() {
		return nextElapsed(t, zone, after)
	}
	return nextOnce(t, zone, after)
}
