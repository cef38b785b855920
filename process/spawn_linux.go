package process

import (
	"errors"
	"syscall"
	"time"

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

// childAttributes: a new session, our parent as parent unless it is to be our own, a pidfd.
func childAttributes(pidfd *int, own bool) *syscall.SysProcAttr {
	sys := &syscall.SysProcAttr{Setsid: true}
	if !own && Probe().Has("clone_parent") {
		sys.Cloneflags = syscall.CLONE_PARENT
	}
	if Probe().Has("pidfd") {
		sys.PidFD = pidfd
	}
	return sys
}

// ticks is how many of them /proc counts in a second: USER_HZ, which is 100 on every architecture that tend is built for.
const ticks = 100

// startsNow returns the start time that a process made now would have: ticks since the boot, suspended ones included.
func startsNow() uint64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return 0
	}
	return uint64(now.Nano()) / (uint64(time.Second) / ticks)
}

// startOf returns the start time of a new child, 0 if it has been reaped meanwhile. With a pidfd it is certain that
// the time is not that of another process that was given the pid since: the pidfd would answer ESRCH. Where there is no
// descriptor left to read it with, the pidfd is given up first, and then others are waited for: who is taken for gone would be
// started again beside itself. One too many is given up in any case, here and not when it is to be watched: under load
// many children wait to be taken in, each with a descriptor that somebody else needs.
func startOf(pid int, pidfd *int) uint64 {
	const pause, longest = time.Millisecond, 10 * time.Second
	stat, err := ReadStat(pid)
	for waited := time.Duration(0); Temporary(err) && waited < longest; stat, err = ReadStat(pid) {
		if *pidfd >= 0 {
			unix.Close(*pidfd)
			*pidfd = -1
			continue
		}
		time.Sleep(pause)
		waited += pause
	}
	if err != nil {
		return 0
	}
	if *pidfd >= 0 && errors.Is(unix.PidfdSendSignal(*pidfd, 0, nil, 0), unix.ESRCH) {
		return 0
	}
	if *pidfd >= mostDescriptors() {
		unix.Close(*pidfd)
		*pidfd = -1
	}
	return stat.Start
}
