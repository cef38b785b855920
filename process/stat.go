package process

import (
	"errors"
	"io/fs"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"tend"
)

// Stat is what can be read of any process, whoever owns it.
type Stat struct {
	tend.Identity
	PPID, Session int
	Threads       int    // living threads; 1 for a process that has ended
	State         byte   // R, S, D, T, t, Z, X …; see proc_pid_stat(5)
	WaitStatus    uint32 // how it ended, raw as wait(2) has it; 0 while it lives, and for processes we may not trace
	Command       string // as the kernel has it: 15 bytes of the executable's name
}

// Dead reports whether the process has ended and only waits to be reaped. A first thread that has ended while others
// run on is shown as a zombie too, and its process is not dead.
func (s Stat) Dead() bool {
	return s.State == 'X' || s.State == 'Z' && s.Threads <= 1
}

// Stopped reports whether a signal has stopped the process: it takes no other than SIGKILL and SIGCONT until it goes on.
func (s Stat) Stopped() bool { return s.State == 'T' }

// ErrGone is returned for a process that is not there any more. It is fs.ErrNotExist as well.
var ErrGone error = goneError{}

type goneError struct{}

func (goneError) Error() string        { return "the process is not there any more" }
func (goneError) Is(target error) bool { return target == fs.ErrNotExist }

// Alive reports whether the process exists, is the one meant, and has not ended. A zombie is not alive, nor is the id
// of a thread: signal 0 says yes to both.
func Alive(id tend.Identity) bool {
	stat, err := ReadStat(id.PID)
	return err == nil && stat.Start == id.Start && !stat.Dead() && isProcess(id.PID)
}

// Ended reports whether the process has ended for certain. It is not the opposite of Alive: where nothing can be read, for
// want of descriptors or memory, nobody can say, and a second copy must not be started on a guess.
func Ended(id tend.Identity) bool {
	stat, err := ReadStat(id.PID)
	if err != nil {
		return errors.Is(err, ErrGone)
	}
	return stat.Start != id.Start || stat.Dead()
}

// ExitOf says how a process with this wait status, as wait(2) has it, ended.
func ExitOf(waitStatus uint32) tend.Exit {
	status := syscall.WaitStatus(waitStatus)
	if status.Signaled() {
		return tend.Exit{Signal: signalName(status.Signal()), Core: status.CoreDump()}
	}
	return tend.Exit{Code: status.ExitStatus()}
}

// firstRealTime is what C libraries call SIGRTMIN; the kernel's own first two are taken by their threads.
const firstRealTime = 34

// signalName returns the name of a signal without SIG.
func signalName(signal syscall.Signal) string {
	if name := unix.SignalName(signal); len(name) > 3 {
		return name[3:]
	}
	if signal >= firstRealTime {
		return "RTMIN+" + strconv.Itoa(int(signal)-firstRealTime)
	}
	return strconv.Itoa(int(signal))
}

// signalNumber returns the number of a signal by its name without SIG.
func signalNumber(name string) (syscall.Signal, error) {
	if n := unix.SignalNum("SIG" + name); n != 0 {
		return n, nil
	}
	return 0, errors.New("there is no signal SIG" + name + " here")
}
