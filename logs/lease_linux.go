package logs

import (
	"errors"
	"os"

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
