//go:build !linux

package process

import (
	"errors"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"tend"
)

// Watcher tells of the end of processes by kqueue. How a process ended is known of our own children, and on FreeBSD
// of all.
type Watcher struct {
	outlet
	kqueue int
	ended  chan struct{} // closed when the goroutine has ended
	close  sync.Once

	mu      sync.Mutex // guards what follows
	watched map[int]tend.Identity
}

const closing = 1 // the user event by which Close wakes the goroutine

// NewWatcher returns a Watcher.
func NewWatcher() (*Watcher, error) {
	fd, err := unix.Kqueue()
	if err != nil {
		return nil, fmt.Errorf("making a kqueue: %w", err)
	}
	unix.CloseOnExec(fd)
	w := &Watcher{kqueue: fd, outlet: outlet{exits: make(chan Gone), done: make(chan struct{})}, ended: make(chan struct{}), watched: map[int]tend.Identity{}}
	if err := w.change(closing, evfiltUser, unix.EV_ADD|unix.EV_CLEAR, 0); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("making a kqueue: %w", err)
	}
	go w.run()
	return w, nil
}

// evfiltUser is EVFILT_USER, which the two systems number differently.
var evfiltUser = map[string]int{"darwin": -10, "freebsd": -11}[runtime.GOOS]

const noteTrigger = 0x01000000 // NOTE_TRIGGER

func (w *Watcher) change(ident, filter, flags int, notes uint32) error {
	var event unix.Kevent_t
	unix.SetKevent(&event, ident, filter, flags)
	event.Fflags = notes
	_, err := unix.Kevent(w.kqueue, []unix.Kevent_t{event}, nil, nil)
	return err
}

// Open reads the Stat of the process; there are no pidfds here. ErrGone when it is not there any more.
func Open(id tend.Identity) (pidfd int, stat Stat, err error) {
	if stat, err = ReadStat(id.PID); err == nil && stat.Start != id.Start {
		err = ErrGone
	}
	return -1, stat, err
}

// Add watches the process; there are no pidfds here. ErrGone when it is not there any more.
func (w *Watcher) Add(id tend.Identity, _ int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.watched[id.PID] = id
	err := w.change(id.PID, unix.EVFILT_PROC, unix.EV_ADD|unix.EV_ONESHOT, unix.NOTE_EXIT)
	if err == nil && !Alive(id) && !isOwnChild(id) {
		w.change(id.PID, unix.EVFILT_PROC, unix.EV_DELETE, 0)
		err = ErrGone
	}
	if errors.Is(err, unix.ESRCH) {
		if isOwnChild(id) { // a zombie of ours: it will not be reported any more
			delete(w.watched, id.PID)
			go func() { w.tell(Gone{id, wait(id.PID, 0)}) }()
			return nil
		}
		err = ErrGone
	}
	if err != nil {
		delete(w.watched, id.PID)
		return fmt.Errorf("watching process %d: %w", id.PID, err)
	}
	return nil
}

// Remove forgets the process.
func (w *Watcher) Remove(id tend.Identity) {
	if _, ok := w.take(id.PID); ok {
		w.change(id.PID, unix.EVFILT_PROC, unix.EV_DELETE, 0)
	}
}

func (w *Watcher) take(pid int) (tend.Identity, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, ok := w.watched[pid]
	delete(w.watched, pid)
	return id, ok
}

// Close ends the watching.
func (w *Watcher) Close() error {
	w.close.Do(func() {
		close(w.done)
		w.change(closing, evfiltUser, 0, noteTrigger)
		<-w.ended
		unix.Close(w.kqueue)
	})
	return nil
}

func (w *Watcher) run() {
	defer close(w.ended)
	defer w.finish()
	events := make([]unix.Kevent_t, 64)
	for {
		n, err := unix.Kevent(w.kqueue, nil, events, nil)
		if err != nil && err != unix.EINTR {
			return
		}
		for _, event := range events[:max(n, 0)] {
			if int(event.Filter) == evfiltUser {
				return
			}
			if id, ok := w.take(int(event.Ident)); ok {
				w.tell(Gone{id, exitOf(id.PID, event)})
			}
		}
	}
}

// exitOf: our own child is reaped; of others FreeBSD reports the wait status.
func exitOf(pid int, event unix.Kevent_t) *tend.Exit {
	if exit := wait(pid, 0); exit != nil {
		return exit
	}
	if runtime.GOOS != "freebsd" {
		return nil
	}
	exit := ExitOf(uint32(event.Data))
	return &exit
}

// Unreaped tells how a process ended that nobody has reaped yet; only Linux can say.
func Unreaped(tend.Identity) *tend.Exit { return nil }
