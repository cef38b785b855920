package supervisor

import (
	"os"
	"time"

	"tend/logs"
)

// fullPause is the time between two tries to rotate a log on a full disk: nothing tells when that has room again.
const fullPause = 5 * time.Second

// uselessPause is the time between two tries to rotate a log that is written to, where that has been of no use.
const uselessPause = time.Minute

// rotate archives what has become too much of a log, and removes what is too old. It reports whether it is to be looked at
// again soon.
func (m *minder) rotate(l *minded, now time.Time) (again bool) {
	tooLong := l.limits.Max > 0 && l.found.Size >= l.limits.Max && !now.Before(l.notBefore)
	due := m.due(l)
	if tooOld := !due.IsZero() && !now.Before(due); !tooLong && !tooOld {
		return false
	}
	if m.twice(l) {
		l.notBefore = now.Add(agePause)
		return false
	}
	m.pruned[l.path] = now
	if l.full && !hasRoom(l.path, min(l.limits.Max, l.found.Size)) {
		l.notBefore = now.Add(fullPause)
		return false
	}
	rotated, err := m.bringWithin(l, now)
	l.changed, l.full = true, false
	switch {
	case roomMissing(err), rotated.Full:
		m.begins(l, troubleFull, 0)
		l.notBefore, l.full = now.Add(fullPause), true
		return false
	case err != nil:
		m.complain(l, err)
		l.notBefore = now.Add(fullPause)
		return false
	}
	m.ends(l, troubleFull)
	if rotated.Archived == 0 && tooLong { // perhaps it cannot be, as long as somebody has it open: see logs.Rotator.Ready
		l.notBefore = now.Add(uselessPause)
	}
	if rotated.Archived > 0 {
		m.compress.put(l.path)
	}
	return true
}

// bringWithin brings the log within its limits. The pump, which may be about to begin with it, moves nothing to it meanwhile;
// and where it is the one who writes, nobody does, so that another file can take its place; unless somebody else does, or the
// path is a link.
func (m *minder) bringWithin(l *minded, now time.Time) (rotated logs.Rotated, err error) {
	err = m.pump.Without(l.path, func() (err error) {
		if m.pumped(l) {
			rotated, err = m.rotator.Swap(l.path, logs.Limits(l.limits), now)
		}
		if err == nil && rotated.Archived == 0 {
			rotated, err = m.rotator.Rotate(l.path, logs.Limits(l.limits), now)
		}
		if err == nil {
			m.trim(l, now)
		}
		return err
	})
	return rotated, err
}

// twice reports whether the same file is minded under another path as well: what one index said of it, another would not
// know.
func (m *minder) twice(l *minded) bool {
	for _, other := range m.logs {
		if other != l && other.file != nil && os.SameFile(other.file, l.file) {
			m.failed("the logs %s and %s are one file, which is not rotated", l.path, other.path)
			return true
		}
	}
	return false
}

// trim drops the marks of what is no longer there.
func (m *minder) trim(l *minded, now time.Time) {
	stream, err := logs.OpenStream(l.path)
	if err == nil {
		start := stream.Start()
		stream.Close()
		err = l.marker.Trim(start, now)
	}
	if err != nil {
		m.failed("%v", err)
	}
	l.oldest = firstMark(l.marks)
}

// due is when something in the log becomes too old, or somewhat later: it is removed once a day. Zero: never.
func (m *minder) due(l *minded) time.Time {
	if l.limits.Max == 0 || l.limits.Age == 0 || l.oldest.IsZero() {
		return time.Time{}
	}
	due := l.oldest.Add(l.limits.Age)
	if again := m.pruned[l.path].Add(agePause); due.Before(again) {
		return again
	}
	return due
}
