package supervisor_test

import (
	"os"
	"syscall"
	"testing"

	"tend/keeper"
)

// A supervisor that waits for the lock of another hears what it is told.
func TestSupervisorThatWaitsForTheLockIsReplaced(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.add(c.definition("silent"))
	c.launch()
	c.start("silent")
	before := c.status("silent").PID
	first := c.supervisor()

	lock, err := os.OpenFile(keeper.LockFile(c.dir), os.O_RDWR, 0)
	c.check(err)
	locked := make(chan error)
	go func() { locked <- syscall.Flock(int(lock.Fd()), syscall.LOCK_EX) }()
	c.paused(func() { c.check(<-locked) }) // the next one does not come before us

	var waiting int
	c.until("another supervisor waits", func() error {
		waiting = c.supervisor()
		return when(waiting != first)
	})
	c.signal(waiting, syscall.SIGTERM)
	c.until("a third one is in its place", func() error { return when(c.supervisor() != waiting) })
	c.check(lock.Close())
	same(c, "silent's pid", c.status("silent").PID, before)
}
