package cli

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// whenClosed calls closed when nobody reads any more what is written to the pipe or socket, if that is what it is: whoever
// writes nothing learns of that in no other way. The kernel tells it; see poll(2). The thread that waits for that ends with
// the program.
func whenClosed(to io.Writer, closed func()) {
	file, ok := to.(*os.File)
	if !ok {
		return
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return
	}
	go func() {
		for {
			polled := []unix.PollFd{{Fd: int32(file.Fd())}} // no events: only that it is broken
			if _, err := unix.Poll(polled, -1); !errors.Is(err, unix.EINTR) {
				closed()
				return
			}
		}
	}()
}
