package tend

import (
	"fmt"
	"strings"
	"time"
)

// LocalZone is the name of the time zone of the host.
const LocalZone = "Local"

// ParseTimezone reads the name of a time zone: Area/City, UTC, or Local for that of the host.
func ParseTimezone(text string) (string, error) {
	if strings.EqualFold(text, LocalZone) {
		return LocalZone, nil
	}
	if strings.EqualFold(text, "UTC") {
		return "UTC", nil
	}
	if _, err := loadZone(text); err != nil {
		return "", fmt.Errorf("%q is not a time zone (Area/City as in Europe/Berlin, UTC, or Local for that of the host)", text)
	}
	return text, nil
}

// loadZone reads what TZ may hold as well, of which a zone of the form CET-1CEST is not understood.
func loadZone(name string) (*time.Location, error) {
	name = strings.TrimPrefix(name, ":")
	if _, rest, ok := strings.Cut(name, "/zoneinfo/"); ok && strings.HasPrefix(name, "/") {
		name = rest
	}
	if name == "" { // for LoadLocation that would be UTC
		return nil, fmt.Errorf("the time zone has no name")
	}
	return time.LoadLocation(name)
}

// Zone is the time zone by which the schedules of the service are told: its own, or that of its environment, or that of
// the host. The latter is also used for one that there is not on this host.
func (s Service) Zone() *time.Location {
	for _, name := range []string{s.Timezone, s.Environment["TZ"]} {
		if zone, err := loadZone(name); err == nil {
			return zone
		}
	}
	return time.Local
}

// zonePeriod is a stretch of time in which a zone's wall clock is off UTC by the same amount.
type zonePeriod struct {
	start, end time.Time // zero: since and for ever
	offset     time.Duration
}

func periodAt(t time.Time, zone *time.Location) zonePeriod {
	t = t.In(zone)
	_, seconds := t.Zone()
	start, end := t.ZoneBounds()
	if !end.IsZero() && !end.After(t) { // on the last day of a leap year: package time takes 365 days for a year there
		const day = 24 * time.Hour
		start = t.Truncate(day)
		end = start.Add(day)
	}
	return zonePeriod{start, end, time.Duration(seconds) * time.Second}
}

// wall is what the wall clock shows at t, told as if it were UTC.
func (p zonePeriod) wall(t time.Time) time.Time { return t.UTC().Add(p.offset) }

// longestJump is more than any wall clock was ever set forward or back by its zone.
const longestJump = 26 * time.Hour

// nextElapsed is the first moment after the given one at which the wall clock shows a time of the table.
func nextElapsed(t timetable, zone *time.Location, after time.Time) time.Time {
	p := periodAt(after, zone)
	from := p.wall(after)
	for {
		shown := t.next(from)
		if shown.IsZero() {
			return time.Time{}
		}
		if at := shown.Add(-p.offset); p.end.IsZero() || at.Before(p.end) {
			return at.In(zone)
		}
		p = periodAt(p.end, zone)
		from = p.wall(p.start).Add(-1)
	}
}

// nextOnce is the first moment after the given one at which the wall clock shows a time of the table, or one after it,
// for the first time: a time of day that is shown twice comes at the first, and one that is left out right after the
// jump. That is so for all times of the table that are later than anything that the clock has shown yet.
func nextOnce(t timetable, zone *time.Location, after time.Time) time.Time {
	shown := latestShown(zone, after)
	for {
		if shown = t.next(shown); shown.IsZero() {
			return time.Time{}
		}
		if at, missing := firstShown(zone, shown); missing < 24*time.Hour {
			return at.In(zone)
		}
	}
}

// latestShown is the latest time that the wall clock has shown until t; it may have been set back since.
func latestShown(zone *time.Location, t time.Time) time.Time {
	p := periodAt(t, zone)
	latest := p.wall(t)
	for !p.start.IsZero() && t.Sub(p.start) < longestJump {
		end := p.start.Add(-1)
		p = periodAt(end, zone)
		if shown := p.wall(end); shown.After(latest) {
			latest = shown
		}
	}
	return latest
}

// firstShown is the first moment at which the wall clock shows that time or a later one, and by how much the clock
// jumped there if it never shows that time.
func firstShown(zone *time.Location, shown time.Time) (at time.Time, missing time.Duration) {
	p := periodAt(shown.Add(-longestJump), zone)
	before := p.offset
	for !p.end.IsZero() && !p.wall(p.end).After(shown) {
		before = p.offset
		p = periodAt(p.end, zone)
	}
	if at = shown.Add(-p.offset); !p.start.IsZero() && at.Before(p.start) {
		return p.start, p.offset - before
	}
	return at, 0
}
