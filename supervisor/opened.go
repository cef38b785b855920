package supervisor

import (
	"runtime"
	"sync"
	"syscall"

	"tend"
	"tend/process"
)

// opened is a process that was alive when it was last heard of, looked at again.
type opened struct {
	process.Stat     // zero where the process is gone
	pidfd        int // −1 where there is none
}

var nobody = opened{pidfd: -1}

func open(id tend.Identity) opened {
	pidfd, stat, err := process.Open(id)
	if err != nil {
		return nobody
	}
	return opened{stat, pidfd}
}

func (o opened) close() {
	if o.pidfd >= 0 {
		syscall.Close(o.pidfd)
	}
}

// openMains opens the main processes of the runs of this place, several at a time: this is most of what a supervisor has
// to do that takes over from another.
func openMains(runs []tend.Run, place tend.Place) []opened {
	mains := make([]opened, len(runs))
	var workers sync.WaitGroup
	n := min(runtime.GOMAXPROCS(0), 4)
	for w := range n {
		workers.Go(func() {
			for i := w; i < len(runs); i += n {
				mains[i] = nobody
				if run := runs[i]; run.Place == place && !run.Identity.IsZero() {
					mains[i] = open(run.Identity)
				}
			}
		})
	}
	workers.Wait()
	return mains
}
