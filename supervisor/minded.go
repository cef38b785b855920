package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"tend/logs"
)

// minded is a log as the minder knows it.
type minded struct {
	logFile
	writers map[string]order // the runs that write into it
	marker  *logs.Marker
	next    time.Time // of the next look; zero: as soon as the kernel tells
	told    bool      // the kernel tells, of the file with this id
	id      int

	known     bool        // it was looked at, and what follows says what was found
	file      fs.FileInfo // nil where none was there
	tail      []byte      // how it ended then, if it was short
	changed   bool        // by ourselves: what its size means has to be found out again
	found     logs.Found
	at        time.Time // of that look
	marked    logs.Mark // the last mark
	oldest    time.Time // what it holds was written since then; zero: it holds nothing
	notBefore time.Time // rotating it was of no use: not again before then
	full      bool      // since there was no room
	noRoom    bool      // for what the service writes
	trouble   map[string]bool
	complaint string
}

func newMinded(file logFile) *minded {
	return &minded{logFile: file, writers: map[string]order{}, marker: logs.NewMarker(file.marks), trouble: map[string]bool{}}
}

// join takes in another run that writes into the log. Where two do, the greater limits hold.
func (l *minded) join(o order, file logFile) {
	if len(l.writers) > 0 {
		file.limits.Max = most(l.limits.Max, file.limits.Max)
		file.limits.Keep = most(l.limits.Keep, file.limits.Keep)
		file.limits.Age = most(l.limits.Age, file.limits.Age)
	}
	l.limits = file.limits
	l.writers[o.run] = o
}

// most is the greater of two limits, of which zero is none.
func most[N int | int64 | time.Duration](a, b N) N {
	if a == 0 || b == 0 {
		return 0
	}
	return max(a, b)
}

// look looks at a log, does what is due, and decides when to look again.
func (m *minder) look(l *minded, now time.Time) {
	before, first, elapsed := l.found, !l.known, now.Sub(l.at)
	was := l.file
	if l.changed {
		was = nil // what is there now is our own doing
	}
	if err := m.find(l); err != nil {
		m.complain(l, err)
		l.next = together(now, untoldPause)
		return
	}
	l.at, l.known = now, true
	l.remember(was)
	m.examine(l, was, before.Size, first)
	if l.file == nil {
		m.wait(l, now)
		return
	}
	if !l.file.Mode().IsRegular() { // of a device there is nothing to be found out
		l.next = time.Time{}
		return
	}
	grown := l.found.End - before.End
	if first {
		grown = 0
	}
	if grown <= 0 || now.Sub(l.marked.At) > growingMost-longTick || !m.forwards.Sends(l.path) { // what is sent is looked at more often
		m.mark(l, now)
	}
	if grown != 0 || first {
		m.forwards.Grown(l.path)
	}
	again := m.rotate(l, now) || grown > 0
	if !again || l.noRoom {
		m.seeRoom(l)
	}
	if again {
		l.next = together(now, m.soon(l, l.pause(grown, elapsed)))
		return
	}
	m.wait(l, now)
}

// find finds out how long the log is. As long as its file has only grown, that is all there is to find out.
func (m *minder) find(l *minded) error {
	file, err := os.Stat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		file, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("looking at a log: %w", err)
	}
	look := m.rotator.Look
	if !l.changed && l.file != nil && file != nil && os.SameFile(file, l.file) && file.Size() >= l.file.Size() {
		if m.pumped(l) || !l.rewritten(file) {
			more := file.Size() - l.file.Size()
			l.found = logs.Found{Size: l.found.Size + more, End: l.found.End + more}
			l.file = file
			return nil
		}
		look = m.rotator.LookAnew
	}
	if file != nil && !file.Mode().IsRegular() {
		l.file = file
		return nil
	}
	if l.outside() {
		m.findOutside(l, file)
		return nil
	}
	if !m.recovered[l.path] {
		m.recovered[l.path] = true
		if logs.Unfinished(l.path) {
			if err := m.rotator.Recover(l.path); err != nil {
				m.failed("%v", err)
			}
		}
	}
	if l.found, err = look(l.path, l.found.End); err != nil {
		return err
	}
	l.file, l.changed = l.found.File, false
	return nil
}

