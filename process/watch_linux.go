package process

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"tend"
)

// Watcher tells of the end of processes, whoever's children they are. One epoll descriptor, which rests in the
// runtime's own poller, and one goroutine serve all of them: watching costs no thread and no timer.
type Watcher struct {
	outlet
	epoll *os.File
	ended chan struct{} // closed when the goroutine has ended
	close sync.Once
	most  int // no descriptor from here on is kept

	mu      sync.Mutex // guards what follows: Add and Remove are the caller's, taking is the goroutine's
	last    int32      // the last token given
	watched map[int32]watched
	tokens  map[tend.Identity]int32
}

// watched is one process under its token. Events carry tokens, because descriptors are reused. Whoever takes it out of
// the map owns the descriptor.
type watched struct {
	tend.Identity
	pidfd int
}

// NewWatcher returns a Watcher. Where pidfds cannot be had, Add says so.
func NewWatcher() (*Watcher, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("making an epoll descriptor: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil { // or package os would not give it to the poller
		unix.Close(fd)
		return nil, fmt.Errorf("making an epoll descriptor: %w", err)
	}
	w := &Watcher{
		epoll: os.NewFile(uintptr(fd), "epoll"), outlet: outlet{exits: make(chan Gone), done: make(chan struct{})}, ended: make(chan struct{}),
		most: mostDescriptors(), watched: map[int32]watched{}, tokens: map[tend.Identity]int32{},
	}
	conn, err := w.epoll.SyscallConn()
	if err != nil {
		w.epoll.Close()
		return nil, fmt.Errorf("making an epoll descriptor: %w", err)
	}
	go w.run(conn)
	return w, nil
}

// mostDescriptors leaves enough of what this process may open for everything else that it does: a database that cannot be
// opened is worse than ends that are learned from the exit journal.
func mostDescriptors() int { return leave(uint64(Descriptors())) }

func leave(limit uint64) int {
	const reserve = 128
	return int(limit - min(limit/2, reserve))
}

// Add watches the process. The pidfd becomes the watcher's, also on failure; -1 makes the watcher open one: ErrGone
// when the process is not there any more, ErrUnwatchable where there are no pidfds or too many descriptors are open. One
// that has ended and was not reaped is told of at once.
func (w *Watcher) Add(id tend.Identity, pidfd int) error {
	if pidfd < 0 {
		fd, err := openPIDFD(id)
		if errors.Is(err, ErrUnwatchable) && isOwnChild(id) {
			go w.waitFor(id)
			return nil
		}
		if err != nil {
			return fmt.Errorf("watching process %d: %w", id.PID, err)
		}
		pidfd = fd
	}
	if pidfd >= w.most {
		unix.Close(pidfd)
		return fmt.Errorf("watching process %d: %w: too many descriptors are open", id.PID, ErrUnwatchable)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, doubled := w.tokens[id]; doubled {
		unix.Close(pidfd)
		return nil
	}
	w.last++
	// Edge-triggered: a zombie that nobody reaps would be reported for ever. The end comes before the reaping.
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLET&(1<<32-1), Fd: w.last}
	if err := w.control(unix.EPOLL_CTL_ADD, pidfd, &event); err != nil {
		unix.Close(pidfd)
		return fmt.Errorf("watching process %d: %w: %w", id.PID, ErrUnwatchable, err)
	}
	w.watched[w.last], w.tokens[id] = watched{id, pidfd}, w.last
	return nil
}

// control changes what the epoll descriptor waits for.
func (w *Watcher) control(operation, fd int, event *unix.EpollEvent) error {
	conn, err := w.epoll.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	err = conn.Control(func(epoll uintptr) { result = unix.EpollCtl(int(epoll), operation, fd, event) })
	return errors.Join(err, result)
}

// waitFor is for the rarest of cases: our own child on a kernel without pidfds. It takes a thread.
func (w *Watcher) waitFor(id tend.Identity) {
	if exit := wait(id.PID, 0); exit != nil {
		w.tell(Gone{id, exit})
	}
}

