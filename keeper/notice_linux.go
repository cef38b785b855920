package keeper

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// The kernel takes its time to end an inotify instance: 8 to 20 ms were measured, by which the exit of whoever holds the
// last descriptor of it is held up. So it is not the supervisor's own. The outer keeper makes it and hands it down like
// the chain's lock, and a supervisor that is killed drops one descriptor of three. What it has not read is read by the next.
// Nor does a supervisor make a second one for other files. What it has watched of those stays watched when it is killed,
// until something happens to it: such news is of an id that its successor does not know, or else knows as the same file.

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
	var own atomic.Int32 // the id of the directory
	t, ended := newTeller(dir), make(chan struct{})
	again := func() error {
		t.happened.mu.Lock() // nobody takes it for a stranger before its id is known
		defer t.happened.mu.Unlock()
		const what = unix.IN_CREATE | unix.IN_MODIFY | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF
		id, err := unix.InotifyAddWatch(fd, dir, what)
		if err != nil {
			return fmt.Errorf("watching the runtime directory: %w", err)
		}
		own.Store(int32(id))
		return nil
	}
	if err := again(); err != nil {
		queue.Close()
		return Notices{}, err
	}
	go func() {
		defer close(ended)
		t.follow(queue, &own)
	}()
	stop := func() {
		queue.Close()
		<-ended
	}
	return Notices{Journal: t.journal, Gone: t.gone, Files: t.files.ready, again: again, stop: stop,
		watch: watchFile(queue), forget: forgetFile(queue), changed: t.files,
		enter: enterDirectory(queue), leave: forgetFile(queue), happened: t.happened}, nil
}

// watchFile watches files. Of each, the first that happens is told, and then it is not watched any more: to whoever writes
// much into it, that costs nothing.
func watchFile(queue *os.File) func(path string) (int, error) {
	return func(path string) (id int, err error) {
		const what = unix.IN_ONESHOT | unix.IN_MODIFY | unix.IN_ATTRIB | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF
		closed := withQueue(queue, func(fd int) { id, err = unix.InotifyAddWatch(fd, path, what) })
		if err = errors.Join(closed, err); err != nil {
			return 0, fmt.Errorf("watching %q: %w", path, err)
		}
		return id, nil
	}
}

func forgetFile(queue *os.File) func(id int) {
	return func(id int) {
		_ = withQueue(queue, func(fd int) { _, _ = unix.InotifyRmWatch(fd, uint32(id)) }) // it may have changed just now
	}
}

// withQueue does something with the queue's descriptor while it is not closed.
func withQueue(queue *os.File, do func(fd int)) error {
	raw, err := queue.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) { do(int(fd)) })
}

// follow reads the queue until it is closed.
func (t teller) follow(queue *os.File, own *atomic.Int32) {
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
		var files []int
		for rest := buffer[:n]; len(rest) >= unix.SizeofInotifyEvent; {
			id, mask, length := int32(binary.NativeEndian.Uint32(rest)), binary.NativeEndian.Uint32(rest[4:]), int(binary.NativeEndian.Uint32(rest[12:]))
			name, _, _ := bytes.Cut(rest[unix.SizeofInotifyEvent:min(len(rest), unix.SizeofInotifyEvent+length)], []byte{0})
			rest = rest[min(len(rest), unix.SizeofInotifyEvent+length):]
			if mask&unix.IN_Q_OVERFLOW != 0 {
				t.lost()
				continue
			}
			if t.directory(int(id), mask, string(name)) && id != own.Load() {
				continue
			}
			if length > 0 && id != own.Load() {
				t.unknown(queue, int(id))
				continue
			}
			if length == 0 && id != own.Load() {
				if mask&unix.IN_IGNORED == 0 {
					files = append(files, int(id))
				}
				continue
			}
			const removed = unix.IN_DELETE | unix.IN_MOVED_FROM | unix.IN_DELETE_SELF | unix.IN_MOVE_SELF
			t.tell(string(name), mask&removed != 0)
		}
		if len(files) > 0 {
			t.files.tell(false, files...)
		}
	}
}
