package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"tend/internal/fault"
)

// nextPath names the file that is to become the live one.
func nextPath(path string) string { return path + ".next" }

// Swap brings the log within its limits when its service starts again, by putting another live file in the place of the
// one there is: what Rotate could not do where the file system can neither collapse nor punch, and an end to the hole that a
// punch has left. The caller's word is that nobody has it open for writing; where the kernel can tell that somebody has all the same, nothing
// is done. Where tend itself is the only writer this is how its log is rotated.
func (r *Rotator) Swap(path string, limits Limits, now time.Time) (Rotated, error) {
	w, err := r.examine(path, 0)
	if err == nil {
		defer w.close()
		err = w.swap(limits, now)
	}
	if err != nil && !errors.Is(err, errStopped) {
		return w.result(), fmt.Errorf("rotating the log %q: %w", path, err)
	}
	return w.result(), nil
}

func (w *work) swap(limits Limits, now time.Time) error {
	if w.live == nil || !w.writable {
		return nil
	}
	if err := w.prepare(); err != nil {
		return err
	}
	link, err := os.Lstat(w.path)
	if err != nil {
		return err
	}
	free, err := w.free()
	if err != nil || !free || !link.Mode().IsRegular() { // a link would become a file
		return err
	}
	if err := w.refresh(); err != nil {
		return err
	}
	if w.layout.head > w.layout.base || len(w.layout.gaps) > 0 {
		if err := w.condense(); isFull(err) || errors.Is(err, errStopped) {
			return os.Remove(nextPath(w.path))
		} else if err != nil {
			return err
		}
	}
	if limits.Max > 0 && w.beyond() >= limits.Max && !w.stopped.Load() {
		if err := w.renew(); err != nil {
			return err
		}
	}
	return w.retain(limits, now)
}

// free reports whether nobody has the live file open for writing, as far as can be told. We ourselves must not.
func (w *work) free() (bool, error) {
	if err := w.live.Close(); err != nil {
		return false, err
	}
	var err error
	if w.live, err = os.OpenFile(w.path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0); err != nil {
		return false, err
	}
	if w.able.leases {
		if who := whoWrites(w.live); who != writersUnknown {
			return who == writersNone, nil
		}
	}
	return !isOpenToWrite(w.path), nil
}

// condense puts a copy of what the live file holds in its place, without the hole or the gaps.
func (w *work) condense() error {
	base, end := w.layout.head, w.layout.logical(w.info.Size())
	if err := w.copyTo(nextPath(w.path), base, end); err != nil {
		return err
	}
	return w.replace(base, func() error { return nil })
}

// renew makes the live file an archive and an empty one the live file. At no time is there none.
func (w *work) renew() error {
	end := w.layout.logical(w.info.Size())
	a := archive{path: archivePath(w.path, w.layout.head, end), start: w.layout.head, end: end}
	if err := w.copyTo(nextPath(w.path), end, end); err != nil {
		return err
	}
	err := w.replace(end, func() error {
		if err := os.Link(w.path, a.path); err != nil {
			return os.Rename(w.path, a.path) // a file system that has no second names
		}
		return nil
	})
	if err == nil {
		w.archives = append(w.archives, a)
		w.rotated.Archived += end - a.start
	}
	return err
}

// replace makes the next file the live one, which begins at base in the stream, and has the old one kept, once this is announced.
func (w *work) replace(base int64, keep func() error) error {
	next, err := os.Stat(nextPath(w.path))
	if err != nil {
		return err
	}
	w.layout.inode = inodeOf(w.info)
	w.layout.swap = &swap{inode: inodeOf(next), base: base}
	if err := w.save(true); err != nil {
		return err
	}
	fault.At(fault.LogsSwapping)
	if err := keep(); err != nil {
		return err
	}
	fault.At(fault.LogsLinked)
	if err := w.name(nextPath(w.path), w.path); err != nil {
		return err
	}
	fault.At(fault.LogsSwapped)
	return w.arrive()
}

// arrive has the layout say that the announced file is the live one, and opens that.
func (w *work) arrive() error {
	w.layout = w.layout.swapped()
	if err := w.save(true); err != nil {
		return err
	}
	if w.live != nil {
		_ = w.live.Close()
		w.live = nil
	}
	w.remember(w.path, w.layout.inode)
	return w.open()
}

// settleSwap ends a swap that was begun when we died. Until the other file is the live one it can be undone.
func (w *work) settleSwap() error {
	if w.layout.swap == nil {
		return nil
	}
	info, err := os.Stat(w.path)
	if errors.Is(err, fs.ErrNotExist) { // between the two renames of a file system that has no second names
		next, err := os.Stat(nextPath(w.path))
		if err == nil && inodeOf(next) == w.layout.swap.inode {
			if err := w.name(nextPath(w.path), w.path); err != nil {
				return err
			}
			return w.settleSwap()
		}
	} else if err != nil {
		return err
	}
	if info != nil && inodeOf(info) == w.layout.swap.inode {
		w.layout, w.saved = w.layout.swapped(), false
		return nil
	}
	return w.unswap(info)
}

// unswap takes the name of an archive from the live file again, and removes the one that was to come.
func (w *work) unswap(live fs.FileInfo) error {
	kept := w.archives[:0]
	for _, a := range w.archives {
		info, err := os.Stat(a.path)
		if live != nil && err == nil && os.SameFile(info, live) {
			if err := os.Remove(a.path); err != nil {
				return err
			}
			continue
		}
		kept = append(kept, a)
	}
	w.archives = kept
	if err := os.Remove(nextPath(w.path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	w.layout.swap, w.saved = nil, false
	return nil
}
