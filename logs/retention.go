package logs

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"tend/internal/fault"
)

// retain removes what is more than is to be kept, and what is older, the oldest first.
func (w *work) retain(limits Limits, now time.Time) error {
	for limits.Keep > 0 && len(w.archives) > limits.Keep {
		if err := w.dropOldest(); err != nil {
			return err
		}
	}
	if limits.Age <= 0 {
		return nil
	}
	since := now.Add(-limits.Age)
	mark, _, err := MarksAround(MarksPath(w.path), since)
	if err != nil {
		return err
	}
	for len(w.archives) > 0 && w.isOlder(w.archives[0], mark, since) {
		if err := w.dropOldest(); err != nil {
			return err
		}
	}
	if w.live == nil || len(w.archives) > 0 {
		return nil
	}
	return w.dropHead(mark.Offset)
}

// isOlder reports whether nothing in the archive was written since then. The last mark before then says so, or the time of
// the file itself: it was made when all of it had been written.
func (w *work) isOlder(a archive, mark Mark, since time.Time) bool {
	if mark.Offset >= a.end {
		return true
	}
	info, err := os.Stat(a.path)
	return err == nil && info.ModTime().Before(since)
}

// dropOldest removes the oldest archive.
func (w *work) dropOldest() error {
	oldest := w.archives[0]
	plain := archivePath(w.path, oldest.start, oldest.end)
	for _, name := range []string{plain + packedSuffix, plain} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	w.archives = w.archives[1:]
	w.rotated.Dropped += oldest.end - oldest.start
	fault.At(fault.LogsDropped)
	return nil
}

// skip removes what would fill more archives than are kept, and those that there are, without making any of it: the result is
// the same, but who writes faster than archives can be made does not fill the disk.
func (w *work) skip(limits Limits) error {
	more := w.beyond()/limits.Max - int64(limits.Keep)
	if limits.Keep <= 0 || more <= 0 || w.able.unit == 0 && !w.able.punch {
		return nil
	}
	for len(w.archives) > 0 {
		if err := w.dropOldest(); err != nil {
			return err
		}
	}
	return w.dropHead(w.layout.head + more*limits.Max)
}

// dropHead cuts off what the live file holds from before the offset, in whole blocks.
func (w *work) dropHead(offset int64) error {
	if offset <= w.layout.head || w.able.unit == 0 && !w.able.punch {
		return nil
	}
	if err := w.refresh(); err != nil {
		return err
	}
	unit := max(w.able.unit, units[0])
	to := min(w.layout.physical(min(offset, w.layout.logical(w.info.Size()))), w.info.Size()-1)
	to -= to % unit
	head := w.layout.logical(to)
	if to < unit*pieceLeast || head <= w.layout.head {
		return nil
	}
	w.rotated.Dropped += head - w.layout.head
	return w.advance(head)
}
