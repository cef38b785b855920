package tend

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The types below are the values of settings. Each is written as one short text, the same on the command line, in
// tend.toml, in the database and in JSON, and read back from it.

// Duration is a time.Duration that is written as 250ms, 10s, 1m, 2h, 30d.
type Duration time.Duration

const day = 24 * time.Hour

// maxDuration leaves room for sums and doublings in a time.Duration, which ends at 292 years.
const maxDuration = 36500 * day

// ParseDuration reads a duration: Go's units and d for days; a bare number is seconds. It is never negative and at most
// 36500 days.
func ParseDuration(text string) (Duration, error) {
	number, isDays := strings.CutSuffix(text, "d")
	goText, factor := text, time.Duration(1)
	if strings.Trim(number, "0123456789.") == "" {
		if goText = number + "s"; isDays {
			goText, factor = number+"h", day/time.Hour
		}
	}
	d, err := time.ParseDuration(goText)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is not a duration (for example 250ms, 10s, 5m, 2h, 30d)", text)
	}
	if d > maxDuration/factor {
		return 0, fmt.Errorf("%q is too long (at most 36500d)", text)
	}
	return Duration(d * factor), nil
}

// parsePositive reads a duration that is not zero: in a definition zero stands for the default.
func parsePositive(text string) (Duration, error) {
	d, err := ParseDuration(text)
	if err == nil && d == 0 {
		err = fmt.Errorf("%q is no time at all (for example 250ms, 10s, 5m)", text)
	}
	return d, err
}

// String writes the duration in a short way that ParseDuration reads back.
func (d Duration) String() string {
	t := time.Duration(d)
	switch {
	case t >= day && t%day == 0:
		return strconv.Itoa(int(t/day)) + "d"
	case t >= time.Hour && t%time.Hour == 0:
		return strconv.Itoa(int(t/time.Hour)) + "h"
	case t >= time.Minute && t%time.Minute == 0:
		return strconv.Itoa(int(t/time.Minute)) + "m"
	}
	return t.String()
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDuration(string(text))
	return err
}

// Umask is a file mode creation mask, written in octal.
type Umask uint32

// ParseUmask reads an octal mask, 0 to 777.
func ParseUmask(text string) (Umask, error) {
	n, err := strconv.ParseUint(text, 8, 32)
	if err != nil || n > 0o777 {
		return 0, fmt.Errorf("%q is not a umask (an octal number from 000 to 777, for example 022)", text)
	}
	return Umask(n), nil
}

// String writes the mask as three octal digits.
func (u Umask) String() string { return fmt.Sprintf("%03o", uint32(u)) }

// MarshalText implements encoding.TextMarshaler.
func (u Umask) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (u *Umask) UnmarshalText(text []byte) (err error) {
	*u, err = ParseUmask(string(text))
	return err
}

// Restart says after which ends a run is followed by another.
type Restart string

// The restart policies.
const (
	RestartNo        Restart = "no"
	RestartOnFailure Restart = "on-failure"
	RestartAlways    Restart = "always"
)

// ParseRestart reads a restart policy.
func ParseRestart(text string) (Restart, error) {
	switch r := Restart(text); r {
	case RestartNo, RestartOnFailure, RestartAlways:
		return r, nil
	}
	return "", fmt.Errorf("%q is not a restart policy (no, on-failure or always)", text)
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Restart) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRestart(string(text))
	return err
}

// Backoff bounds the pause between restarts in a row: the first restart is at once, the pause before the second is
// Min, and each further one is twice as long, up to Max.
type Backoff struct{ Min, Max Duration }

// ParseBackoff reads MIN..MAX, or one duration that is both.
func ParseBackoff(text string) (Backoff, error) {
	low, high, two := strings.Cut(text, "..")
	if !two {
		high = low
	}
	var b Backoff
	var errMin, errMax error
	b.Min, errMin = ParseDuration(low)
	b.Max, errMax = ParseDuration(high)
	if errMin != nil || errMax != nil || b.Min == 0 || b.Min > b.Max {
		return Backoff{}, fmt.Errorf("%q is not a backoff (shortest..longest pause, for example 100ms..1m)", text)
	}
	return b, nil
}

// String writes MIN..MAX.
func (b Backoff) String() string { return b.Min.String() + ".." + b.Max.String() }

// MarshalText implements encoding.TextMarshaler.
func (b Backoff) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *Backoff) UnmarshalText(text []byte) (err error) {
	*b, err = ParseBackoff(string(text))
	return err
}

// StopStep is one step of a stop schedule: send the signal to the whole tree, then wait that long for its end.
type StopStep struct {
	Signal string // without SIG, for example TERM
	Wait   Duration
}

// StopSchedule is what is done, step after step, until the tree has ended.
type StopSchedule []StopStep

// ParseStopSchedule reads SIGNAL/SECONDS/SIGNAL/SECONDS…; seconds may be any duration.
func ParseStopSchedule(text string) (StopSchedule, error) {
	parts := strings.Split(text, "/")
	if len(parts)%2 != 0 || len(parts) > 64 {
		return nil, fmt.Errorf("%q is not a stop schedule (up to 32 pairs of SIGNAL/SECONDS, for example TERM/10/KILL/5)", text)
	}
	var schedule StopSchedule
	for i := 0; i < len(parts); i += 2 {
		signal, err := ParseSignal(parts[i])
		if err != nil {
			return nil, err
		}
		wait, err := ParseDuration(parts[i+1])
		if err != nil {
			return nil, err
		}
		schedule = append(schedule, StopStep{Signal: signal, Wait: wait})
	}
	return schedule, nil
}

// String writes the schedule as ParseStopSchedule reads it, in seconds where milliseconds are exact enough.
func (s StopSchedule) String() string {
	var parts []string
	for _, step := range s {
		wait := step.Wait.String()
		if ms := time.Duration(step.Wait).Milliseconds(); step.Wait == Duration(ms)*Duration(time.Millisecond) {
			wait = strconv.FormatFloat(float64(ms)/1000, 'f', -1, 64) // exact, unlike time.Duration.Seconds
		}
		parts = append(parts, step.Signal, wait)
	}
	return strings.Join(parts, "/")
}

// MarshalText implements encoding.TextMarshaler.
func (s StopSchedule) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *StopSchedule) UnmarshalText(text []byte) (err error) {
	*s, err = ParseStopSchedule(string(text))
	return err
}

// signals are the names that a definition may use; their numbers are the platform's affair.
var signals = []string{
	"HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
	"CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "SYS",
}

// ParseSignal reads the name of a signal, with or without SIG, in any case.
func ParseSignal(text string) (string, error) {
	name := strings.TrimPrefix(strings.ToUpper(text), "SIG")
	for _, s := range signals {
		if s == name {
			return name, nil
		}
	}
	return "", fmt.Errorf("%q is not a signal (for example TERM, INT, QUIT, HUP, KILL)", text)
}
