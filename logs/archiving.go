package logs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"tend/internal/fault"
)

// packingPath names a compressed archive that is being made.
func packingPath(path string) string { return path + ".gz.part" }

func isEOF(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// resume goes on after an archive that was finished, and the head of the live file not cut.
func (w *work) resume() error {
	if n := len(w.archives); n > 0 && w.archives[n-1].end > w.layout.head {
		return w.advance(w.archives[n-1].end)
	}
	if err := w.collapse(); err != nil {
		return err
	}
	return w.announce()
}

// recover is what Recover does.
func (w *work) recover() error {
	for _, left := range []string{partPath(w.path), nextPath(w.path), packingPath(w.path)} {
		if err := os.Remove(left); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if w.live == nil {
		return nil
	}
	if err := w.prepare(); err != nil {
		return err
	}
	if err := w.resume(); err != nil {
		return err
	}
	return w.reclaim() // of a hole nobody knows whether it was punched
}

// archiveNext moves about so much from the live file into an archive. It is not done where that cannot be or need not be.
func (w *work) archiveNext(size int64) (done bool, err error) {
	if w.able.unit == 0 && !w.able.punch {
		return false, nil
	}
	if err := w.refresh(); err != nil {
		return false, err
	}
	unit := max(w.able.unit, units[0])
	from := w.layout.physical(w.layout.head)
	to := min(from+max(size, unit*pieceLeast), w.info.Size()-1)
	to -= to % unit
	end := w.layout.logical(to)
	if to-from < unit || end <= w.layout.head || w.able.unit > 0 && to < unit*pieceLeast {
		return false, nil
	}
	w.awaitCalm()
	if done, err = w.archive(end); !done || err != nil {
		return false, err
	}
	return true, w.advance(end)
}

// archive copies what is between the head and the offset into an archive and makes that durable. Where the disk is full,
// older archives make room. What is copied never changes, so writers may go on.
func (w *work) archive(end int64) (done bool, err error) {
	for {
		err := w.copyTo(partPath(w.path), w.layout.head, end)
		if err == nil {
			break
		}
		_ = os.Remove(partPath(w.path))
		if isEOF(err) {
			return false, errChanged
		}
		if !isFull(err) {
			return false, err
		}
		if len(w.archives) == 0 {
			w.rotated.Full = true
			w.say(w.path+" full", "the log %s is not rotated: %v, and there is no archive of it that could make room", w.path, err)
			return false, nil
		}
		if err := w.dropOldest(); err != nil {
			return false, err
		}
	}
	fault.At(fault.LogsCopied)
	a := archive{path: archivePath(w.path, w.layout.head, end), start: w.layout.head, end: end}
	if err := w.name(partPath(w.path), a.path); err != nil {
		return false, err
	}
	fault.At(fault.LogsArchived)
	w.archives = append(w.archives, a)
	w.rotated.Archived += end - a.start
	return true, nil
}

// name gives a file its name, for good.
func (w *work) name(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(to))
}

// copyStep is how much is copied before it is looked whether we are to stop, bytes.
const copyStep = 16 << 20

// copyTo copies a part of the stream from the live file into a file of its own, which is durable then.
func (w *work) copyTo(path string, from, to int64) error {
	file, err := w.make(path)
	if err != nil {
		return err
	}
	for at := from; at < to && err == nil; {
		if w.stopped.Load() {
			err = errStopped
			break
		}
		place := w.layout.physical(at)
		n := w.layout.contiguous(place, min(to-at, copyStep))
		if _, err = w.live.Seek(place, io.SeekStart); err == nil {
			_, err = io.CopyN(file, w.live, n) // in the kernel, where it can
		}
		if n == copyStep {
			writeOut(file, at-from, n) // the end is not to wait for all of it
		}
		at += n
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// make makes a file that whoever may read the live file may read, and nobody else.
func (w *work) make(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	err = likeOwner(file, w.info)
	if err == nil {
		err = file.Chmod(w.info.Mode().Perm())
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("making %q: %w", path, err)
	}
	return file, nil
}

// likeOwner gives the file to whom the other belongs, if that is not us.
func likeOwner(file *os.File, other os.FileInfo) error {
	stat, ok := other.Sys().(*syscall.Stat_t)
	if !ok || int(stat.Uid) == os.Geteuid() {
		return nil
	}
	return file.Chown(int(stat.Uid), int(stat.Gid))
}
