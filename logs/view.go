package logs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// view is how the log was found to lie at some moment. The files in it stay open, so no other gets their inodes: the same
// inode is the same file, and the same index the same layout.
type view struct {
	index  *os.File // nil: there was none
	raw    layout   // what the index says
	live   *os.File // nil: there was none. It may have lost its name since
	layout layout   // of live
	local  bool     // that it begins anew is what we found, and the index does not say yet
	kept   bool     // it has lost its name, and the index speaks of it no more
	cut    bool     // the index announces a cut, and nobody says what became of it: layout is as the disk tells
	place  int64    // then: where on the disk the live file's first byte is, which tells
}

func (v *view) close() {
	closeFile(v.index)
	closeFile(v.live)
	*v = view{}
}

func closeFile(file *os.File) {
	if file != nil {
		_ = file.Close()
	}
}

// leadsTo reports whether the path leads to the file; nil is that it leads to none.
func leadsTo(path string, file *os.File) bool {
	info, err := os.Stat(path)
	if file == nil || err != nil {
		return file == nil && errors.Is(err, fs.ErrNotExist)
	}
	own, err := file.Stat()
	return err == nil && os.SameFile(own, info)
}

// stands reports whether no byte was moved since.
func (v *view) stands(path string) bool {
	if !leadsTo(layoutPath(path), v.index) {
		return false
	}
	if !v.cut {
		return true
	}
	place, ok := blockAt(v.live, 0)
	return ok && place == v.place
}

const (
	cutPatience = 200 * time.Millisecond // how long the one who announced a cut gets to say that it has happened
	cutPause    = 5 * time.Millisecond
)

// errCut: the index announces a cut.
var errCut = errors.New("the log is being cut")

// refresh looks at everything again. It reports whether bytes have got other offsets: see errMoved.
func (s *Stream) refresh() (moved bool, err error) {
	if end, stands := s.stands(); stands && leadsTo(s.path, s.view.live) {
		s.end = end
		return false, nil
	}
	for began := time.Now(); ; {
		next, end, err := s.look(time.Since(began) > cutPatience)
		switch {
		case err == nil:
			return s.adopt(next, end), nil
		case errors.Is(err, errCut): // over in milliseconds, if he who does it lives; a watch would cost more than that
			time.Sleep(cutPause)
		case !errors.Is(err, errStale):
			return false, err
		}
	}
}

// look finds out how the log lies, and how long it is. Where the view shares files with the one before they are the same
// os.File.
func (s *Stream) look(impatient bool) (next view, end int64, err error) {
	defer func() {
		if err != nil {
			s.release(&next, &s.view)
		}
	}()
	if err = s.lookAtIndex(&next); err != nil {
		return
	}
	if err = s.lookAtLive(&next); err != nil {
		return
	}
	mark, err := lastMark(MarksPath(s.path)) // before the size: it is never ahead of that
	if err != nil {
		return
	}
	named := next.live != nil
	if !named {
		next.live = s.view.live // it may still be written to
	}
	if err = s.place(&next, named, mark.Offset); err != nil {
		return
	}
	if next.layout.cut != nil && next.live != nil {
		if !impatient {
			err = errCut
			return
		}
		if err = s.settle(&next, mark.Offset); err != nil {
			return
		}
	}
	if !named && next.live != nil { // marks may be of what has come in the place of the file that we hold
		mark = Mark{}
	}
	if end, err = s.measure(&next, mark.Offset); err != nil {
		return
	}
	if !next.stands(s.path) {
		err = errStale
	}
	return
}

