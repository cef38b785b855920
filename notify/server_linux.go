package notify

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Server receives from sockets and pipes. One epoll descriptor, which rests in the runtime's own poller, and one goroutine,
// which both come with the first of them, serve all.
type Server struct {
	events  Events
	buffers sync.Pool // of *buffer

	mu      sync.Mutex // guards what follows
	epoll   *os.File   // nil before the first
	ended   chan struct{}
	closed  bool
	last    int32 // the last token given
	sources map[int32]*source
	tokens  map[string]int32
}

// A source is a socket, a pipe, or what is only watched for its hanging up. Events carry tokens, because descriptors are
// reused. Its epoll entry is removed before it is closed, always: somebody else may hold the same open file, and then the
// entry would stay.
type source struct {
	key   string
	token int32
	file  *os.File
	kind  kind

	// Guarded by mu, which whoever reads holds.
	mu     sync.Mutex
	fd     int       // -1: it was closed
	owed   int       // the serial of the news that somebody was told, and has not said Done of; 0: none
	serial int       // of the last news
	pinged time.Time // when the last WATCHDOG=1 was received
	only   int       // the process that may send; 0: all may

	// Places in all that has ever come through the socket, in bytes.
	taken  int // the head of the queue: what is before it was taken out
	looked int // what is before it was told by Next
}

type kind int

const (
	kindSocket kind = iota
	kindPipe
	kindHeld
)

// NewServer returns a server, which begins with the first that is added.
func NewServer(events Events) *Server {
	return &Server{events: events, sources: map[int32]*source{}, tokens: map[string]int32{}}
}

// AddSocket receives what comes through the socket, which is the server's from now on, also on failure.
func (s *Server) AddSocket(key string, socket *os.File) error { return s.add(key, socket, kindSocket) }

// AddPipe waits for a line in the pipe, the end to read of it, which is the server's from now on, also on failure.
func (s *Server) AddPipe(key string, read *os.File) error { return s.add(key, read, kindPipe) }

// AddHeld waits until the file is hung up. It is the server's from now on, also on failure: what cannot be waited for.
func (s *Server) AddHeld(key string, file *os.File) error { return s.add(key, file, kindHeld) }

func (s *Server) add(key string, file *os.File, kind kind) error {
	fd := -1
	conn, err := file.SyscallConn()
	if err == nil {
		err = conn.Control(func(n uintptr) { fd = int(n) })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		err = s.begin()
	}
	if err == nil && kind == kindSocket {
		peekFrom(fd, fromHead) // whoever had it before us may have died where it looked further
	}
	if _, doubled := s.tokens[key]; err == nil && doubled {
		err = errors.New("it is there already")
	}
	if err == nil {
		s.last++
		err = s.control(unix.EPOLL_CTL_ADD, fd, kind.interest(), s.last)
	}
	if err != nil {
		file.Close()
		return fmt.Errorf("waiting for what comes from %q: %w", key, err)
	}
	s.sources[s.last] = &source{key: key, token: s.last, file: file, kind: kind, fd: fd}
	s.tokens[key] = s.last
	return nil
}

// interest is what epoll waits for: once, until it is asked again. What is only held is hung up or in error.
func (k kind) interest() uint32 {
	if k == kindHeld {
		return unix.EPOLLONESHOT
	}
	return unix.EPOLLIN | unix.EPOLLONESHOT
}

// begin starts the goroutine.
func (s *Server) begin() error {
	if s.closed {
		return os.ErrClosed
	}
	if s.epoll != nil {
		return nil
	}
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	if err := unix.SetNonblock(fd, true); err != nil { // or package os would not give it to the poller
		unix.Close(fd)
		return err
	}
	epoll := os.NewFile(uintptr(fd), "epoll")
	conn, err := epoll.SyscallConn()
	if err != nil {
		epoll.Close()
		return err
	}
	s.epoll, s.ended = epoll, make(chan struct{})
	go s.run(conn, s.ended)
	return nil
}