// outside reports whether the log is a user's, and nothing of ours may be put beside it.
func (f logFile) outside() bool { return f.named && f.limits.Max == 0 }

// findOutside finds out how long a log is that is not rotated: its offsets are those of its file, unless it was rotated once.
func (m *minder) findOutside(l *minded, file fs.FileInfo) {
	found := logs.Found{Missing: file == nil, File: file}
	if file != nil {
		found.Size, found.End = file.Size(), logs.Size(l.path)
		found.Replaced = l.file != nil && !os.SameFile(file, l.file)
		found.Truncated = l.file != nil && !found.Replaced && (file.Size() < l.file.Size() || l.rewritten(file))
	}
	l.found, l.file = found, file
}

// mark notes that the log is so long now, if it has grown since that was last done.
func (m *minder) mark(l *minded, now time.Time) {
	if l.marked.At.IsZero() {
		l.marked, _, _ = logs.MarksAround(l.marks, now)
		l.oldest = firstMark(l.marks)
	}
	if l.outside() && (l.found.End < l.marked.Offset || l.found.Truncated || l.found.Replaced) { // the offsets begin anew, and so do their marks
		if err := m.pump.Without(l.path, l.marker.Remove); err != nil {
			m.failed("%v", err)
		}
		l.marked = logs.Mark{}
	}
	if l.found.End <= l.marked.Offset || m.pumped(l) {
		return
	}
	l.marked = logs.Mark{Offset: l.found.End, At: now}
	if l.oldest.IsZero() {
		l.oldest = now
	}
	err := l.marker.Add(l.marked)
	l.marker.Close()                     // a descriptor for each log would be too many
	if err != nil && !roomMissing(err) { // of a full disk is told where it matters more
		m.complain(l, err)
	}
}

// complain says what went wrong with a log, unless that is what was said last.
func (m *minder) complain(l *minded, err error) {
	if said := err.Error(); said != l.complaint {
		l.complaint = said
		m.failed("the log %s: %v", l.path, err)
	}
}

// firstMark is the time of the first mark, zero if there is none.
func firstMark(marks string) time.Time {
	if first, err := logs.Marks(marks, 0, 0); err == nil && len(first) > 0 {
		return first[0].At
	}
	return time.Time{}
}

// pause is how long a log that grows so fast may be left alone: it must be seen several times before it is too long.
func (l *minded) pause(grown int64, elapsed time.Duration) time.Duration {
	if l.limits.Max == 0 || grown <= 0 || elapsed <= 0 {
		return growingMost
	}
	room := float64(max(0, l.limits.Max-l.found.Size))
	rate := float64(grown) / elapsed.Seconds()
	return min(max(time.Duration(room/(4*rate)*float64(time.Second)), growingLeast), growingMost)
}

// soon is that pause, or less where somebody waits for what is written.
func (m *minder) soon(l *minded, pause time.Duration) time.Duration {
	if m.forwards.Sends(l.path) {
		return min(pause, sentPause)
	}
	return pause
}

// wait has the kernel tell when there is something to be seen, and the clock where it cannot.
func (m *minder) wait(l *minded, now time.Time) {
	l.next = m.due(l)
	if l.full && (l.next.IsZero() || l.notBefore.Before(l.next)) {
		l.next = l.notBefore
	}
	if again := now.Add(fullPause); l.noRoom && (l.next.IsZero() || again.Before(l.next)) {
		l.next = again
	}
	if l.file == nil { // there is nothing to be told of, until it is started again, or until we write it ourselves
		if m.pumped(l) {
			l.next = together(now, untoldPause)
		}
		return
	}
	if l.told {
		return
	}
	if err := m.listen(l); err != nil {
		l.next = together(now, untoldPause)
		return
	}
	// What was written before the kernel began to tell.
	if file, err := os.Stat(l.path); err != nil || file.Size() != l.file.Size() || !file.ModTime().Equal(l.file.ModTime()) || !os.SameFile(file, l.file) {
		l.next = together(now, tickLength)
	}
}

func roomMissing(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
