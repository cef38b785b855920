package logs

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Pump moves what services write into their pipes to their logs. It is one goroutine for all of them, which sleeps until
// there is something to move. Not a byte goes through our memory: splice(2).
type Pump struct {
	events PumpEvents

	mu       sync.Mutex
	commands []func()
	runs     map[string]int // pipes of each
	paths    map[string]int
	paused   map[string]bool // logs to which nothing is moved for a while
	started  bool
	closed   bool

	epoll, wake int
	ended       chan struct{}

	// Owned by the goroutine.
	pipes map[int32]*pipe // by descriptor
	sinks map[string]*sink
	wide  int // pipes
	over  bool
}

// PumpEvents is what a pump tells of. Its goroutine waits until they return.
type PumpEvents struct {
	Ended func(Source)        // the pipe is empty, and nobody has it open to write: it was closed
	Waits func(Source, error) // the log cannot be written to; what is in the pipe waits. No error: it was moved
}

type pipe struct {
	Source
	file    *os.File
	fd      int
	sink    *sink
	watched bool
	wide    bool // as large as it gets
}

// NewPump returns a pump, which begins with the first pipe.
func NewPump(events PumpEvents) *Pump {
	return &Pump{
		events: events, runs: map[string]int{}, paths: map[string]int{}, paused: map[string]bool{},
		epoll: -1, wake: -1, ended: make(chan struct{}), pipes: map[int32]*pipe{}, sinks: map[string]*sink{},
	}
}

// Add has the pump move what comes out of the pipe, which is its own from now on, until nobody has it open to write.
func (p *Pump) Add(source Source, read *os.File) error {
	p.mu.Lock()
	err := p.start()
	if err == nil {
		p.runs[source.Run]++
		p.paths[source.Path]++
	}
	p.mu.Unlock()
	if err != nil {
		read.Close()
		return err
	}
	p.do(func() { p.add(source, read) })
	return nil
}

// Has reports whether output of the run may still be in a pipe.
func (p *Pump) Has(run string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.runs[run] > 0
}

// Writes reports whether the pump writes the log.
func (p *Pump) Writes(path string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paths[path] > 0
}

// Busy reports whether there is any pipe.
func (p *Pump) Busy() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.runs) > 0
}

// Drain moves what the pipes of the runs hold at this moment, and then calls done; where a log cannot be written to, it is
// called all the same. What is written meanwhile is not waited for.
func (p *Pump) Drain(runs []string, done func()) {
	p.mu.Lock()
	started := p.started && !p.closed
	p.mu.Unlock()
	if !started {
		done()
		return
	}
	p.do(func() {
		for _, pipe := range p.pipes {
			if slices.Contains(runs, pipe.Run) {
				p.move(pipe, capacity(pipe.fd))
			}
		}
		done()
	})
}

// Without calls f while nothing is written to the log, and the log and its marks are closed. What is written into its pipes
// meanwhile is moved after, to the log that is there then.
func (p *Pump) Without(path string, f func() error) error {
	closed := make(chan struct{})
	p.mu.Lock()
	p.paused[path] = true
	started := p.started && !p.closed
	p.mu.Unlock()
	if started {
		p.do(func() {
			if s := p.sinks[path]; s != nil {
				s.close()
			}
			close(closed)
		})
		select {
		case <-closed:
		case <-p.ended:
		}
	}
	err := f()
	p.mu.Lock()
	delete(p.paused, path)
	started = p.started && !p.closed
	p.mu.Unlock()
	if started {
		p.do(func() {
			if s := p.sinks[path]; s != nil && s.waiting == nil {
				s.again = time.Now()
			}
		})
	}
	return err
}

// Close has the pump stop. What is in the pipes stays there, for whoever has them open as well.
func (p *Pump) Close() {
	p.mu.Lock()
	started := p.started && !p.closed
	p.closed = true
	p.mu.Unlock()
	if started {
		p.do(func() { p.over = true })
		<-p.ended
	}
}

