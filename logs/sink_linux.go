package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
	"tend/internal/fault"
)

// sink is a log that pipes lead to. Its bytes are those that the services wrote, one after the other, and nothing else. We
// are the only one who writes: so its end is where it is as long as we hold its lock, and stays there while bytes are moved
// to it. (The kernel moves none to a file that is opened for appending.) A supervisor before us that is not quite dead yet
// holds the lock as long as it moves.
//
// Whoever is killed while bytes are moved has taken from the pipe just those that the log got: the kernel does both.
type sink struct {
	path string
	perm os.FileMode
	own  bool

	fd    int // -1: not open
	inode uint64
	pipes int

	layout    layout // as it was read then
	layoutErr error
	layoutAt  time.Time

	marker *Marker
	marked Mark // the last one that was written
	due    Mark // the end as it is since, which is to be marked with what comes next; zero: it is marked

	again   time.Time     // when it is tried again; zero: it is in order
	pause   time.Duration // before that
	waiting error         // why, once somebody was told
}

// sinkFlags: nothing is appended, see above, and nobody is waited for.
const sinkFlags = unix.O_WRONLY | unix.O_CLOEXEC | unix.O_NOCTTY | unix.O_NONBLOCK

const (
	markEvery = 10 * time.Millisecond // at most

	layoutFor = time.Second // how long a layout is taken to be as it was; while it is rotated, the log is closed

	atOnce = 1 << 20 // bytes that are moved by one call, at most
)

var (
	errEmpty  = errors.New("the pipe is empty")
	errClosed = errors.New("nobody has the pipe open to write any more")
	errLocked = errors.New("somebody else has locked it")
)

// take moves to the log what is in the pipe, until that is empty or the limit is reached, in bytes.
func (s *sink) take(pipe int, limit int64) (moved int64, err error) {
	size, err := s.begin()
	if err != nil {
		return 0, err
	}
	fault.At(fault.SupervisorMoving)
	for moved < limit && err == nil {
		n, spliceErr := unix.Splice(pipe, nil, s.fd, &size, atOnce, unix.SPLICE_F_NONBLOCK)
		switch {
		case spliceErr == unix.EINTR:
		case spliceErr == unix.EAGAIN:
			err = errEmpty
		case spliceErr != nil:
			err = fmt.Errorf("writing to the log %q: %w", s.path, spliceErr)
		case n == 0:
			err = errClosed
		default:
			moved += int64(n)
			if moved < limit {
				size = s.length(size) // somebody may have cut it short meanwhile
			}
		}
	}
	if moved > 0 {
		fault.At(fault.SupervisorMoved)
		s.mark(size)
	}
	_ = unix.Flock(s.fd, unix.LOCK_UN)
	return moved, err
}

// begin opens and locks the log, and returns its length. Where somebody has removed it, or put another in its place, that
// one is taken.
func (s *sink) begin() (size int64, err error) {
	const often = 10
	for range often {
		if s.fd < 0 {
			if err := s.open(); err != nil {
				return 0, err
			}
		}
		switch err := unix.Flock(s.fd, unix.LOCK_EX|unix.LOCK_NB); err {
		case nil:
		case unix.EWOULDBLOCK:
			return 0, errLocked
		case unix.EINTR:
			continue
		default: // a file system that has no locks: there, two of us are kept apart by the supervisor's own
		}
		var ours, there unix.Stat_t
		if err := unix.Fstat(s.fd, &ours); err != nil {
			s.close()
			return 0, fmt.Errorf("looking at the log %q: %w", s.path, err)
		}
		if err := unix.Stat(s.path, &there); err == nil && there.Ino == ours.Ino && there.Dev == ours.Dev {
			return ours.Size, nil
		}
		s.close()
	}
	return 0, fmt.Errorf("opening the log %q: it is replaced again and again", s.path)
}

// length is that of the log; what it should be, where that cannot be told.
func (s *sink) length(expected int64) int64 {
	var stat unix.Stat_t
	if unix.Fstat(s.fd, &stat) != nil {
		return expected
	}
	return stat.Size
}

func (s *sink) open() error {
	file, err := openOrCreate(s.path, sinkFlags, s.perm)
	if s.own && errors.Is(err, fs.ErrNotExist) { // somebody has removed the directory
		if err = os.MkdirAll(filepath.Dir(s.path), 0o700); err == nil {
			file, err = openOrCreate(s.path, sinkFlags, s.perm)
		}
	}
	if err != nil {
		return cannotWrite(s.path, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errKind
	}
	if err != nil {
		return cannotWrite(s.path, err)
	}
	s.fd, err = unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		s.fd = -1
		return cannotWrite(s.path, err)
	}
	s.inode, s.layoutAt = inodeOf(info), time.Time{}
	s.resumeMarks(info)
	return nil
}

// resumeMarks takes up the marks where they are. What was moved and not marked by whoever was killed was written at the
// time at which the file was.
func (s *sink) resumeMarks(info os.FileInfo) {
	s.marked, _ = lastMark(s.marker.path)
	s.due = Mark{}
	if end, known := s.logical(info.Size()); known && end > s.marked.Offset {
		s.due = Mark{end, info.ModTime()}
	}
}

// logical is the offset in the stream of one in the file, unless it is not known how this file lies in the stream.
func (s *sink) logical(physical int64) (int64, bool) {
	if now := time.Now(); now.Sub(s.layoutAt) >= layoutFor {
		s.layoutAt = now
		s.layout, s.layoutErr = loadLayout(s.path)
	}
	l := s.layout
	if s.layoutErr != nil || l.inode != 0 && l.inode != s.inode || l.swap != nil || l.cut != nil {
		return 0, false
	}
	return l.logical(physical), true
}

// mark marks the end as it is now. One that is too soon after the last is written when more comes, so that what is before
// it and what is behind it are told apart whenever that is.
func (s *sink) mark(length int64) {
	now := time.Now()
	if !s.due.At.IsZero() && now.Sub(s.due.At) >= markEvery {
		s.add(s.due)
	}
	end, known := s.logical(length)
	if !known {
		return
	}
	s.due = Mark{end, now}
	if now.Sub(s.marked.At) >= markEvery || now.Before(s.marked.At) {
		s.add(s.due)
	}
}

// add writes a mark down. Without one, a time is less exact; nothing else is.
func (s *sink) add(m Mark) {
	s.due = Mark{}
	if m.Offset < s.marked.Offset {
		return // the log was cut short or replaced, and it is not known yet where in the stream that is
	}
	if s.marker.Add(m) == nil {
		s.marked = m
	}
}

func (s *sink) close() {
	if s.fd >= 0 {
		unix.Close(s.fd)
		s.fd = -1
	}
	if !s.due.At.IsZero() {
		s.add(s.due)
	}
	s.marker.Close()
}
