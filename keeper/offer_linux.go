package keeper

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The shelf of keepers that are gone is held by the supervisor alone that they had. It hands it on to the keepers that it
// starts; but a command may start others first, which have a shelf of their own. So, before it lets go of its lock, the old
// supervisor offers the ends of its shelf at a socket, and the one that takes the lock next copies what is there. The old one
// ends when the new one answers, which then removes the socket: until that time, another may have to do it all again.

// offerPatience is how long the new supervisor waits for the old one, which may be stopped.
const offerPatience = time.Second

// Offer gives whoever asks for it what is on the shelf, as long as this process lives. Whoever has the lock next may, so it must
// not be free before.
func (s *Shelf) Offer(dir string) error {
	if s == nil {
		return nil
	}
	WithdrawOffers(dir)
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: offerSocket(dir), Net: "unix"})
	if err != nil {
		return fmt.Errorf("offering what is on the shelf: %w", err)
	}
	go func() {
		for {
			conn, err := socket.AcceptUnix()
			if err != nil { // too many descriptors are open
				time.Sleep(offerPause)
				continue
			}
			_, _, _ = conn.WriteMsgUnix([]byte{entryPut}, unix.UnixRights(s.in, s.out), nil) // or it has died
			conn.Close()
		}
	}()
	return nil
}

// offerPause is the pause before somebody is let in whom there was no room for.
const offerPause = 10 * time.Millisecond

// WithdrawOffers has nobody ask any more: a supervisor answers, and what is on the shelf is its own affair.
func WithdrawOffers(dir string) { _ = os.Remove(offerSocket(dir)) }

// Inherit adds to the files, and to this shelf, what is on another that a supervisor offers whose keepers are gone. Nothing is
// taken from that one. Only the supervisor that has the lock may, after All.
func (s *Shelf) Inherit(dir string, files map[string]*os.File) error {
	old, err := offered(dir)
	if old == nil {
		return err
	}
	defer unix.Close(old.in)
	defer unix.Close(old.out)
	if s != nil && sameSocket(s.in, old.in) { // the chain was started by that supervisor
		return nil
	}
	theirs, err := old.All()
	for name, file := range theirs {
		if files[name] != nil { // one of us has died since it took it over
			file.Close()
			continue
		}
		files[name] = file
		if failed := s.Put(name, file); err == nil {
			err = failed
		}
	}
	return err
}

// offered asks for the shelf that is offered; it is nil where none is.
func offered(dir string) (*Shelf, error) {
	conn, err := net.DialTimeout("unix", offerSocket(dir), offerPatience)
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the last supervisor's shelf: %w", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(offerPatience))
	var ends []int
	text, control := make([]byte, 1), make([]byte, unix.CmsgSpace(4*2))
	_, n, _, _, err := conn.(*net.UnixConn).ReadMsgUnix(text, control)
	messages, _ := unix.ParseSocketControlMessage(control[:n])
	for i := range messages {
		fds, _ := unix.ParseUnixRights(&messages[i])
		ends = append(ends, fds...)
	}
	if len(ends) == 2 {
		return &Shelf{in: ends[0], out: ends[1], live: map[string]bool{}}, nil
	}
	for _, fd := range ends {
		unix.Close(fd)
	}
	if err == nil {
		err = fmt.Errorf("%d descriptors came", len(ends))
	}
	return nil, fmt.Errorf("asking for the last supervisor's shelf: %w", err)
}

func sameSocket(a, b int) bool {
	var one, other unix.Stat_t
	return unix.Fstat(a, &one) == nil && unix.Fstat(b, &other) == nil && one.Dev == other.Dev && one.Ino == other.Ino
}
