package keeper

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
	"tend/internal/fault"
)

// The lifeline is a pipe by which the inner keeper learns of the outer one's death, on any kernel and without looking now
// and then: the outer keeper alone has the end to write, and never writes. The kernel closes it, with everything that the
// process had open, a moment before the children of the process are given to another.

// newLifeline makes the lifeline of the next child and returns the end that the child is to have.
func (k *keep) newLifeline() (outer int, err error) {
	var ends [2]int
	if err := unix.Pipe(ends[:]); err != nil {
		return -1, os.NewSyscallError("pipe", err)
	}
	for _, end := range ends { // at leisure: nobody else here starts anything
		unix.CloseOnExec(end)
		unix.SetNonblock(end, true)
	}
	closeOnce(&k.lifeline) // that of the child before
	k.lifeline = ends[1]
	return ends[0], nil
}

// endOf returns a channel that is closed when nobody has the other end of the pipe any more. The descriptor stays open as
// long as somebody refers to the file: it is handed on when this process executes another program.
func endOf(pipe int) (ended chan struct{}, file *os.File) {
	if pipe < 0 {
		return nil, nil
	}
	ended = make(chan struct{})
	file = os.NewFile(uintptr(pipe), "lifeline")
	go func() {
		file.Read(make([]byte, 1))
		close(ended)
	}()
	return ended, file
}

// firstAsk is the pause between the end of the lifeline and the next look whether the outer keeper is still our parent.
const firstAsk = time.Millisecond

// promoteIfDue has an inner keeper whose outer one is gone take its place. There are two levels again for whatever is
// started from then on: the supervisor gives way, and an inner keeper is started, which starts the next one. What runs
// already stays where it is, one level deep.
func (k *keep) promoteIfDue() {
	if k.done || !k.config.Inner { // an outer one has taken it already
		k.outerAt = time.Time{}
	}
	if k.outerAt.IsZero() || time.Now().Before(k.outerAt) {
		return
	}
	if k.outer == os.Getppid() { // just going
		k.outerAt = time.Now().Add(min(firstAsk<<k.outerAsks, longestPause))
		k.outerAsks = min(k.outerAsks+1, 20)
		return
	}
	k.outerAt = time.Time{}
	fault.At(fault.InnerPromoting)
	k.say("the outer keeper, process %d, is gone: taking its place", k.outer)
	k.config.Inner, k.outer = false, 0
	k.inherit.outer, k.outerGone, k.outerEnd = -1, nil, nil
	if k.child != 0 {
		k.giveWay()
	}
	fault.At(fault.InnerPromoted)
	if err := k.become(executable(), false); err != nil { // so that ps shows what it is now
		k.say("%v", err)
	}
}

// giveWay has the child replaced by another.
func (k *keep) giveWay() {
	k.replacing, k.reminders = true, firstReminder
	k.remind()
}