// start begins, once.
func (p *Pump) start() error {
	if p.closed {
		return os.ErrClosed
	}
	if p.started {
		return nil
	}
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("watching pipes: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, wake, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(wake)})
	}
	if err != nil {
		unix.Close(epoll)
		if wake >= 0 {
			unix.Close(wake)
		}
		return fmt.Errorf("watching pipes: %w", err)
	}
	p.epoll, p.wake, p.started = epoll, wake, true
	go p.loop()
	return nil
}

// do has the goroutine do something.
func (p *Pump) do(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wake < 0 {
		return
	}
	p.commands = append(p.commands, f)
	_, _ = unix.Write(p.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

func (p *Pump) loop() {
	defer close(p.ended)
	defer p.closeAll()
	events := make([]unix.EpollEvent, 64)
	for !p.over {
		n, err := unix.EpollWait(p.epoll, events, p.timeout())
		if err != nil && err != unix.EINTR {
			time.Sleep(time.Second) // cannot be; and if it is, it must not be all that this machine does
		}
		for _, e := range events[:max(n, 0)] {
			if e.Fd == int32(p.wake) {
				p.obey()
			} else if pipe := p.pipes[e.Fd]; pipe != nil {
				p.move(pipe, fairShare)
			}
		}
		p.retry()
	}
}

// fairShare is how much of one pipe is moved before the others have their turn, bytes.
const fairShare = 4 << 20

// obey does what it was told to.
func (p *Pump) obey() {
	var count [8]byte
	_, _ = unix.Read(p.wake, count[:])
	p.mu.Lock()
	commands := p.commands
	p.commands = nil
	p.mu.Unlock()
	for _, f := range commands {
		f()
	}
}

func (p *Pump) add(source Source, read *os.File) {
	fd := int(read.Fd())
	s := p.sinks[source.Path]
	if s == nil {
		s = &sink{path: source.Path, perm: source.Perm, own: source.Own, fd: -1, marker: NewMarker(source.Marks)}
		p.sinks[source.Path] = s
	}
	s.pipes++
	pipe := &pipe{Source: source, file: read, fd: fd, sink: s}
	p.pipes[int32(fd)] = pipe
	if capacity(fd) >= widePipe { // by the supervisor before us
		pipe.wide = true
		p.wide++
	}
	p.move(pipe, fairShare)
}

// move moves what there is, and sees to it that there is somebody who looks when there is more.
func (p *Pump) move(pipe *pipe, limit int64) {
	s := pipe.sink
	if !s.again.IsZero() && time.Now().Before(s.again) || p.isPaused(s.path) {
		p.watch(pipe, false)
		return
	}
	moved, err := s.take(pipe.fd, limit)
	p.widen(pipe, moved)
	switch {
	case err == nil, errors.Is(err, errEmpty):
		p.watch(pipe, true)
	case errors.Is(err, errClosed):
		p.end(pipe)
	default:
		p.watch(pipe, false)
		p.wait(pipe, err)
		return
	}
	s.again, s.pause = time.Time{}, 0
	if s.waiting != nil {
		s.waiting = nil
		p.events.Waits(pipe.Source, nil)
	}
}

// Nothing tells when a full disk has room again, or a lock is free. A lock is mostly held for moments.
const (
	retryFull  = time.Second
	retryFirst = time.Millisecond
)

// wait puts the log off for a while.
func (p *Pump) wait(pipe *pipe, err error) {
	s := pipe.sink
	switch {
	case errors.Is(err, errLocked):
		s.pause = min(max(2*s.pause, retryFirst), retryFull)
	default:
		s.pause = retryFull
		s.close() // it may be on a file system that is to be unmounted, or come back
	}
	s.again = time.Now().Add(s.pause)
	if s.pause == retryFull && s.waiting == nil {
		s.waiting = err
		p.events.Waits(pipe.Source, err)
	}
}

// watch has the kernel tell of what is written into the pipe, or not.
func (p *Pump) watch(pipe *pipe, on bool) {
	if pipe.watched == on {
		return
	}
	how := unix.EPOLL_CTL_DEL
	if on {
		how = unix.EPOLL_CTL_ADD
	}
	err := unix.EpollCtl(p.epoll, how, pipe.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(pipe.fd)})
	if err == nil {
		pipe.watched = on
	} else if on { // no memory, or too many watches: it is looked at now and then
		pipe.sink.again = time.Now().Add(retryFull)
	}
}

// timeout is how long to sleep at most, in milliseconds, -1 for ever.
func (p *Pump) timeout() int {
	var next time.Time
	for _, s := range p.sinks {
		if !s.again.IsZero() && (next.IsZero() || s.again.Before(next)) && !p.isPaused(s.path) {
			next = s.again
		}
	}
	if next.IsZero() {
		return -1
	}
	return int(max(0, (time.Until(next)+time.Millisecond-1)/time.Millisecond))
}

// retry tries the logs whose time has come.
func (p *Pump) retry() {
	now := time.Now()
	for path, s := range p.sinks {
		if s.again.IsZero() || now.Before(s.again) || p.isPaused(path) {
			continue
		}
		s.again = time.Time{}
		for _, pipe := range p.pipes {
			if pipe.sink == s {
				p.move(pipe, fairShare)
			}
		}
	}
}

func (p *Pump) isPaused(path string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.paused[path]
}

// end drops a pipe out of which nothing can come any more.
func (p *Pump) end(pipe *pipe) {
	p.drop(pipe)
	p.mu.Lock()
	less(p.runs, pipe.Run)
	less(p.paths, pipe.Path)
	p.mu.Unlock()
	p.events.Ended(pipe.Source)
}

func (p *Pump) drop(pipe *pipe) {
	p.watch(pipe, false)
	delete(p.pipes, int32(pipe.fd))
	pipe.file.Close()
	if pipe.wide {
		p.wide--
	}
	if pipe.sink.pipes--; pipe.sink.pipes == 0 {
		pipe.sink.close()
		delete(p.sinks, pipe.Path)
	}
}

func less(counts map[string]int, key string) {
	if counts[key]--; counts[key] == 0 {
		delete(counts, key)
	}
}

// closeAll closes everything. The commands that have come too late are done: somebody may wait for them.
func (p *Pump) closeAll() {
	p.mu.Lock()
	commands := slices.Clone(p.commands)
	unix.Close(p.wake)
	p.wake = -1
	p.mu.Unlock()
	for _, f := range commands {
		f()
	}
	for _, pipe := range p.pipes { // there may be nobody to do it later
		p.move(pipe, capacity(pipe.fd))
	}
	for _, pipe := range p.pipes {
		p.drop(pipe)
	}
	unix.Close(p.epoll)
}

// A service that writes faster than a pipe of the usual 64 KiB is emptied spends its time waiting for us, and we ours with
// waking up. So some get a large one. The kernel lets all pipes of a user hold 64 MiB, and once these are used up each new
// one of his, whatever program it is of, only 8 KiB; see pipe(7).
const (
	widePipe  = 1 << 20 // bytes, the most that anybody may have
	widePipes = 16
	busyRatio = 4 // a writer who has filled his pipe so often while it was emptied once is too fast for it
)

// widen makes the pipe a large one, if so much was moved at once that it is too small.
func (p *Pump) widen(pipe *pipe, moved int64) {
	if pipe.wide || p.wide >= widePipes || moved < busyRatio*capacity(pipe.fd) {
		return
	}
	if _, err := unix.FcntlInt(uintptr(pipe.fd), unix.F_SETPIPE_SZ, widePipe); err != nil {
		return
	}
	pipe.wide = true
	p.wide++
}

// capacity is how much the pipe can hold, bytes.
func capacity(fd int) int64 {
	size, err := unix.FcntlInt(uintptr(fd), unix.F_GETPIPE_SZ, 0)
	if err != nil {
		return 64 << 10
	}
	return int64(size)
}
