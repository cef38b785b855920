package listen

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"tend"
	"tend/process"
)

// Search returns, of the sockets that the process has open, those that fit, each at its place; nil stands for one that it
// does not have. The error says why it cannot be known: pidfd_getfd(2) is there from Linux 5.6, and wants to be allowed to
// trace the process, which Yama may refuse.
func Search(id tend.Identity, wanted []tend.Listen) (found []*Socket, err error) {
	found = make([]*Socket, len(wanted))
	if !process.Probe().Has("pidfd") {
		return found, errors.New("there are no pidfds")
	}
	pidfd, err := unix.PidfdOpen(id.PID, 0)
	if err != nil {
		return found, os.NewSyscallError("pidfd_open", err)
	}
	defer unix.Close(pidfd)
	if !process.Alive(id) { // the pid is somebody else's
		return found, nil
	}
	files, err := process.OpenFiles(id.PID)
	if err != nil {
		return found, err
	}
	for path, target := range files {
		if !strings.HasPrefix(target, "socket:") {
			continue
		}
		n, err := strconv.Atoi(filepath.Base(path))
		if err != nil {
			continue
		}
		fd, err := unix.PidfdGetfd(pidfd, n, 0)
		switch {
		case err == unix.EBADF: // it has closed it meanwhile
			continue
		case err != nil:
			return found, fmt.Errorf("pidfd_getfd: %w", err)
		}
		unix.CloseOnExec(fd)
		s := &Socket{fd}
		if !s.goesTo(wanted, found) {
			s.Close()
		}
	}
	return found, nil
}

// goesTo puts the socket into its place, if that is free.
func (s *Socket) goesTo(wanted []tend.Listen, found []*Socket) bool {
	for i, l := range wanted {
		if found[i] == nil && s.Fits(l) {
			found[i] = s
			return true
		}
	}
	return false
}
