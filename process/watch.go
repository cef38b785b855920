package process

import (
	"errors"
	"os"
	"sync"
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

// outlet is how a Watcher tells of ends: from its own goroutine and from those that wait for a child of ours.
type outlet struct {
	exits chan Gone
	done  chan struct{} // closed by Close: nobody listens any more

	ending  sync.Mutex     // guards over, and with it the adding to telling
	over    bool           // nothing is told any more
	telling sync.WaitGroup // those who are about to tell; added to only while it is not over
}

// Exits gives the ends of the processes, each once. It is closed by Close.
func (o *outlet) Exits() <-chan Gone { return o.exits }

// tell tells of an end, unless it is over.
func (o *outlet) tell(gone Gone) {
	o.ending.Lock()
	if o.over {
		o.ending.Unlock()
		return
	}
	o.telling.Add(1)
	o.ending.Unlock()
	defer o.telling.Done()
	select {
	case o.exits <- gone:
	case <-o.done:
	}
}

// finish closes Exits when nobody can tell of anything any more: who waits for a child of our own may do so for long.
func (o *outlet) finish() {
	o.ending.Lock()
	o.over = true
	o.ending.Unlock()
	o.telling.Wait()
	close(o.exits)
}

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
