package process

import (
	"errors"
	"fmt"
	"syscall"
)

// The steps of a start, in their order.
const (
	StepFind    = "find"    // look the command up
	StepFork    = "fork"    // make a process
	StepChdir   = "chdir"   // enter the working directory
	StepSet     = "set"     // set what is to be set of it, which the path names: "nice 5"
	StepExecute = "execute" // become the command
)

// StartError says which step of a start failed, on what, and why.
type StartError struct {
	Step string
	Path string // the command, the directory or the setting
	Err  error
}

// Error reads like: cannot execute "foo": permission denied.
func (e *StartError) Error() string {
	switch e.Step {
	case StepFork:
		return fmt.Sprintf("cannot make a process for %q: %v", e.Path, e.Err)
	case StepChdir:
		return fmt.Sprintf("cannot enter the directory %q: %v", e.Path, e.Err)
	case StepSet:
		return fmt.Sprintf("%s: %v", e.Path, e.Err)
	case StepFind:
		return fmt.Sprintf("cannot find %q: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("cannot execute %q: %v", e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *StartError) Unwrap() error { return e.Err }

// Temporary reports whether what made a start fail may pass by itself: too many processes or open files, no memory, a
// program that is just being written.
func Temporary(err error) bool {
	for _, errno := range []error{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.ETXTBSY} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}

// reason is a cause in better words than the kernel's.
type reason struct {
	words string
	error
}

func (r reason) Error() string { return r.words }
func (r reason) Unwrap() error { return r.error }