// Remove forgets the process.
func (w *Watcher) Remove(id tend.Identity) {
	w.mu.Lock()
	token := w.tokens[id]
	w.mu.Unlock()
	if p, ok := w.take(token); ok {
		unix.Close(p.pidfd)
	}
}

// take takes a process out; the descriptor is the caller's then. The second to ask for one gets nothing.
func (w *Watcher) take(token int32) (watched, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.watched[token]
	if ok {
		delete(w.watched, token)
		delete(w.tokens, p.Identity)
		w.control(unix.EPOLL_CTL_DEL, p.pidfd, nil)
	}
	return p, ok
}

// Close ends the watching and closes every descriptor.
func (w *Watcher) Close() error {
	var err error
	w.close.Do(func() {
		close(w.done)
		err = w.epoll.Close()
		<-w.ended
		w.mu.Lock()
		defer w.mu.Unlock()
		for token, p := range w.watched {
			unix.Close(p.pidfd)
			delete(w.watched, token)
		}
	})
	return err
}

// run is the watcher's goroutine.
func (w *Watcher) run(conn syscall.RawConn) {
	defer close(w.ended)
	defer w.finish()
	var events [128]unix.EpollEvent
	for {
		n, failed := 0, error(nil)
		err := conn.Read(func(epoll uintptr) bool {
			n, failed = retry(func() (int, error) { return unix.EpollWait(int(epoll), events[:], 0) })
			return n > 0 || failed != nil
		})
		if err != nil || failed != nil { // only Close leads here
			return
		}
		for _, event := range events[:n] {
			if p, ok := w.take(event.Fd); ok {
				exit := p.exit()
				unix.Close(p.pidfd)
				w.tell(Gone{p.Identity, exit})
			}
		}
	}
}

// exit finds out how a process ended. While it is a zombie its stat says so; once reaped, the pidfd does, since
// Linux 6.15. Neither knows what the other does.
func (p watched) exit() *tend.Exit {
	if exit := Unreaped(p.Identity); exit != nil {
		return exit
	}
	if status, ok := reapedStatus(p.pidfd); ok {
		exit := ExitOf(status)
		return &exit
	}
	return nil
}

// Unreaped tells how a process ended that nobody has reaped yet: it is reaped if that is for us to do. nil when it lives,
// is gone, or does not say.
func Unreaped(id tend.Identity) *tend.Exit {
	stat, err := ReadStat(id.PID)
	if err != nil || stat.Start != id.Start || !stat.Dead() {
		return nil
	}
	if stat.PPID == os.Getpid() {
		return reapOwn(id.PID)
	}
	if stat.WaitStatus != 0 || mayTrace(id.PID) {
		exit := ExitOf(stat.WaitStatus)
		return &exit
	}
	return nil
}

// reapedStatus asks a pidfd how its process, which has been reaped, ended.
func reapedStatus(pidfd int) (status uint32, ok bool) {
	if !Probe().Has("pidfd_exit") {
		return 0, false
	}
	info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
	if err := unix.IoctlPidfdInfo(pidfd, &info); err != nil || info.Mask&unix.PIDFD_INFO_EXIT == 0 {
		return 0, false
	}
	return uint32(info.Exit_code), true
}

// mayTrace reports whether the wait status in the stat of a process is real: to those who may not trace it, the
// kernel shows 0, which would be taken for a good end. See ptrace(2), "Ptrace access mode checking".
func mayTrace(pid int) bool {
	if os.Geteuid() == 0 {
		return true
	}
	for field, own := range map[string]int{"Uid": os.Geteuid(), "Gid": os.Getegid()} {
		ids, err := statusField(pid, field) // real, effective, saved, file system
		if err != nil || len(ids) < 3 {
			return false
		}
		for _, id := range ids[:3] {
			if id != strconv.Itoa(own) {
				return false
			}
		}
	}
	return true
}
