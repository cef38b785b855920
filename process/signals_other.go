//go:build !linux

package process

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"tend"
)

// ResetSignals changes nothing here: what tend's own caller ignores or blocks, services ignore and block.
func ResetSignals() (dirty bool, err error) { return false, nil }

// Clean changes nothing here; see ResetSignals.
func Clean() error { return nil }

// CleanedEntry means nothing here.
const CleanedEntry = "TEND_CLEANED=1"

// BlockSignals does nothing: a signal may be lost on a program that is just being executed.
func BlockSignals() (unblock func()) { return func() {} }

func ignoresSignals() bool { return false }

// Subreaper is not there: orphans go to process 1.
func Subreaper() error { return errors.ErrUnsupported }

// SignalOnParentsDeath is not there.
func SignalOnParentsDeath(syscall.Signal) {}

// Signal sends the signal, named without SIG, to the process. Between the look at the start time and the signal the pid
// may be given away again, after all others.
func Signal(id tend.Identity, signal string) error {
	number, err := signalNumber(signal)
	switch {
	case err != nil:
	case id.PID <= 1 || !Alive(id):
		err = ErrGone
	default:
		if err = unix.Kill(id.PID, number); errors.Is(err, unix.ESRCH) {
			err = ErrGone
		}
	}
	if err != nil {
		return fmt.Errorf("sending SIG%s to process %d: %w", signal, id.PID, err)
	}
	return nil
}
