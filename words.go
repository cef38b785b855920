package tend

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Span writes a time span as people say it, in its two greatest units: 3s, 2m 5s, 5h 3m, 12d 4h.
func Span(d time.Duration) string {
	if d < 0 {
		d = 0
	}
	const day = 24 * time.Hour
	d = d.Truncate(time.Second)
	two := func(unit, next time.Duration, name, nextName string) string {
		if rest := d % unit / next; rest > 0 {
			return fmt.Sprintf("%d%s %d%s", d/unit, name, rest, nextName)
		}
		return fmt.Sprintf("%d%s", d/unit, name)
	}
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return two(time.Minute, time.Second, "m", "s")
	case d < day:
		return two(time.Hour, time.Minute, "h", "m")
	}
	return two(day, time.Hour, "d", "h")
}

// Brief writes a time span of which less than a second matters as well: 3ms, 350ms, 2s, 5h 3m.
func Brief(d time.Duration) string {
	if d > 0 && d < time.Second {
		return max(d.Round(time.Millisecond), time.Millisecond).String()
	}
	return Span(d)
}

// Soon writes how long it is until then: shorter spans matter more than in Span.
func Soon(d time.Duration) string {
	switch {
	case d <= 0:
		return "now"
	case d < time.Second:
		return "in " + max(d.Round(10*time.Millisecond), 10*time.Millisecond).String()
	}
	return "in " + Span(d+time.Second/2)
}

// Moment writes a point in time as the clock where now is shows it, without the date if it is today.
func Moment(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return t.Format("15:04:05")
	}
	return t.Format("2006-01-02 15:04:05")
}

// Calendar writes a time to come as people plan it: today 15:04 CET, tomorrow, or the day.
func Calendar(t, now time.Time) string {
	t = t.In(now.Location())
	clock := t.Format("15:04 MST")
	if t.Second() != 0 {
		clock = t.Format("15:04:05 MST")
	}
	switch t.Format(time.DateOnly) {
	case now.Format(time.DateOnly):
		return clock
	case now.AddDate(0, 0, 1).Format(time.DateOnly):
		return "tomorrow " + clock
	}
	return t.Format("Mon 2006-01-02 ") + clock
}

// ShellWord is a name as one types it in a shell.
func ShellWord(name string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-+:@", r)
	}
	if name != "" && strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) < 0 {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// Ports writes on what a service listens as one would say it: the ports of TCP, those of UDP, and sockets by their paths.
func Ports(listening []string) string {
	var words []string
	for _, address := range listening {
		network, rest, _ := strings.Cut(address, ":")
		word := rest[strings.LastIndexByte(rest, ':')+1:]
		switch network {
		case "udp":
			word = "udp " + word
		case "unix":
			word = rest
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}
