package process

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"tend"
)

// pidfsMagic is the type of the file system that pidfds are on since Linux 6.9. Before, all had one inode.
const pidfsMagic = 0x50494446

// ownPIDFDInode returns the inode of a pidfd of this process: no other is given that number while the host is up.
func ownPIDFDInode() (inode uint64, ok bool) {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	return pidfdInode(fd)
}

func pidfdInode(fd int) (inode uint64, ok bool) {
	var system unix.Statfs_t
	var stat unix.Stat_t
	if unix.Fstatfs(fd, &system) != nil || system.Type != pidfsMagic || unix.Fstat(fd, &stat) != nil {
		return 0, false
	}
	return stat.Ino, true
}

// InodeOf returns the inode of a pidfd of the process: no other process has that number while the host is up. It is not ok
// where pidfds have none of their own.
func InodeOf(id tend.Identity) (inode uint64, ok bool) {
	fd, err := openPIDFD(id)
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	return pidfdInode(fd)
}

// PIDOf returns the pid of the process that a pidfd is of.
func PIDOf(pidfd *os.File) (pid int, err error) {
	raw, err := pidfd.SyscallConn()
	if err != nil {
		return 0, err
	}
	var info []byte
	if failed := raw.Control(func(fd uintptr) { info, err = os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd)) }); err == nil {
		err = failed
	}
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(info)) {
		if value, found := strings.CutPrefix(line, "Pid:"); found {
			if pid, err = strconv.Atoi(strings.TrimSpace(value)); err == nil && pid <= 0 {
				err = ErrGone
			}
			return pid, err
		}
	}
	return 0, errors.New("the descriptor is not that of a process")
}
