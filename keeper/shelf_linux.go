package keeper

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
	"tend/internal/fault"
)

// The shelf is a pair of connected unix sockets, whose two ends the keepers hold and hand down as they do with the inotify
// instance. What was sent into it by SCM_RIGHTS is open as long as it lies in the queue, whoever has died: unix(7). Nobody
// receives it. To peek at the queue gives the descriptors too, and leaves them there for whoever comes next.
//
// So the queue is a log that only grows at its end and shrinks at its head. What is no longer wanted is taken from the head;
// where something in front of it is still wanted, that is sent once more, to the end, before it is taken from the head: at
// no moment is there nobody who holds it, and it may be there twice. The one who does all this is the supervisor that has
// the lock.
//
// Limits: all of a user's descriptors that are under way may be as many as one process may have open (ETOOMANYREFS), and
// the socket has so much room. What finds none is not on the shelf, and the supervisor does without.
type Shelf struct {
	mu        sync.Mutex
	in, out   int     // the ends: to send, to look at
	entries   []entry // what is in the queue, in order
	live      map[string]bool
	discarded int // entries that count no more
	buffer    []byte
	damage    error // the queue holds what is no entry: nothing is put or dropped any more
}

// shelfRoom is how many bytes of the kernel's memory the queue may take; a file takes about one thousand of them. The kernel
// grants less where the administrator says so: net.core.wmem_max.
const shelfRoom = 4 << 20

// newShelf makes the two ends, −1 where none are to be had.
func newShelf() (in, out int) {
	ends, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, -1
	}
	_ = unix.SetsockoptInt(ends[0], unix.SOL_SOCKET, unix.SO_SNDBUF, shelfRoom)
	return ends[0], ends[1]
}

// OpenShelf returns the shelf that the keepers have handed down. Only the supervisor that has the lock may.
func OpenShelf() (*Shelf, error) {
	in, out := inherited(shelfInVariable), inherited(shelfOutVariable)
	os.Unsetenv(shelfInVariable)
	os.Unsetenv(shelfOutVariable)
	if in < 0 || out < 0 {
		return nil, ErrNoShelf
	}
	unix.CloseOnExec(in)
	unix.CloseOnExec(out)
	return &Shelf{in: in, out: out, live: map[string]bool{}}, nil
}

// ends are what is handed down of it.
func (s *Shelf) ends() []handed {
	if s == nil {
		return nil
	}
	return []handed{{shelfInVariable, s.in}, {shelfOutVariable, s.out}}
}

