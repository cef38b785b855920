package logs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// whoWrites asks the kernel for a read lease, which it gives only on a file that nobody has open for writing: see F_SETLEASE
// in fcntl(2). The file must be open for reading only, and be ours. The lease is given back at once: nobody is to wait for it.
func whoWrites(file *os.File) writers {
	_, err := unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	switch {
	case err == nil:
		_, _ = unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
		return writersNone
	case errors.Is(err, unix.EAGAIN):
		return writersSome
	}
	return writersUnknown
}

// isOpenToWrite reports whether some process that we may look into has the file at the path open for writing, by a look at
// all of /proc. It serves where there are no leases: on a file system that has none, or of a file that is somebody else's.
func isOpenToWrite(path string) bool {
	path, err := filepath.EvalSymlinks(path) // as the kernel says it
	if err != nil {
		return false
	}
	opened, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, name := range opened {
		if target, err := os.Readlink(name); err != nil || target != path {
			continue
		}
		text, _ := os.ReadFile(filepath.Join(filepath.Dir(filepath.Dir(name)), "fdinfo", filepath.Base(name)))
		_, rest, _ := bytes.Cut(text, []byte("flags:"))
		var flags int
		if n, _ := fmt.Sscanf(string(rest), "%o", &flags); n == 1 && flags&unix.O_ACCMODE != unix.O_RDONLY {
			return true
		}
	}
	return false
}
