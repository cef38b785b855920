package process

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// CloseInherited marks every descriptor from 3 up close-on-exec: those that were left open by whoever started us. What
// the runtime and tend itself open is marked so from the beginning.
func CloseInherited() {
	const last = 1<<32 - 1
	if Probe().Has("close_range") && unix.CloseRange(3, last, unix.CLOSE_RANGE_CLOEXEC) == nil {
		return
	}
	markEach("/proc/self/fd")
}

// markEach marks the descriptors that the directory lists.
func markEach(directory string) {
	entries, _ := os.ReadDir(directory)
	for _, entry := range entries {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd >= 3 {
			unix.CloseOnExec(fd)
		}
	}
}
