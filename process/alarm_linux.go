package process

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// NewAlarm returns an alarm that is not set.
func NewAlarm() *Alarm {
	a := &Alarm{rings: make(chan struct{}, 1)}
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		a.clock = newNapper(a.ring)
		return a
	}
	t := &timerfd{fd: fd, file: os.NewFile(uintptr(fd), "timerfd")}
	a.clock = t
	go t.listen(a.ring)
	return a
}

// timerfd is a timer of the kernel: timerfd_create(2). It sleeps until it rings.
type timerfd struct {
	fd   int
	file *os.File // owns fd
}

func (t *timerfd) set(at time.Time) {
	var spec unix.ItimerSpec
	if !at.IsZero() {
		spec.Value = unix.NsecToTimespec(max(1, at.UnixNano()))
		if at.Year() > 2200 { // UnixNano ends in 2262
			spec.Value = unix.NsecToTimespec(time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
		}
	}
	_ = unix.TimerfdSettime(t.fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &spec, nil) // ECANCELED: the clock was just set; it is set all the same
}

// listen rings whenever the timer does. A clock that is set, and a host that goes on, are told of by ECANCELED.
func (t *timerfd) listen(ring func()) {
	var count [8]byte
	for {
		if _, err := t.file.Read(count[:]); err != nil && !errors.Is(err, unix.ECANCELED) {
			return // closed
		}
		ring()
	}
}

func (t *timerfd) close() { t.file.Close() }