// All returns every file on the shelf by its name; they are the caller's to close. It is called once, before anything else.
func (s *Shelf) All() (map[string]*os.File, error) {
	if s == nil {
		return nil, ErrNoShelf
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	files := map[string]*os.File{}
	for at := 0; ; {
		entries, fd, err := s.peek(at, 2*entryMost)
		if err != nil {
			s.damage = err
			return files, err
		}
		if len(entries) == 0 {
			return files, nil
		}
		for i, e := range entries {
			at += e.size()
			s.remember(e)
			if files[e.name] != nil {
				files[e.name].Close()
				delete(files, e.name)
			}
			if e.kind == entryPut && i == len(entries)-1 && fd >= 0 {
				files[e.name] = os.NewFile(uintptr(fd), e.name)
			}
		}
	}
}

// remember takes note of an entry at the end of the queue.
func (s *Shelf) remember(e entry) {
	s.entries = append(s.entries, e)
	if s.live[e.name] {
		s.discarded++
	}
	if e.kind == entryPut {
		s.live[e.name] = true
	} else {
		delete(s.live, e.name)
		s.discarded++
	}
}

// Put keeps the file under that name; one that is kept under it already is dropped. The caller's stays open.
func (s *Shelf) Put(name string, f *os.File) error {
	if s == nil {
		return ErrNoShelf
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	raw, err := f.SyscallConn() // Fd would change the file's mode
	if err != nil {
		return fmt.Errorf("putting %q on the shelf: %w", name, err)
	}
	if controlErr := raw.Control(func(fd uintptr) { err = s.send(entry{entryPut, name}, int(fd)) }); err == nil {
		err = controlErr
	}
	return err
}

// Drop keeps the file of that name no longer. It may be open for a while yet: see Release.
func (s *Shelf) Drop(name string) error {
	if s == nil {
		return ErrNoShelf
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.live[name] || s.damage != nil {
		return s.damage
	}
	const few = 16
	if s.tight() { // there may be no room to say so, but what is there can be taken from it
		delete(s.live, name)
		s.discarded++
		return s.clear()
	}
	if err := s.append(entry{entryDrop, name}, -1); err != nil {
		return fmt.Errorf("taking %q from the shelf: %w", name, err)
	}
	if s.discarded > len(s.live)+few {
		return s.clear()
	}
	return nil
}

// Release keeps the file of that name no longer, and closes it at once, for which it goes through all that is there: what
// listens must not do so when nobody is there to answer.
func (s *Shelf) Release(name string) error {
	if s == nil {
		return ErrNoShelf
	}
	if err := s.Drop(name); err != nil {
		return err
	}
	return s.Settle()
}

// Settle closes what is not kept any more. It is called after All, since the last supervisor may have died in the middle of
// a Release: then what listens would go on to, and be in the way of whoever is to listen there.
func (s *Shelf) Settle() error {
	if s == nil {
		return ErrNoShelf
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.damage != nil || s.discarded == 0 {
		return s.damage
	}
	return s.clear()
}

// send appends an entry, after making room for it if need be. The last of the room is left for clear.
func (s *Shelf) send(e entry, fd int) error {
	if s.damage != nil {
		return s.damage
	}
	var err error
	switch {
	case e.size() > entryMost:
		err = errors.New("its name is too long")
	case s.tight() && s.discarded > 0:
		err = s.clear()
	}
	if err == nil && s.tight() {
		err = unix.EAGAIN
	}
	if err == nil {
		err = s.append(e, fd)
	}
	if err != nil {
		return fmt.Errorf("putting %.100q on the shelf: %w", e.name, err)
	}
	return nil
}

// tight reports whether three quarters of the room are taken.
func (s *Shelf) tight() bool {
	taken, err := unix.IoctlGetInt(s.in, unix.SIOCOUTQ)
	if err != nil {
		return false
	}
	room, err := unix.GetsockoptInt(s.in, unix.SOL_SOCKET, unix.SO_SNDBUF)
	return err == nil && taken > room/4*3
}

// append sends the entry. It goes as a whole, or not at all: the kernel divides only what is longer.
func (s *Shelf) append(e entry, fd int) error {
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	for {
		switch err := unix.Sendmsg(s.in, e.bytes(), rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL); err {
		case nil:
			s.remember(e)
			return nil
		case unix.EINTR:
		default:
			return err
		}
	}
}

// clear takes all that counts no more from the queue, going through all of it once.
func (s *Shelf) clear() error {
	last := map[string]int{} // of each name, where the entry is that counts
	for i, e := range s.entries {
		last[e.name] = i
	}
	for i, all := 0, s.entries; i < len(all); i++ {
		if e := all[i]; e.kind == entryPut && last[e.name] == i && s.live[e.name] {
			if err := s.again(e); err != nil {
				return fmt.Errorf("clearing the shelf: %w", err)
			}
		}
		fault.At(fault.SupervisorShelving)
		if err := s.takeHead(all[i]); err != nil {
			return fmt.Errorf("clearing the shelf: %w", err)
		}
	}
	return nil
}

// again sends what is at the head to the end once more.
func (s *Shelf) again(e entry) error {
	_, fd, err := s.peek(0, e.size())
	if err != nil {
		return err
	}
	if fd < 0 {
		return fmt.Errorf("there is no file with %q", e.name)
	}
	defer unix.Close(fd)
	return s.append(e, fd)
}

// takeHead receives the first entry; without room for descriptors the kernel closes them.
func (s *Shelf) takeHead(e entry) error {
	if err := s.receive(e.size()); err != nil {
		return err
	}
	s.entries = s.entries[1:]
	s.discarded--
	return nil
}

// receive takes so many bytes from the queue.
func (s *Shelf) receive(size int) error {
	// The kernel takes from the place to peek at what it takes from the queue, and so knows none from here on.
	_ = unix.SetsockoptInt(s.out, unix.SOL_SOCKET, unix.SO_PEEK_OFF, -1)
	for buffer := make([]byte, size); len(buffer) > 0; {
		n, _, _, _, err := unix.Recvmsg(s.out, buffer, nil, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case n == 0:
			return errors.New("the other end is closed")
		default:
			buffer = buffer[n:]
		}
	}
	return nil
}

// peek looks at the entries from there on, as many as come at once, and no more bytes than the limit. No more than one
// file comes with them, −1 is none, and that belongs to the last.
func (s *Shelf) peek(at, limit int) (entries []entry, fd int, err error) {
	if err := unix.SetsockoptInt(s.out, unix.SOL_SOCKET, unix.SO_PEEK_OFF, at); err != nil {
		return nil, -1, fmt.Errorf("looking at the shelf: %w", err)
	}
	const several = 4 // room for more than are ever sent together
	s.buffer = slices.Grow(s.buffer[:0], limit)
	text, control := s.buffer[:limit], make([]byte, unix.CmsgSpace(4*several))
	n, controls, err := 0, 0, error(unix.EINTR)
	for err == unix.EINTR {
		n, controls, _, _, err = unix.Recvmsg(s.out, text, control, unix.MSG_PEEK|unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	}
	if err == unix.EAGAIN {
		return nil, -1, nil
	}
	if err != nil {
		return nil, -1, fmt.Errorf("looking at the shelf: %w", err)
	}
	fd = oneOf(control[:controls])
	for rest := text[:n]; ; {
		e, whole, err := readEntry(rest)
		if err != nil || !whole {
			if fd >= 0 && len(rest) > 0 { // it belongs to what is not whole
				unix.Close(fd)
				fd = -1
			}
			if len(entries) > 0 {
				err = nil // the next look begins with it
			} else if err == nil && n > 0 {
				err = fmt.Errorf("reading the shelf: half an entry, %d bytes", n)
			}
			return entries, fd, err
		}
		entries, rest = append(entries, e), rest[e.size():]
	}
}

// oneOf returns the first of the descriptors that have come, and closes the others.
func oneOf(control []byte) int {
	found := -1
	messages, _ := unix.ParseSocketControlMessage(control)
	for i := range messages {
		fds, _ := unix.ParseUnixRights(&messages[i])
		for _, fd := range fds {
			if found >= 0 {
				unix.Close(fd)
				continue
			}
			found = fd
		}
	}
	return found
}
