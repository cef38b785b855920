package process

import (
	"os"

	"golang.org/x/sys/unix"
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
