package keeper

import (
	"errors"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// peek returns a dead child of this process without reaping it: that child, or any where pid is 0. children tells
// whether there are children at all, dead or alive.
func peek(pid int) (d death, children bool) {
	kind := unix.P_ALL
	if pid != 0 {
		kind = unix.P_PID
	}
	var info unix.Siginfo
	if err := waitid(kind, pid, &info, unix.WEXITED|unix.WNOWAIT); err != nil {
		return death{}, !errors.Is(err, unix.ECHILD)
	}
	fields := childOf(&info)
	if fields.pid == 0 {
		return death{}, true
	}
	return death{int(fields.pid), waitStatus(info.Code, fields.status)}, true
}

// stopped reports whether the child was stopped by a signal since it was last asked. The dead are not looked at.
func stopped(pid int) bool {
	var info unix.Siginfo
	return waitid(unix.P_PID, pid, &info, unix.WSTOPPED) == nil && childOf(&info).pid == int32(pid)
}

// waitid is waitid(2), without waiting.
func waitid(kind, pid int, info *unix.Siginfo, options int) error {
	for {
		if err := unix.Waitid(kind, pid, info, options|unix.WNOHANG, nil); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// childInfo is what a siginfo says of a child.
type childInfo struct{ pid, uid, status int32 }

func childOf(info *unix.Siginfo) *childInfo {
	// Behind the three numbers that Siginfo names lies a union that is aligned like a pointer, and begins with the
	// pid, the user and the status where the signal is SIGCHLD; see sigaction(2).
	const union = (12 + unsafe.Sizeof(uintptr(0)) - 1) &^ (unsafe.Sizeof(uintptr(0)) - 1)
	return (*childInfo)(unsafe.Add(unsafe.Pointer(info), union))
}

// waitStatus puts together what wait(2) would have returned.
func waitStatus(code, status int32) syscall.WaitStatus {
	const exited, dumped, coreFlag = 1, 3, 0x80 // CLD_EXITED, CLD_DUMPED
	switch code {
	case exited:
		return syscall.WaitStatus(status&0xff) << 8
	case dumped:
		return syscall.WaitStatus(status) | coreFlag
	}
	return syscall.WaitStatus(status)
}

// collect reaps a dead child.
func collect(pid int) {
	for {
		if _, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}
