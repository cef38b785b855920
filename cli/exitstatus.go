package cli

import (
	"fmt"

	"golang.org/x/sys/unix"

	"tend"
)

// exitStatus is that of somebody else's program, which is to be ours as well. Everything was said already.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// exitedLike is the exit status that a shell gives a command that ended so; 1 for an end that says nothing, or
// says that all is well of a run that tend has ended because it was not.
func exitedLike(e *tend.Exit) exitStatus {
	switch {
	case e == nil || e.Unknown || e.Lost != "" || e.Error != "", e.Fault != "" && e.Signal == "" && e.Code == 0:
		return 1
	case e.Signal != "":
		return 128 + exitStatus(unix.SignalNum(signalled(e.Signal)))
	}
	return exitStatus(e.Code)
}
