package process

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// prepareThread gives the calling thread an umask and a working directory of its own, if the kernel lets it, and
// unblocks every signal: a child inherits the mask of the thread that forks it.
func prepareThread() (ownDirectory bool, err error) {
	var none unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &none, nil); err != nil {
		return false, err
	}
	return !SwitchedOff("unshare_fs") && unix.Unshare(unix.CLONE_FS) == nil, nil
}

// childAttributes: a new session, our parent as parent, a pidfd.
func childAttributes(pidfd *int) *syscall.SysProcAttr {
	sys := &syscall.SysProcAttr{Setsid: true}
	if Probe().Has("clone_parent") {
		sys.Cloneflags = syscall.CLONE_PARENT
	}
	if Probe().Has("pidfd") {
		sys.PidFD = pidfd
	}
	return sys
}

// startOf returns the start time of a new child, 0 if it has been reaped meanwhile. With a pidfd it is certain that
// the time is not that of another process that was given the pid since: the pidfd would answer ESRCH.
func startOf(pid, pidfd int) uint64 {
	stat, err := ReadStat(pid)
	if err != nil {
		return 0
	}
	if pidfd >= 0 && errors.Is(unix.PidfdSendSignal(pidfd, 0, nil, 0), unix.ESRCH) {
		return 0
	}
	return stat.Start
}
