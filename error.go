package tend

import (
	"errors"
	"fmt"
)

// Code says which kind of failure an Error is. One table (ExitStatus) maps it to the exit status of a command and
// one in package api to the status of an HTTP answer.
type Code string

// The kinds of failure.
const (
	CodeFailed      Code = "failed"      // it did not work
	CodeUsage       Code = "usage"       // wrong usage, or a bad definition
	CodeNotRunning  Code = "not_running" // `status` of something that does not run
	CodeNoService   Code = "no_service"  // no such service
	CodeConflict    Code = "conflict"    // in conflict with what exists or runs
	CodeBusy        Code = "busy"        // somebody else holds it just now
	CodeInterrupted Code = "interrupted" // the user pressed Ctrl-C
)

// exitStatus is the contract with scripts; never renumber.
var exitStatus = map[Code]int{
	CodeFailed: 1, CodeUsage: 2, CodeNotRunning: 3, CodeNoService: 4, CodeConflict: 5, CodeBusy: 75, CodeInterrupted: 130,
}

// Error is a failure that a user can do something about: what happened, to which service, and what to type next.
type Error struct {
	Code    Code   `json:"code"`
	Service string `json:"service,omitempty"` // the service concerned, if one is
	Key     string `json:"key,omitempty"`     // the key of its definition that is wrong, if one is
	Message string `json:"message"`           // what happened, lower case, no full stop
	Hint    string `json:"hint,omitempty"`    // what to do next, a sentence part or a command
	Err     error  `json:"-"`                 // the cause, for errors.Is; its text is part of Message already where it helps
}

// Error returns the message and the hint, one line.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + "; " + e.Hint
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an Error of the code with a formatted message; a %w in it becomes the cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// WithHint returns a copy of e with the hint.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// About returns a copy of e that concerns the service.
func (e *Error) About(service string) *Error {
	c := *e
	c.Service = service
	return &c
}

// InKey returns a copy of e that concerns the key of a definition.
func (e *Error) InKey(key string) *Error {
	c := *e
	c.Key = key
	return &c
}

// CodeOf returns the code of the first Error in err's chain, CodeFailed for any other error and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	return AsError(err).Code
}

// ExitStatus is the exit status of a command that ended with err: 0 for nil.
func ExitStatus(err error) int {
	if err == nil {
		return 0
	}
	if status, ok := exitStatus[CodeOf(err)]; ok {
		return status
	}
	return 1
}

// AsError returns the first Error in err's chain, or makes one of CodeFailed of it; nil for nil.
func AsError(err error) *Error {
	var e *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		return e
	}
	return Errorf(CodeFailed, "%w", err)
}
