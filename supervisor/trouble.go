package supervisor

import (
	"fmt"
	"io/fs"
	"os"
)

// troubleKind is something that is wrong with a log. Each is told of once a run, and when it is over.
type troubleKind string

const (
	troubleCut      troubleKind = "its log was cut short from outside"
	troubleGone     troubleKind = "its log file was removed or renamed"
	troubleReplaced troubleKind = "its log file was replaced by another"
	troubleFull     troubleKind = "its log cannot be rotated, since the disk is full"
	troubleNoRoom   troubleKind = "the disk of its log is full"
	troubleWaits    troubleKind = "its output waits" // in a pipe: see pipes.go
)

// text is what is told of it.
func (t trouble) text() string {
	k := t.kind
	switch k {
	case troubleWaits:
		return fmt.Sprintf("%s: %s", k, t.why)
	case troubleCut:
		return fmt.Sprintf("%s: %d bytes are gone (a program that opens /dev/stdout by name and begins it anew does that; with --log-format time it cannot)", k, t.bytes)
	case troubleNoRoom:
		return fmt.Sprintf("%s: what it writes is lost until there is room", k)
	case troubleGone, troubleReplaced:
		return fmt.Sprintf("%s: what it writes goes where nobody sees it until it is restarted", k)
	}
	return fmt.Sprintf("%s: it grows beyond its limit", k)
}

// lasts reports whether it goes on being so.
func (k troubleKind) lasts() bool { return k != troubleCut }

// trouble is what the minder, or the pump, tells the loop.
type trouble struct {
	service, run string
	kind         troubleKind
	bytes        int64  // that are gone
	why          string // its output waits
	over         bool
}

// examine finds out what is wrong with a log by what has changed since the last look, at which this was its file and so
// many bytes were in it.
func (m *minder) examine(l *minded, was fs.FileInfo, size int64, first bool) {
	switch pumped := m.pumped(l); {
	case pumped && (l.file == nil || was != nil && !os.SameFile(was, l.file)): // what comes next goes into the one there is then
	case l.file == nil:
		m.begins(l, troubleGone, 0)
	case was != nil && !os.SameFile(was, l.file):
		m.begins(l, troubleReplaced, 0)
	case l.found.Truncated:
		m.begins(l, troubleCut, size)
	case !first:
		m.ends(l, troubleGone)
	}
}

// seeRoom finds out whether a service that writes into its log itself still can. It is asked of a log that does not grow any
// more, so that it costs nothing while all is well. Of one that waits in a pipe the pump tells.
func (m *minder) seeRoom(l *minded) {
	l.noRoom = !m.pumped(l) && !hasRoom(l.path, 1)
	if l.noRoom {
		m.begins(l, troubleNoRoom, 0)
	} else {
		m.ends(l, troubleNoRoom)
	}
}

func (m *minder) begins(l *minded, kind troubleKind, n int64) {
	for _, o := range l.writers {
		if key := o.run + string(kind); !l.trouble[key] {
			l.trouble[key] = true
			m.say(trouble{service: o.service, run: o.run, kind: kind, bytes: n})
		}
	}
}

func (m *minder) ends(l *minded, kind troubleKind) {
	for _, o := range l.writers {
		if key := o.run + string(kind); l.trouble[key] {
			delete(l.trouble, key)
			m.say(trouble{service: o.service, run: o.run, kind: kind, over: true})
		}
	}
}
