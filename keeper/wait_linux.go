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
	for {
		err := unix.Waitid(kind, pid, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return death{}, !errors.Is(err, unix.ECHILD)
		}
		break
	}
	// Behind the three numbers that Siginfo names lies a union that is aligned like a pointer, and begins with the
	// pid, the user and the status where the signal is SIGCHLD; see sigaction(2).
	const union = (12 + unsafe.Sizeof(uintptr(0)) - 1) &^ (unsafe.Sizeof(uintptr(0)) - 1)
	fields := (*struct{ pid, uid, status int32 })(unsafe.Add(unsafe.Pointer(&info), union))
	if fields.pid == 0 {
		return death{}, true
	}
	return death{int(fields.pid), waitStatus(info.Code, fields.status)}, true
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
