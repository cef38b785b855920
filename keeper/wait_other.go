//go:build !linux

package keeper

import (
	"errors"
	"syscall"
)

// peek returns a dead child of this process: that child, or any where pid is 0. children tells whether there are
// children at all, dead or alive. There is no looking without reaping here, so a keeper that is killed before it has
// written the record loses it.
func peek(pid int) (d death, children bool) {
	if pid == 0 {
		pid = -1
	}
	var status syscall.WaitStatus
	for {
		dead, err := syscall.Wait4(pid, &status, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return death{}, !errors.Is(err, syscall.ECHILD)
		case dead <= 0:
			return death{}, true
		default:
			return death{dead, status}, true
		}
	}
}

// stopped reports whether the child was stopped by a signal since it was last asked; it cannot be asked here without reaping
// it if it is dead.
func stopped(int) bool { return false }

// collect has nothing left to do.
func collect(int) {}
