// Package listen opens the sockets of services. They are theirs: nobody here accepts or reads anything.
//
// A socket is not an *os.File, because that would be watched by the runtime where a service has made it non-blocking, and
// whoever connects would wake us.
package listen

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"tend"
)

// ErrTaken: somebody else listens there.
var ErrTaken = errors.New("the address is taken")

// Socket is an open socket. Whether it blocks is common to all who have it open.
type Socket struct{ fd int }

// Open opens the socket and lets it listen, with the longest queue that the host allows. It blocks, and is closed by
// execve(2). A file that is in the place of a unix socket is removed if it is one at which nobody listens any more; the
// new one has the permissions that the umask leaves.
func Open(l tend.Listen, umask tend.Umask) (*Socket, error) {
	s, err := open(l, umask)
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, unix.EADDRINUSE):
		err = ErrTaken
	case errors.Is(err, unix.EACCES) && l.Path == "":
		err = errors.New("ports below 1024 are for root, unless net.ipv4.ip_unprivileged_port_start says otherwise")
	case errors.Is(err, unix.EADDRNOTAVAIL):
		err = fmt.Errorf("this host does not have the address %s", l.Host)
	}
	return nil, fmt.Errorf("listening on %s: %w", l.Address(), err)
}

// of is a socket for the file, which stays the caller's.
func of(f syscall.Conn) (*Socket, error) {
	raw, err := f.SyscallConn() // Fd would change the mode of the socket
	if err != nil {
		return nil, err
	}
	fd := -1
	if controlErr := raw.Control(func(old uintptr) { fd, err = unix.FcntlInt(old, unix.F_DUPFD_CLOEXEC, 3) }); controlErr != nil {
		return nil, controlErr
	}
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return &Socket{fd}, nil
}

// Take makes a socket of the file, and closes that.
func Take(f *os.File) (*Socket, error) {
	defer f.Close()
	return of(f)
}

// File returns the socket as a file, for another process. It is the caller's to close, and soon: see above.
func (s *Socket) File(name string) (*os.File, error) {
	fd, err := unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// Block makes the socket block, for all who have it: a process that it was handed to before may have changed that.
func (s *Socket) Block() error { return os.NewSyscallError("fcntl", unix.SetNonblock(s.fd, false)) }

// Close closes it. What has connected and was not accepted is refused where nobody else has the socket open.
func (s *Socket) Close() { unix.Close(s.fd) }

// newSocket makes a socket that blocks and is closed by execve(2).
func newSocket(domain, kind int) (*Socket, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := unix.Socket(domain, kind, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	unix.CloseOnExec(fd)
	return &Socket{fd}, nil
}

// bind binds the socket, and lets it listen if it is one for connections.
func (s *Socket) bind(at unix.Sockaddr, stream bool) error {
	if err := unix.Bind(s.fd, at); err != nil {
		return os.NewSyscallError("bind", err)
	}
	if !stream {
		return nil
	}
	return os.NewSyscallError("listen", unix.Listen(s.fd, longestQueue))
}

// longestQueue is more than any host allows, so that net.core.somaxconn counts: see listen(2).
const longestQueue = 1<<16 - 1
