package logs

import (
	"bytes"
	"errors"
	"os"

	"tend/internal/fault"
)

const (
	pieceMost  = 16 << 20 // bytes that are cut at once, since writers wait that long: 2 or 3 ms
	pieceLeast = 2        // units, so that a gap that a crash leaves has at least one whole block: see findGap
)

// errChanged: somebody did something to the file that makes all that was planned pointless. The next look finds out what.
var errChanged = errors.New("the log was cut short by somebody else")

// advance declares that what is before the offset is not in the live file any more, and makes it so. Whoever calls it has
// it in archives that are durable, or wants it gone.
func (w *work) advance(head int64) error {
	w.layout.head, w.saved = head, false
	return w.reclaim()
}

// reclaim gives back the space of what is before the head. What cannot be given back stays, and nobody sees it.
func (w *work) reclaim() error {
	if err := w.collapse(); err != nil {
		return err
	}
	if err := w.announce(); err != nil {
		return err
	}
	to := w.layout.physical(w.layout.head)
	if w.layout.head == w.layout.base || !w.able.punch || w.able.unit > 0 { // what a collapse leaves is less than a block or two
		return nil
	}
	if err := punch(w.live, 0, to); err != nil {
		w.refuse(Punch, err)
	}
	fault.At(fault.LogsPunched)
	return nil
}

// announce has the layout in its file say what the one in memory does.
func (w *work) announce() error {
	if w.saved {
		return nil
	}
	if err := w.save(true); err != nil {
		return err
	}
	fault.At(fault.LogsAnnounced)
	return nil
}

// collapse cuts off what is before the head, as far as collapses can, piece by piece. Each layout that it writes says that
// one piece is done and the next about to be, and as long as there is a next one readers have to wait: so it has to be quick.
func (w *work) collapse() error {
	for calm := false; ; calm = true {
		length := w.piece()
		if length == 0 {
			return nil
		}
		if !calm {
			w.awaitCalm()
			if err := w.writeOut(length); err != nil {
				return err
			}
		}
		if w.stopped.Load() { // it can be cut whenever that suits
			return nil
		}
		if !w.plan(length) {
			w.refuse(Collapse, errNoPlace)
			return nil
		}
		w.saved = false
		if err := w.announce(); err != nil {
			return err
		}
		if err := w.carryOut(); err != nil {
			return err
		}
	}
}

// piece returns how much is to be cut next. A range that reaches to the end of the file cannot be collapsed.
func (w *work) piece() int64 {
	if w.able.unit == 0 || w.layout.head <= w.layout.base {
		return 0
	}
	least := w.able.unit * pieceLeast
	length := min(w.layout.physical(w.layout.head), w.info.Size()-1)
	length -= length % w.able.unit
	switch {
	case length < least:
		return 0
	case length <= pieceMost:
		return length
	case length < pieceMost+least:
		return length - least
	}
	return pieceMost
}

// plan puts the cut into the layout. It reports whether it could be told afterwards whether it was made. What is to be cut
// off need not get a place on the disk just for that, but for its beginning.
func (w *work) plan(length int64) bool {
	writeOut(w.live, 0, w.able.unit)
	first, ok := blockAt(w.live, 0)
	next, ok2 := blockAt(w.live, length)
	if !ok || !ok2 || first == next {
		return false
	}
	w.layout.cut = &cut{length: length, first: first, next: next, size: w.info.Size()}
	return true
}

// carryOut makes the cut that the layout in the file announces. The one in memory is then without it.
func (w *work) carryOut() error {
	writeOut(w.live, w.layout.cut.length, 0) // what came since
	if err := w.refresh(); err != nil {
		return err
	}
	if w.info.Size() < w.layout.cut.size {
		return errChanged
	}
	failed := collapse(w.live, w.layout.cut.length)
	fault.At(fault.LogsCollapsed)
	if failed == nil {
		w.layout = w.layout.shortened(w.layout.cut.length)
	} else {
		settled, ok := settleCut(w.live, w.layout)
		if !ok {
			return errChanged
		}
		done := settled.base != w.layout.base
		w.layout = settled
		if !done {
			w.refuse(Collapse, failed)
		}
	}
	w.saved = false
	return w.refresh()
}

// settleCut returns the layout as it is after a cut that was announced, and of which nobody knows whether it was made. It is
// not ok if the file is not the one any more that was to be cut. Readers do the same when nobody is there who would say it.
func settleCut(live *os.File, l layout) (settled layout, ok bool) {
	if l.cut == nil {
		return l, true
	}
	info, err := live.Stat()
	if err != nil {
		return l, false
	}
	place, ok := blockAt(live, 0)
	switch {
	case !ok:
		return l, false
	case place == l.cut.next:
		settled = l.shortened(l.cut.length)
		if g, ok := findGap(live, settled.gaps, l.cut.length); ok {
			settled.gaps = withGap(settled.gaps, g)
		}
		return settled, true
	case place == l.cut.first && info.Size() >= l.cut.size:
		l.cut = nil
		return l, true
	}
	return l, false
}

// findGap finds what XFS leaves behind when it is killed during a collapse: what was after the range has moved, but the size
// is as it was, so that as many bytes as were to be removed follow that nobody wrote; whoever appends writes after them.
//
// The gap has the length of the cut exactly, but begins and ends within blocks, so the hole that shows is shorter by a
// block. The NULs around it may as well have been written. Which of them are taken for those is no matter: they are all alike.
func findGap(live *os.File, known []gap, length int64) (gap, bool) {
	for at := int64(0); ; {
		hole, ok := holeFrom(live, at)
		if !ok {
			return gap{}, false
		}
		at = hole.offset + hole.length
		if hole.length > length || hole.length < length/pieceLeast || overlaps(known, hole) {
			continue
		}
		rest := length - hole.length
		after, err := nulsFrom(live, at, rest)
		if err != nil {
			return gap{}, false
		}
		found := gap{hole.offset - (rest - after), length}
		before, err := nulsFrom(live, found.offset, rest-after)
		if err == nil && found.offset >= 0 && before == rest-after {
			return found, true
		}
	}
}

func overlaps(gaps []gap, hole gap) bool {
	for _, g := range gaps {
		if hole.offset < g.offset+g.length && g.offset < hole.offset+hole.length {
			return true
		}
	}
	return false
}

// nulsFrom counts the NULs from the offset on, at most so many.
func nulsFrom(file *os.File, offset, most int64) (int64, error) {
	text := make([]byte, most)
	n, err := file.ReadAt(text, offset)
	if n == 0 && most > 0 && err != nil && !isEOF(err) {
		return 0, err
	}
	return int64(len(text[:n]) - len(bytes.TrimLeft(text[:n], "\x00"))), nil
}

// withGap puts a gap among others, in order.
func withGap(gaps []gap, g gap) []gap {
	i := 0
	for i < len(gaps) && gaps[i].offset < g.offset {
		i++
	}
	return append(gaps[:i:i], append([]gap{g}, gaps[i:]...)...)
}
