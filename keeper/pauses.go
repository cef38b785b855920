package keeper

import (
	"syscall"
	"time"
)

// ExitReplace is the exit status of a child that ended in order to be replaced. It is started again at once, like one
// that was killed.
const ExitReplace = 76

const (
	shortLife     = 5 * time.Second // an end after a longer life counts as the first in a row
	firstPause    = 100 * time.Millisecond
	longestPause  = 10 * time.Second
	stillborn     = 25 * time.Millisecond  // who lives no longer has hardly begun
	manyStillborn = 20                     // in a row: there is no memory for it, perhaps
	breath        = 50 * time.Millisecond  // between these, so that they do not take all there is of a processor
	firstReminder = 200 * time.Millisecond // between SIGTERM or SIGUSR1 and the next, while the child lives on
)

// pauses decides how long to wait before the child is started again: not at all where somebody killed it or wants it
// replaced, for that is what keepers are for. Where it crashed, not at all the first time, and then ever longer while it lives
// only shortly. Where it is killed again and again before it has begun, there is a short pause as well: so does the kernel
// that has no memory for it.
type pauses struct {
	crashes   int // in a row
	stillborn int // killed or replaced, in a row
}

// afterEnd is the pause after the child ended that way, having lived that long.
func (p *pauses) afterEnd(status syscall.WaitStatus, lived time.Duration) time.Duration {
	killed := status.Signaled() && (status.Signal() == syscall.SIGKILL || status.Signal() == syscall.SIGTERM)
	if killed || status.Exited() && status.ExitStatus() == ExitReplace {
		if p.stillborn++; lived > stillborn {
			p.stillborn = 0
		}
		if p.stillborn > manyStillborn {
			return breath
		}
		return 0
	}
	p.stillborn = 0
	if lived >= shortLife {
		p.crashes = 0
	}
	p.crashes++
	return doubled(p.crashes - 1)
}

// afterFailure is the pause after the child could not be started at all, for want of memory or processes.
func (p *pauses) afterFailure() time.Duration {
	p.crashes++
	return doubled(p.crashes)
}

// doubled is the n-th pause: nothing, firstPause, and from there on twice the one before.
func doubled(n int) time.Duration {
	if n <= 0 {
		return 0
	}
	pause := firstPause
	for ; n > 1 && pause < longestPause; n-- {
		pause *= 2
	}
	return min(pause, longestPause)
}
