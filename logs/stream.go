package logs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// A Stream reads a log: one stream of bytes, of which each keeps its offset for ever, wherever rotation has put it. It takes
// no lock and writes nothing, and needs nobody of ours to be there; doc.go says how that can be right. It is not for
// concurrent use.
type Stream struct {
	path     string
	looked   bool
	view     view
	end      int64     // the largest end that was seen since the stream has these offsets
	archives []archive // as they were listed last
	listed   bool
	opened   *openArchive // the one that was read last, or nil
	former   former
	adjust   func(int64) int64 // leads from the offsets of the view before to those of this one: see errMoved
}

// GoneError says that there is nothing at an offset any more, but that there is at Next, or will be. Err, if it is not nil,
// tells why it cannot be read although it should be there.
type GoneError struct {
	Offset, Next int64
	Err          error
}

func (e *GoneError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%d bytes of the log cannot be read: %s", e.Next-e.Offset, e.Err)
	}
	return fmt.Sprintf("%d bytes of the log are gone", e.Next-e.Offset)
}

func (e *GoneError) Unwrap() error { return e.Err }

// NewStream returns the stream of a log that need not be there yet: for Follow.
func NewStream(path string) *Stream { return &Stream{path: path} }

// OpenStream opens a log. One of which there is neither a file nor an archive is fs.ErrNotExist.
func OpenStream(path string) (*Stream, error) {
	s := NewStream(path)
	_, err := s.refresh()
	if err == nil && s.view.live == nil {
		if err = s.list(); err == nil && len(s.archives) == 0 {
			err = fmt.Errorf("opening the log: %w", &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist})
		}
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Close gives back what is open.
func (s *Stream) Close() error {
	s.view.close()
	s.former.close()
	s.opened.close()
	*s = Stream{path: s.path}
	return nil
}

// Start returns the first offset that is still there.
func (s *Stream) Start() int64 {
	_, err := s.refresh()
	head := s.view.layout.head
	if s.view.live == nil {
		head = s.end
	}
	if err != nil || head == 0 || s.list() != nil || len(s.archives) == 0 {
		return head
	}
	return min(s.archives[0].start, head)
}

// End returns how long the stream is by now.
func (s *Stream) End() (int64, error) {
	_, err := s.refresh()
	return s.end, err
}

// ReadAt is that of io.ReaderAt, by offsets of the stream. What is not there any more is a GoneError.
func (s *Stream) ReadAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		n, err := s.readSome(p[done:], off+int64(done))
		done += n
		if err != nil && !errors.Is(err, errMoved) {
			return done, err
		}
	}
	return done, nil
}

var (
	// errMoved: what is in the live file has other offsets than we thought, for somebody cut it short or replaced it.
	errMoved = errors.New("the log begins anew")
	// errStale: meanwhile something was moved, and what was read is worth nothing.
	errStale = errors.New("the log was rotated meanwhile")
)

// readSome reads from one of the files, at least one byte. Before it says that there is none it looks at everything anew.
func (s *Stream) readSome(p []byte, off int64) (int, error) {
	for fresh := false; ; fresh = true {
		if fresh || !s.looked {
			if moved, err := s.refresh(); err != nil {
				return 0, err
			} else if moved {
				return 0, errMoved
			}
		}
		n, err := s.readOnce(p, off)
		if n > 0 {
			return n, nil
		}
		if fresh && !errors.Is(err, errStale) {
			return 0, err
		}
		s.listed = false
	}
}

// readOnce reads as far as one file goes, by the view that we have.
func (s *Stream) readOnce(p []byte, off int64) (int, error) {
	if off < s.view.layout.head || s.view.live == nil && off < s.end {
		return s.readOld(p, off)
	}
	if s.view.live == nil {
		return 0, io.EOF
	}
	n, err := s.view.layout.read(s.view.live, p, off)
	end, stands := s.stands()
	if !stands {
		return 0, errStale
	}
	s.end = end
	if n > 0 || errors.Is(err, io.EOF) {
		return n, err
	}
	return 0, fmt.Errorf("reading the log %q: %w", s.path, err)
}

// stands reports whether everything is still as it was found, after something was read, and how long the stream is now.
func (s *Stream) stands() (end int64, stands bool) {
	if !s.looked || !s.view.stands(s.path) {
		return 0, false
	}
	if s.view.live == nil {
		return s.end, true
	}
	info, err := s.view.live.Stat()
	if err != nil {
		return 0, false
	}
	end = s.view.layout.end(info.Size())
	return end, end >= s.end
}

// read reads from a file that lies so. It stops before a gap.
func (l layout) read(file *os.File, p []byte, off int64) (int, error) {
	at := l.physical(off)
	n, err := file.ReadAt(p[:l.contiguous(at, int64(len(p)))], at)
	if n > 0 {
		return n, nil
	}
	return 0, err
}

// readOld reads what is not in the live file any more.
func (s *Stream) readOld(p []byte, off int64) (int, error) {
	for {
		if err := s.list(); err != nil {
			return 0, err
		}
		next := s.view.layout.head
		if s.view.live == nil {
			next = max(next, s.end)
		}
		for _, a := range s.archives {
			if a.start > off {
				next = min(next, a.start)
				break
			}
			if off >= a.end {
				continue
			}
			n, err := s.readArchive(a, p, off)
			if errors.Is(err, fs.ErrNotExist) { // it was compressed or dropped meanwhile
				s.listed = false
			}
			if n > 0 || err != nil && s.listed {
				return n, err
			}
		}
		if !s.listed {
			continue
		}
		if most := min(int64(len(p)), s.former.next-off); most > 0 {
			if n := s.former.read(p[:most], off); n > 0 {
				return n, nil
			}
		}
		return 0, &GoneError{Offset: off, Next: next}
	}
}

// list lists the archives, unless that was done since something changed.
func (s *Stream) list() error {
	if s.listed {
		return nil
	}
	found, err := listArchives(s.path)
	if err != nil {
		return err
	}
	s.archives, s.listed = found, true
	return nil
}

// readArchive reads from one archive, which stays open.
func (s *Stream) readArchive(a archive, p []byte, off int64) (int, error) {
	if s.opened == nil || s.opened.archive != a {
		s.opened.close()
		var err error
		if s.opened, err = openArchived(a); err != nil {
			return 0, err
		}
	}
	return s.opened.read(p, off)
}