// lookAtIndex reads the index, unless it is the one that we have.
func (s *Stream) lookAtIndex(next *view) error {
	if s.looked && leadsTo(layoutPath(s.path), s.view.index) {
		next.index, next.raw = s.view.index, s.view.raw
		return nil
	}
	file, err := os.Open(layoutPath(s.path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	next.index = file
	text, err := io.ReadAll(file)
	if err != nil {
		return fmt.Errorf("reading how the log %q lies: %w", s.path, err)
	}
	if next.raw, err = parseLayout(text); err != nil { // then the archives must tell
		s.listed = false
		known, err := s.known(layout{}, 0)
		if err != nil {
			return err
		}
		next.raw = layout{origin: known, base: known, head: known}
	}
	return nil
}

// lookAtLive opens the file that the path names, unless it is the one that we have.
func (s *Stream) lookAtLive(next *view) error {
	if s.view.live != nil && leadsTo(s.path, s.view.live) {
		next.live = s.view.live
		return nil
	}
	file, _, err := openToRead(s.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	next.live = file
	return nil
}

// place says how the bytes of the live file are placed. If it is another one than the index speaks of, or was cut short, and
// the index says nothing of that yet, it begins anew, behind all that is known.
func (s *Stream) place(next *view, named bool, marked int64) error {
	next.layout = next.raw
	if next.live == nil {
		return nil
	}
	info, err := next.live.Stat()
	if err != nil {
		return fmt.Errorf("reading the log %q: %w", s.path, err)
	}
	last, raw, inode, same := s.view, next.raw, inodeOf(info), next.live == s.view.live
	news := s.looked && (raw.epoch != last.raw.epoch || raw.inode != last.raw.inode) // somebody else has seen what we have
	switch {
	case same && last.local && !news:
		next.layout, next.local = last.layout, true
	case raw.swap != nil && raw.swap.inode == inode:
		next.layout = raw.swapped()
	case raw.inode == inode:
	case raw.inode == 0 && named && (same && !news || !same && (news || last.live == nil && s.end == 0)):
	case raw.inode == 0 && !named && !news && !last.kept:
	case !named:
		var known bool
		if next.layout, known = s.held(raw); known { // it may still be written to
			next.local, next.kept = last.local, true
		} else {
			next.layout, next.live = raw, nil
		}
	default:
		return s.begin(next, inode, marked)
	}
	return nil
}

// held says how the bytes of the file are placed that we hold as the live one, if that is known although the index may speak
// of another one by now: it must not have been rotated after we looked.
func (s *Stream) held(raw layout) (l layout, known bool) {
	last := s.view
	info, err := last.live.Stat()
	if err != nil {
		return layout{}, false
	}
	news := raw.epoch != last.raw.epoch || raw.inode != last.raw.inode
	begun := raw.epoch == last.raw.epoch+1 && raw.formerCuts == last.raw.cuts && raw.formerHead == last.raw.head && last.raw.cut == nil
	switch {
	case (last.local || last.kept) && !news:
		l, known = last.layout, true
	case raw.inode == inodeOf(info), raw.inode == 0 && !news:
		l, known = settleCut(last.live, raw)
	case begun:
		l, known = last.layout, true
	}
	return l, known && l.end(info.Size()) >= s.end
}

// settle finds out from the disk what has become of a cut. If the disk knows neither of the two, somebody cut the file short.
func (s *Stream) settle(next *view, marked int64) error {
	l, ok := settleCut(next.live, next.layout)
	if ok {
		next.place, next.cut = next.layout.cut.first, true
		if l.base != next.layout.base {
			next.place = next.layout.cut.next
		}
		next.layout = l
		return nil
	}
	cut := next.layout.cut
	next.layout.cut = nil
	return s.begin(next, next.layout.inode, max(marked, next.layout.logical(cut.size)))
}

// begin has the live file begin anew, behind all that is known of the stream.
func (s *Stream) begin(next *view, inode uint64, marked int64) error {
	known, err := s.known(next.raw, marked)
	if err != nil {
		return err
	}
	from := next.layout
	from.epoch = max(from.epoch, s.view.layout.epoch)
	next.layout, next.local, next.cut = from.begun(inode, known), true, false
	return nil
}

// known is the largest end of the stream that is known of.
func (s *Stream) known(l layout, marked int64) (int64, error) {
	known := max(l.known(), s.end, marked)
	if s.view.live != nil {
		if info, err := s.view.live.Stat(); err == nil {
			known = max(known, s.view.layout.end(info.Size()))
		}
	}
	if err := s.list(); err != nil {
		return 0, err
	}
	if n := len(s.archives); n > 0 {
		known = max(known, s.archives[n-1].end)
	}
	return known, nil
}

// measure returns how long the stream is. If that is less than it was, the live file was cut short and begins anew.
func (s *Stream) measure(next *view, marked int64) (end int64, err error) {
	if next.live == nil {
		return s.known(next.raw, marked)
	}
	info, err := next.live.Stat()
	if err != nil {
		return 0, fmt.Errorf("reading the log %q: %w", s.path, err)
	}
	end = next.layout.end(info.Size())
	before := marked
	if s.looked && s.sameOffsets(next.layout) {
		before = max(before, s.end)
	}
	if end >= before || next.local && !s.sameOffsets(next.layout) {
		return end, nil
	}
	if err := s.begin(next, inodeOf(info), before); err != nil {
		return 0, err
	}
	return next.layout.end(info.Size()), nil
}

// sameOffsets reports whether bytes have the same offsets by that layout as by the view's.
func (s *Stream) sameOffsets(l layout) bool {
	return l.epoch == s.view.layout.epoch && l.origin == s.view.layout.origin
}

// adopt makes next the view.
func (s *Stream) adopt(next view, end int64) (moved bool) {
	last := s.view
	moved = s.looked && !s.sameOffsets(next.layout)
	if moved {
		s.former.close()
		s.adjust = adjustment(last, next)
		if last.live != nil && last.live != next.live { // nobody else has what is in it
			if l, known := s.held(next.raw); known {
				s.former = former{file: last.live, layout: l, next: next.layout.origin, same: s.sameOffsets(l)}
				s.view.live = nil
			}
		}
	}
	s.release(&s.view, &next)
	s.view, s.end, s.looked, s.listed = next, end, true, false
	return moved
}

// release closes the files of a view but for those that another one has as well.
func (s *Stream) release(v, other *view) {
	if v.index != other.index {
		closeFile(v.index)
	}
	if v.live != other.live {
		closeFile(v.live)
	}
}

// adjustment returns what leads from the offsets of a view to those of the next. What was read since we found that the file
// begins anew is there as well by the index that says so now, only that it may be counted from elsewhere. All else is
// behind us.
func adjustment(last, next view) func(int64) int64 {
	from, to := last.layout.origin, next.layout.origin
	same := last.local && !next.local && (last.layout.epoch == next.layout.epoch || last.live == next.live)
	if next.raw.epoch == last.raw.epoch { // whoever wrote the index takes the file for the one that was there before
		to = next.layout.base
	}
	return func(offset int64) int64 {
		if same && offset >= from {
			return to + offset - from
		}
		return min(offset, to)
	}
}

// former is the file that was the live one before somebody replaced it. As long as it is held what is in it can be read.
type former struct {
	file   *os.File
	layout layout
	next   int64 // where the next one begins: what is behind that has no place in the stream
	same   bool  // it has the offsets that the view before had
}

func (f *former) close() {
	closeFile(f.file)
	*f = former{}
}

// read returns 0 if the offset is not in it.
func (f *former) read(p []byte, off int64) int {
	if f.file == nil || off < f.layout.head {
		return 0
	}
	n, _ := f.layout.read(f.file, p, off)
	return n
}
