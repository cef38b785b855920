package process

import (
	"errors"
	"os"
	"syscall"

	"tend"
)

// Gone is the end of a process. Exit is nil when the watcher cannot know how it ended; the exit journal does.
type Gone struct {
	tend.Identity
	Exit *tend.Exit
}

// ErrUnwatchable is returned where the end of a process cannot be waited for; it is then seen in the exit journal only.
var ErrUnwatchable = errors.New("the end of the process cannot be watched for")

// reapOwn reaps the process if it is our own child and has ended, or does nothing.
func reapOwn(pid int) *tend.Exit { return wait(pid, syscall.WNOHANG) }

// wait waits for our own child; nil if it is somebody else's, or, with WNOHANG, if it lives.
func wait(pid, options int) *tend.Exit {
	for {
		var status syscall.WaitStatus
		switch reaped, err := syscall.Wait4(pid, &status, options, nil); {
		case err == syscall.EINTR:
		case err != nil || reaped != pid:
			return nil
		default:
			exit := ExitOf(uint32(status))
			return &exit
		}
	}
}

// isOwnChild reports whether it is for us to reap the process.
func isOwnChild(id tend.Identity) bool {
	stat, err := ReadStat(id.PID)
	return err == nil && stat.Start == id.Start && stat.PPID == os.Getpid()
}
