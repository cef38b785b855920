//go:build !linux

package process

import (
	"os"
	"runtime"
	"syscall"
	"time"
)

// prepareThread: threads have no umask of their own here.
func prepareThread() (ownDirectory bool, err error) { return false, nil }

// onOwnThread does it on a thread that nothing else runs on.
func onOwnThread(do func()) {
	runtime.LockOSThread()
	do()
}

// childAttributes: a new session; the child is ours.
func childAttributes(*int, bool) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// startsNow returns the start time that a process made now would have: seconds, as ReadStat has it.
func startsNow() uint64 { return uint64(time.Now().Unix()) }

// startOf returns the start time of a new child, 0 if it is gone. Nobody but our Watcher reaps it, so it is not.
func startOf(pid int, _ *int) uint64 {
	stat, err := ReadStat(pid)
	if err != nil {
		return 0
	}
	return stat.Start
}

// prepareBirth has nothing to prepare.
func prepareBirth() {}

// forkInto: there are no cgroups.
func forkInto(*os.File, Spec, []uintptr, *syscall.SysProcAttr) (born, bool, error) {
	return born{}, true, nil
}