// control changes what the epoll descriptor waits for.
func (s *Server) control(operation, fd int, interest uint32, token int32) error {
	conn, err := s.epoll.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	err = conn.Control(func(epoll uintptr) {
		result = unix.EpollCtl(int(epoll), operation, fd, &unix.EpollEvent{Events: interest, Fd: token})
	})
	return errors.Join(err, result)
}

// run is the server's goroutine.
func (s *Server) run(conn syscall.RawConn, ended chan struct{}) {
	defer close(ended)
	var events [64]unix.EpollEvent
	for {
		n, failed := 0, error(nil)
		err := conn.Read(func(epoll uintptr) bool {
			n, failed = unix.EpollWait(int(epoll), events[:], 0)
			for failed == unix.EINTR {
				n, failed = unix.EpollWait(int(epoll), events[:], 0)
			}
			return n > 0 || failed != nil
		})
		if err != nil || failed != nil { // only Close leads here
			return
		}
		for _, event := range events[:n] {
			s.mu.Lock()
			src := s.sources[event.Fd]
			s.mu.Unlock()
			if src != nil {
				s.attend(src, event.Events)
			}
		}
	}
}

// attend takes in what has come from there.
func (s *Server) attend(src *source, what uint32) {
	hungUp := what&(unix.EPOLLHUP|unix.EPOLLERR) != 0
	if src.kind == kindHeld {
		if hungUp {
			s.events.HungUp(src.key)
		}
		return
	}
	src.mu.Lock()
	if src.fd < 0 || src.owed > 0 {
		src.mu.Unlock()
		return
	}
	news, found := s.look(src)
	if found {
		src.owed = news.serial
	} else if src.kind == kindSocket || !hungUp { // nobody can write into that pipe any more
		_ = s.rearm(src)
	}
	src.mu.Unlock()
	if found {
		s.events.News(news)
	}
}

// look finds the next message that somebody must hear of. It stays where it is. The source's mu is held.
func (s *Server) look(src *source) (News, bool) {
	if src.kind == kindPipe {
		return src.tell(News{Message: Message{Ready: true}}), lineComes(src.fd)
	}
	for {
		news, size, err := s.peek(src.fd, fromHead)
		if err != nil {
			return News{}, false
		}
		if src.says(news, size) {
			news.end = src.taken + size
			return src.tell(news), true
		}
		news.Close()
		src.takeHead()
	}
}

// says reports whether somebody must hear of a message that was peeked at.
func (src *source) says(news News, size int) bool {
	if src.only != 0 && src.only != news.PID || size == 0 {
		return false
	}
	if news.Ping {
		src.pinged = time.Now()
	}
	// A barrier is passed when it has come to the head of the queue, and of a ping nothing is left to be said.
	return news.Err != nil || !news.Barrier && !news.IsPing() && news.Message != (Message{})
}

// tell makes the next of the news.
func (src *source) tell(news News) News {
	src.serial++
	news.Key, news.source, news.serial = src.key, src.token, src.serial
	return news
}

// takeHead takes the message at the head of the queue out, and reports whether there was one.
func (src *source) takeHead() bool {
	size, err := discard(src.fd)
	src.taken += size
	return err == nil
}

// rearm has epoll wait for the source again. Its mu is held.
func (s *Server) rearm(src *source) error {
	return s.control(unix.EPOLL_CTL_MOD, src.fd, src.kind.interest(), src.token)
}

// with calls f with the source, unless there is none or it was closed. Its mu is held.
func (s *Server) with(key string, f func(*source)) {
	s.mu.Lock()
	src := s.sources[s.tokens[key]]
	s.mu.Unlock()
	if src == nil {
		return
	}
	src.mu.Lock()
	defer src.mu.Unlock()
	if src.fd >= 0 {
		f(src)
	}
}

// Has reports whether there is such a source.
func (s *Server) Has(key string) (found bool) {
	s.with(key, func(*source) { found = true })
	return found
}

// Keys are those of all sources.
func (s *Server) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.tokens))
}

