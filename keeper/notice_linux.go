package keeper

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// The kernel takes its time to end an inotify instance: 8 to 20 ms were measured, by which the exit of whoever holds the
// last descriptor of it is held up. So it is not the supervisor's own. The outer keeper makes it and hands it down like
// the chain's lock, and a supervisor that is killed drops one descriptor of three. What it has not read is read by the next.

// newNoticeFD makes an inotify instance, -1 where none is to be had: each user has a limited number; see inotify(7).
func newNoticeFD() (int, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return -1, fmt.Errorf("watching the runtime directory: %w", err)
	}
	return fd, nil
}

// Watch gives notice of what happens in the runtime directory until it is stopped. It fails where the kernel gives none.
func Watch(dir string) (Notices, error) {
	fd := inherited(noticeVariable)
	os.Unsetenv(noticeVariable) // it is closed with the watching
	if fd < 0 {
		var err error
		if fd, err = newNoticeFD(); err != nil {
			return Notices{}, err
		}
	}
	unix.CloseOnExec(fd)
	queue := os.NewFile(uintptr(fd), "inotify")
	again := func() error {
		const what = unix.IN_CREATE | unix.IN_MODIFY | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF
		if _, err := unix.InotifyAddWatch(fd, dir, what); err != nil {
			return fmt.Errorf("watching the runtime directory: %w", err)
		}
		return nil
	}
	if err := again(); err != nil {
		queue.Close()
		return Notices{}, err
	}
	t, ended := newTeller(dir), make(chan struct{})
	go func() {
		defer close(ended)
		t.follow(queue)
	}()
	stop := func() {
		queue.Close()
		<-ended
	}
	return Notices{Journal: t.journal, Gone: t.gone, again: again, stop: stop}, nil
}

// follow reads the queue until it is closed.
func (t teller) follow(queue *os.File) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := queue.Read(buffer)
		if errors.Is(err, os.ErrClosed) {
			return
		}
		if err != nil {
			t.lost()
			return
		}
		for rest := buffer[:n]; len(rest) >= unix.SizeofInotifyEvent; {
			mask, length := binary.NativeEndian.Uint32(rest[4:]), int(binary.NativeEndian.Uint32(rest[12:]))
			name, _, _ := bytes.Cut(rest[unix.SizeofInotifyEvent:min(len(rest), unix.SizeofInotifyEvent+length)], []byte{0})
			rest = rest[min(len(rest), unix.SizeofInotifyEvent+length):]
			if mask&unix.IN_Q_OVERFLOW != 0 {
				t.lost()
				continue
			}
			const removed = unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF
			t.tell(string(name), mask&removed != 0)
		}
	}
}
