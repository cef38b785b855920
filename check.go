package tend

import (
	"fmt"
	"strings"
)

// CheckKind is how a Check finds out.
type CheckKind string

// The kinds of checks.
const (
	CheckAlive   CheckKind = "alive"   // it is still alive after After
	CheckTCP     CheckKind = "tcp"     // Target, HOST:PORT, takes connections
	CheckHTTP    CheckKind = "http"    // Target, a URL, answers
	CheckLog     CheckKind = "log"     // it writes a line that matches Target
	CheckCommand CheckKind = "command" // Target, run by /bin/sh -c, ends well
	CheckNotify  CheckKind = "notify"  // it says so: sd_notify(3); as a health check, at least once in After
	CheckFD      CheckKind = "fd"      // it writes a newline to the descriptor Target
	CheckExit    CheckKind = "exit"    // it has ended well
)

// Check is a way to find out how a run is: ready, or healthy. Its zero value is none.
type Check struct {
	Kind   CheckKind
	After  Duration
	Target string
	Status string // http: the statuses that are good, N or N-M; "": 200-399
	Body   string // http: the body has this in it
	Socket string // http: the path of the unix socket that is asked
}

// ParseCheck reads a check as a definition has it.
func ParseCheck(text string) (Check, error) {
	if text == string(CheckNotify) {
		return Check{Kind: CheckNotify}, nil
	}
	rest, ok := strings.CutPrefix(text, "alive:")
	d, err := ParseDuration(rest)
	if !ok || err != nil || d == 0 {
		return Check{}, fmt.Errorf("%q is not a readiness check (alive:DURATION, for example alive:250ms)", text)
	}
	return Check{Kind: CheckAlive, After: d}, nil
}

// String writes the check as ParseCheck reads it.
func (c Check) String() string {
	if c.After == 0 {
		return string(c.Kind)
	}
	return string(c.Kind) + ":" + c.After.String()
}

// MarshalText implements encoding.TextMarshaler.
func (c Check) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Check) UnmarshalText(text []byte) (err error) {
	*c, err = ParseCheck(string(text))
	return err
}