// Fresh reports whether the news was neither done with nor told again by Next since it was told.
func (s *Server) Fresh(n News) (fresh bool) {
	s.with(n.Key, func(src *source) { fresh = src.token == n.source && src.owed == n.serial })
	return fresh
}

// Done says that what follows from the news, and from all before it, is written down. Messages are taken out then, and the next
// may come; a pipe has said all that it can, and stays silent.
func (s *Server) Done(n News) {
	s.with(n.Key, func(src *source) {
		if src.kind != kindSocket || src.token != n.source {
			return
		}
		for src.taken < n.end && src.takeHead() {
		}
		if src.owed == n.serial {
			src.owed = 0
			_ = s.rearm(src)
		}
	})
}

// Next tells what is in the socket or pipe and was not told by it before, one after the other, also what was told otherwise
// and not done with: for the end of a process, which is heard of by another way, and perhaps sooner than what it said before.
// All of it stays where it is until Done is said of it, or of what came after it.
func (s *Server) Next(key string) (news News, found bool) {
	s.with(key, func(src *source) {
		if src.kind == kindPipe {
			news, found = s.onlyLine(src)
		} else {
			news, found = s.lookFurther(src)
		}
		if found {
			src.owed = news.serial
		}
	})
	return news, found
}

// lookFurther finds the next message behind those that it has found before. The source's mu is held.
func (s *Server) lookFurther(src *source) (News, bool) {
	for at := max(0, src.looked-src.taken); ; {
		news, size, err := s.peek(src.fd, at)
		if err != nil {
			return News{}, false
		}
		at += size
		if src.says(news, size) {
			src.looked = src.taken + at
			news.end = src.looked
			return src.tell(news), true
		}
		news.Close()
		if at == 0 { // to go by one without a byte takes no step
			src.takeHead()
		}
	}
}

// onlyLine finds the line in a pipe, once. The source's mu is held.
func (s *Server) onlyLine(src *source) (News, bool) {
	if src.looked > 0 {
		return News{}, false
	}
	news, found := s.look(src)
	if found {
		src.looked = 1
	}
	return news, found
}

// Pinged reports when the last WATCHDOG=1 was received, zero for never, and whether there is something that was not taken out
// yet: behind it may be another.
func (s *Server) Pinged(key string) (last time.Time, unread bool) {
	s.with(key, func(src *source) { last, unread = src.pinged, src.owed > 0 || readable(src.fd) })
	return last, unread
}

// Restrict has all messages ignored but those of the process; 0: none are.
func (s *Server) Restrict(key string, pid int) { s.with(key, func(src *source) { src.only = pid }) }

// Remove closes the source and forgets it. Whoever sends to a socket that is removed, or waits to, is refused from then on,
// although others have it open.
func (s *Server) Remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	src := s.sources[s.tokens[key]]
	if src == nil {
		return
	}
	if src.kind == kindSocket {
		_ = unix.Shutdown(src.fd, unix.SHUT_RDWR)
	}
	s.drop(src)
}

// File returns another descriptor of the source, which is the caller's.
func (s *Server) File(key string) (file *os.File, err error) {
	err = os.ErrNotExist
	s.with(key, func(src *source) {
		var fd int
		if fd, err = unix.FcntlInt(uintptr(src.fd), unix.F_DUPFD_CLOEXEC, 0); err == nil {
			file = os.NewFile(uintptr(fd), src.file.Name())
		}
	})
	return file, err
}

// drop closes the source. The server's mu is held.
func (s *Server) drop(src *source) {
	delete(s.sources, src.token)
	delete(s.tokens, src.key)
	src.mu.Lock()
	defer src.mu.Unlock()
	_ = s.control(unix.EPOLL_CTL_DEL, src.fd, 0, 0)
	src.fd = -1
	src.file.Close()
}

// Close ends the receiving and closes everything.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	epoll, ended := s.epoll, s.ended
	for _, src := range s.sources {
		s.drop(src)
	}
	s.mu.Unlock()
	if epoll != nil {
		epoll.Close()
		<-ended
	}
}
