package logs

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// yieldProcessor makes what the calling goroutine does wait for whatever else there is to do. The thread that it has from
// now on ends with it: a lower priority can never be taken back.
func yieldProcessor() {
	runtime.LockOSThread()
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 19)
}
