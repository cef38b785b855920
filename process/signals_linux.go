package process

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A process inherits which signals are ignored and which are blocked: from nohup, from a shell, from cron, from a
// program with a bug. The runtime gives back what it changed itself and passes everything else on.

// sigaction is the kernel's struct, see rt_sigaction(2); sigsetSize is the size of its mask.
type sigaction struct {
	handler, flags, restorer, mask uintptr
}

const (
	ignored    = 1  // SIG_IGN
	sigsetSize = 8  // bytes
	lastSignal = 64 // SIGRTMAX
)

// disposition returns what a signal does.
func disposition(signal int) (sigaction, error) {
	var old sigaction
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(signal), 0, uintptr(unsafe.Pointer(&old)), sigsetSize, 0, 0)
	if errno != 0 {
		return old, errno
	}
	return old, nil
}

// ignoredSignals returns the signals that this process ignores.
func ignoredSignals() ([]int, error) {
	var found []int
	for signal := 1; signal <= lastSignal; signal++ {
		action, err := disposition(signal)
		if err != nil {
			return nil, fmt.Errorf("reading what signal %d does: %w", signal, err)
		}
		if action.handler == ignored {
			found = append(found, signal)
		}
	}
	return found, nil
}

// ignoresSignals reports whether children would be born ignoring signals: those that the runtime gave a handler get
// back their default.
func ignoresSignals() bool {
	found, err := ignoredSignals()
	return err == nil && len(found) > 0
}

// ResetSignals gives every ignored signal its default again and unblocks all signals on the calling thread, which
// should be locked to its goroutine. Other threads keep their masks, and so would children forked from them: when it
// was dirty, a program is best executed again from here, as Clean does.
func ResetSignals() (dirty bool, err error) {
	found, err := ignoredSignals()
	if err != nil {
		return false, err
	}
	for _, signal := range found {
		var byDefault sigaction
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(&byDefault)), 0, sigsetSize, 0, 0)
		if errno != 0 {
			return false, fmt.Errorf("resetting signal %d: %w", signal, errno)
		}
	}
	var none, blocked unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &none, &blocked); err != nil {
		return false, fmt.Errorf("unblocking signals: %w", err)
	}
	return len(found) > 0 || blocked != none, nil
}

// cleaned marks a program that Clean has executed again, so that it never does so twice.
const cleaned = "TEND_CLEANED"

// CleanedEntry, in the environment of a program, says that Clean need not execute it again: it unblocks what is blocked
// on the calling thread only.
const CleanedEntry = cleaned + "=1"

// BlockSignals blocks all signals on the calling thread, which should be locked to its goroutine. They stay blocked in a
// program that is executed from it, and are not lost to it.
func BlockSignals() (unblock func()) {
	var all, before unix.Sigset_t
	for i := range all.Val {
		all.Val[i]-- // every bit
	}
	if unix.PthreadSigmask(unix.SIG_SETMASK, &all, &before) != nil {
		return func() {}
	}
	return func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) }
}

// Clean makes sure that nothing this process ever starts inherits ignored or blocked signals. If any were, the program
// is executed again, with the same arguments and environment, and Clean does not return. To be called first in main.
func Clean() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	again := os.Getenv(cleaned) != ""
	os.Unsetenv(cleaned)
	dirty, err := ResetSignals()
	if err != nil || !dirty || again {
		return err
	}
	err = syscall.Exec("/proc/self/exe", os.Args, slices.Concat(os.Environ(), []string{CleanedEntry}))
	return fmt.Errorf("executing %s again: %w", os.Args[0], err)
}

// Subreaper makes this process the parent of every orphan below it; see prctl(2). It lasts until the process ends and
// is not inherited.
func Subreaper() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("becoming the parent of orphans: %w", err)
	}
	return nil
}

// SignalOnParentsDeath has this process sent the signal when its parent dies; see PR_SET_PDEATHSIG in prctl(2). It is also
// sent when only the thread ends that made this process: whoever gets it asks who the parent is.
func SignalOnParentsDeath(signal syscall.Signal) {
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(signal), 0, 0, 0) // it fails for what is no signal
}
