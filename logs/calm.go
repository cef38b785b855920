package logs

import "time"

const (
	calmRate     = 400 << 20 // bytes a second that are no burst
	calmGrowth   = 4 << 20   // bytes that a disk takes in some milliseconds
	calmLook     = 10 * time.Millisecond
	calmPatience = 2 * time.Second // for all that one rotation does
)

// awaitCalm waits as long as writers write much faster than a disk can take: what we do to the file they would feel now, and
// not in a moment. Who goes on like that for longer than our patience lasts has to feel it, or his log would grow without end.
func (w *work) awaitCalm() {
	if w.patience.IsZero() {
		w.patience = time.Now().Add(calmPatience)
		time.Sleep(calmLook)
	}
	for w.isBusy() {
		time.Sleep(calmLook) // a file tells nobody that it is not written to any more
	}
}

// isBusy reports whether much was written since we looked last, as long as our patience lasts.
func (w *work) isBusy() bool {
	before, since := w.info.Size(), time.Since(w.looked)
	if since < calmLook || w.refresh() != nil || time.Now().After(w.patience) || w.stopped.Load() {
		return false
	}
	return w.info.Size()-before > int64(calmRate*since.Seconds())
}

// writeOut has written to the disk what waits in memory of all that is to stay after a cut, until so little comes after it
// that nobody will wait for that long: a collapse does that while the writers wait.
func (w *work) writeOut(length int64) error {
	for {
		if err := w.refresh(); err != nil {
			return err
		}
		before := w.info.Size()
		writeOut(w.live, length, 0)
		if err := w.refresh(); err != nil {
			return err
		}
		if w.info.Size()-before <= calmGrowth || time.Now().After(w.patience) || w.stopped.Load() {
			return nil
		}
	}
}
