package process

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"tend"
)

// Signal sends the signal, named without SIG, to the process and to nobody else. ErrGone when it has ended, also as a
// zombie; EPERM in the chain when it belongs to somebody else now (a set-user-ID program).
func Signal(id tend.Identity, signal string) error {
	number, err := signalNumber(signal)
	if err == nil {
		err = signalProcess(id, number)
	}
	if err != nil {
		return fmt.Errorf("sending SIG%s to process %d: %w", signal, id.PID, err)
	}
	return nil
}

func signalProcess(id tend.Identity, number syscall.Signal) error {
	if id.PID <= 1 { // 0, -1 and below mean groups of processes; 1 is never ours
		return ErrGone
	}
	pidfd, err := openPIDFD(id)
	if errors.Is(err, ErrUnwatchable) {
		return signalByPID(id, number)
	}
	if err != nil {
		return err
	}
	defer unix.Close(pidfd)
	if stat, err := ReadStat(id.PID); err == nil && stat.Dead() {
		return ErrGone
	}
	return gone(unix.PidfdSendSignal(pidfd, number, nil, 0))
}

// signalByPID is for kernels without pidfds. Between the look and the signal the process may end, be reaped and its pid
// be given away again: some microseconds, in which all other pids would have to be used up.
func signalByPID(id tend.Identity, number syscall.Signal) error {
	if stat, err := ReadStat(id.PID); err != nil {
		return err
	} else if stat.Start != id.Start || stat.Dead() || !isProcess(id.PID) {
		return ErrGone
	}
	return gone(unix.Kill(id.PID, number))
}

// openPIDFD opens a pidfd of the process: ErrGone when it is not there any more, ErrUnwatchable where pidfds cannot be
// had. Opening comes first and comparing after: from then on the pid cannot name another process unseen.
func openPIDFD(id tend.Identity) (int, error) {
	pidfd, _, err := openStat(id)
	return pidfd, err
}

// Open is for whoever wants to watch a process and know its Stat: it returns that and a pidfd to give to a Watcher, −1
// where pidfds cannot be had, or no more of them are to be kept. ErrGone when the process is not there any more.
func Open(id tend.Identity) (pidfd int, stat Stat, err error) {
	pidfd, stat, err = openStat(id)
	if errors.Is(err, ErrUnwatchable) {
		if stat, err = ReadStat(id.PID); err == nil && stat.Start != id.Start {
			err = ErrGone
		}
	}
	if pidfd >= mostDescriptors() {
		unix.Close(pidfd)
		pidfd = -1
	}
	return pidfd, stat, err
}

func openStat(id tend.Identity) (int, Stat, error) {
	if !Probe().Has("pidfd") {
		return -1, Stat{}, ErrUnwatchable
	}
	pidfd, err := unix.PidfdOpen(id.PID, 0)
	switch {
	case errors.Is(err, unix.ESRCH), errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOENT): // the last two: a thread
		return -1, Stat{}, ErrGone
	case err != nil:
		return -1, Stat{}, fmt.Errorf("%w: %w", ErrUnwatchable, err)
	}
	stat, err := ReadStat(id.PID)
	if err == nil && stat.Start == id.Start {
		return pidfd, stat, nil
	}
	unix.Close(pidfd)
	if err != nil && !errors.Is(err, ErrGone) { // the pidfd was perhaps the last descriptor to be had
		return -1, Stat{}, fmt.Errorf("%w: %w", ErrUnwatchable, err)
	}
	return -1, Stat{}, ErrGone
}
