package logs

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// examine opens a log, settles what a crash has left open about where its bytes are, and finds out what was done to it
// behind our back.
func (r *Rotator) examine(path string, known int64) (*work, error) {
	w := &work{Rotator: r, path: path, saved: true}
	if err := w.read(); err != nil {
		return nil, err
	}
	if err := w.settleSwap(); err != nil {
		return nil, err
	}
	if err := w.open(); err != nil {
		return nil, err
	}
	known, err := w.known(known)
	if err == nil {
		err = w.compare(known)
	}
	if err == nil && !w.saved {
		err = w.save(true)
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *work) read() (err error) {
	if w.archives, err = listArchives(w.path); err != nil {
		return err
	}
	w.layout, err = loadLayout(w.path)
	if errors.Is(err, errLayout) {
		w.say(layoutPath(w.path), "%v: what is in the log counts as written anew", err)
		w.layout, err = layout{epoch: 1}, nil // and compare makes it begin after the archives
		w.saved = false
	}
	return err
}

// open opens the live file, if there is one. What is no file has neither archives nor a layout.
func (w *work) open() error {
	info, err := os.Stat(w.path)
	if err == nil && info.Mode().IsRegular() {
		w.live, err = os.OpenFile(w.path, os.O_RDWR|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
		w.writable = err == nil
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) { // to be looked at, and no more
		w.live, err = os.OpenFile(w.path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		w.found.Missing = true
		return nil
	}
	if err != nil {
		return err
	}
	if w.live == nil {
		return nil
	}
	return w.refresh()
}

// refresh looks again how long the live file is.
func (w *work) refresh() (err error) {
	w.looked = time.Now()
	w.info, err = w.live.Stat()
	return err
}

// known is the end of the stream as far as anybody knows: it must not have become less.
func (w *work) known(caller int64) (int64, error) {
	known := max(caller, w.layout.known())
	if n := len(w.archives); n > 0 {
		known = max(known, w.archives[n-1].end)
	}
	mark, err := lastMark(MarksPath(w.path))
	return max(known, mark.Offset), err
}

// compare finds out what was done to the live file, and has the layout follow.
func (w *work) compare(known int64) error {
	if w.live == nil {
		return w.compareNone(known)
	}
	inode := inodeOf(w.info)
	another := w.layout.inode != 0 && w.layout.inode != inode ||
		w.layout.inode == 0 && w.inodes[w.path] != 0 && w.inodes[w.path] != inode
	switch settled, ok := settleCut(w.live, w.layout); {
	case !another && !ok:
		w.found.Truncated = true
		known = max(known, w.layout.logical(w.layout.cut.size))
	case !another:
		w.saved = w.saved && w.layout.cut == nil
		w.layout = settled
		w.found.Truncated = w.layout.end(w.info.Size()) < known
	case w.layout.cut != nil || w.layout.logical(w.info.Size()) != known:
		w.found.Replaced = true
	} // one that is exactly as long as what is known is a copy that was put back
	if w.found.Truncated || w.found.Replaced {
		w.layout = w.layout.begun(inode, known)
		w.saved = false
	}
	if w.layout.inode != inode {
		w.saved = w.saved && w.layout.inode == 0 && w.layout.epoch == 0 // nothing to be said of a log that was never rotated
		w.layout.inode = inode
	}
	w.remember(w.path, inode)
	w.found.End = w.layout.logical(w.info.Size())
	w.found.Size = w.beyond()
	return nil
}

// beginAnew has what the live file holds follow what is known, though it is no shorter.
func (w *work) beginAnew(known int64) error {
	if w.live == nil {
		return nil
	}
	w.found.File = w.info
	if w.found.Truncated || w.found.Replaced {
		return nil
	}
	w.found.Truncated = true
	w.layout = w.layout.begun(inodeOf(w.info), known)
	w.found.End, w.found.Size = w.layout.logical(w.info.Size()), w.beyond()
	return w.save(true)
}

// compareNone has whatever takes the place of the live file follow what is known.
func (w *work) compareNone(known int64) error {
	delete(w.inodes, w.path)
	w.found.End = known
	next := w.layout.begun(0, known)
	if !w.found.Missing || known == 0 || w.layout.inode == 0 && w.layout.base == known && w.layout.head == known {
		return nil
	}
	w.layout = next
	err := w.save(true)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // its directory is gone as well
		w.saved, err = true, nil
	}
	return err
}

// beyond is how much of the stream the live file holds.
func (w *work) beyond() int64 { return max(0, w.layout.logical(w.info.Size())-w.layout.head) }

// save writes the layout into its file. Where the disk is full, older archives make room.
func (w *work) save(durable bool) error {
	for {
		err := w.layout.save(w.path, durable)
		if !isFull(err) || len(w.archives) < 2 { // of the last one there may be no other copy to be cut yet
			w.saved = err == nil
			return err
		}
		if err := w.dropOldest(); err != nil {
			return err
		}
	}
}
