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
	// Not asked of Probe: the exec stage must be quick, and would try everything for this.
	if !SwitchedOff("close_range") && unix.CloseRange(3, last, unix.CLOSE_RANGE_CLOEXEC) == nil {
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

// MakeRoom has the kernel make room for so many descriptors, as far as the limit allows it. It does that by itself, each
// time that twice as many are open as ever before, and a process with several threads waits some milliseconds for it
// (expand_fdtable waits for all processors to have seen it). In a goroutine, at the start, nobody waits.
func MakeRoom(descriptors int) {
	last := min(descriptors, Descriptors()) - 1
	if fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, last); err == nil {
		unix.Close(fd)
	}
}
