package keeper

import (
	"syscall"

	"golang.org/x/sys/unix"
)

func cloneParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Cloneflags: unix.CLONE_PARENT}
}
