package tend

import (
	"fmt"
	"strings"
	"time"
)

// Supervision is the beginning of one supervisor's work, as it stands in the history.
type Supervision struct {
	Identity
	Place
	Away *Absence `json:"away,omitempty"` // what was before; nil for the first supervisor of a database
}

// Absence is a time in which no supervisor was at work: from the end of one to the beginning of another.
type Absence struct {
	From  time.Time    `json:"from"`
	Exact bool         `json:"exact"` // false: it began at an unknown moment after From
	To    time.Time    `json:"to"`
	Cause AbsenceCause `json:"cause"`
	Exit  *Exit        `json:"exit,omitempty"`  // how the supervisor before had ended, where a keeper has written that down
	Tries int          `json:"tries,omitempty"` // supervisors that began meanwhile and ended before they could write anything
}

// AbsenceCause is why a supervisor ended.
type AbsenceCause string

// The causes of an absence.
const (
	AwayIdle      AbsenceCause = "idle"      // nothing was to be supervised any more
	AwayShutdown  AbsenceCause = "shutdown"  // it was told to stop everything and leave
	AwayReplaced  AbsenceCause = "replaced"  // it was told to make room for another
	AwayOrphaned  AbsenceCause = "orphaned"  // its keeper died, and another keeper starts another supervisor
	AwayMoved     AbsenceCause = "moved"     // another file had taken the place of the database
	AwayCrashed   AbsenceCause = "crashed"   // it was killed, or failed: see Exit
	AwayRebooted  AbsenceCause = "rebooted"  // it ended with its host, or its pid namespace
	AwayElsewhere AbsenceCause = "elsewhere" // it worked on another host
	AwayUnknown   AbsenceCause = "unknown"   // nobody was left to write down how it ended
)

// OnPurpose reports whether nobody was to supervise: that is no gap.
func (c AbsenceCause) OnPurpose() bool { return c == AwayIdle || c == AwayShutdown }

// Why says in words how the supervisor before ended.
func (a Absence) Why() string {
	switch a.Cause {
	case AwayIdle:
		return "had nothing left to supervise, and left"
	case AwayShutdown:
		return "was told to stop everything and leave"
	case AwayReplaced:
		return "was told to make room for another"
	case AwayOrphaned:
		return "made room for another, because its keeper had died"
	case AwayMoved:
		return "made room for another, because the database file was replaced"
	case AwayCrashed:
		if a.Exit != nil {
			return a.Exit.String()
		}
	case AwayRebooted:
		return "was lost by a reboot"
	case AwayElsewhere:
		return "worked on another host"
	}
	return "ended, and nobody was left to write down how"
}

// Contains reports whether the moment lies in the absence. At From, something was still seen.
func (a Absence) Contains(t time.Time) bool { return t.After(a.From) && !t.After(a.To) }

// When says in which time nobody supervised, and why, as the clock where now is shows it.
func (a Absence) When(now time.Time) string {
	from := Moment(a.From, now)
	if !a.Exact {
		from = "some moment after " + from
	}
	return "away from " + from + " to " + Moment(a.To, now) + ", because the supervisor " + a.Why()
}

// String says how long the absence was, for the history: which times those were stands beside it.
func (a Absence) String() string {
	long := a.To.Sub(a.From).Round(time.Millisecond)
	if !a.Exact {
		return fmt.Sprintf("away for at most %s: the supervisor before %s", long, a.Why())
	}
	return fmt.Sprintf("away for %s: the supervisor before %s", long, a.Why())
}

// Entry is one line of the history: what happened to a service or, where Service is empty, to tend itself. Entries stand
// in the order in which they were written down, which is not always that of their times: what ended while nobody
// supervised is learned of later.
type Entry struct {
	ID          int64        `json:"id"` // in the order of writing
	At          time.Time    `json:"at"`
	Service     string       `json:"service,omitempty"`
	Run         string       `json:"run,omitempty"` // id of the run concerned, if one is
	Kind        NoteKind     `json:"kind"`
	Text        string       `json:"text"`
	Supervision *Supervision `json:"supervision,omitempty"` // with NoteSupervised
}

// unseen ends the text about an end of which nobody saw when it was: At is when it was noticed.
const unseen = ", at an unknown moment"

// Unseen reports whether the entry tells of an end that nobody saw.
func (e Entry) Unseen() bool { return e.Kind == NoteEnded && strings.HasSuffix(e.Text, unseen) }
