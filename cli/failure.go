package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tend"
)

// usageError is a wrong command line: the message is followed by the command's usage line, or other lines.
type usageError struct {
	what  *tend.Error
	lines []string // shown after the message
}

func (e *usageError) Error() string { return e.what.Error() }
func (e *usageError) Unwrap() error { return e.what }

// misused returns a usage error that shows the command's usage line.
func misused(c *command, format string, args ...any) *usageError {
	return &usageError{tend.Errorf(tend.CodeUsage, format, args...), []string{"usage: " + c.usage()}}
}

func (e *usageError) hint(format string, args ...any) *usageError {
	return &usageError{e.what.WithHint(format, args...), e.lines}
}

// silent is an exit status without a message: everything was said already.
func silent(code tend.Code) error { return &tend.Error{Code: code} }

// fail shows the error and returns the exit status. It is the only place that does either.
func (a *App) fail(err error) int {
	if err == nil {
		return 0
	}
	var other exitStatus
	if errors.As(err, &other) {
		return int(other)
	}
	known := tend.AsError(err)
	if known.Message == "" {
		return tend.ExitStatus(err)
	}
	message := known.Message
	if known.Service != "" && !strings.Contains(message, known.Service) {
		message = known.Service + ": " + message
	}
	a.writeFailure(message)
	var usage *usageError
	if errors.As(err, &usage) {
		for _, line := range usage.lines {
			a.writeMore(line)
		}
	}
	a.writeHint(known.Hint)
	if a.wantsJSON() {
		a.writeError(known)
	}
	return tend.ExitStatus(err)
}

// margin aligns what follows a message with it.
const margin = "      "

// writeFailure tells people something on standard error, broken at the width of the terminal if it is one.
func (a *App) writeFailure(message string) {
	before := "tend: "
	for paragraph := range strings.SplitSeq(printable(message, true), "\n") {
		for _, line := range wrap(paragraph, a.talkWidth()) {
			fmt.Fprintf(a.Stderr, "%s%s\n", before, line)
			before = margin
		}
	}
}

// writeMore writes a line under the message. One that is indented stands as it is.
func (a *App) writeMore(line string) {
	columns := a.talkWidth()
	if strings.HasPrefix(line, " ") {
		columns = 0
	}
	for _, part := range wrap(line, columns) {
		fmt.Fprintf(a.Stderr, "%s%s\n", margin, part)
	}
}

// talkWidth is how much of a line there is for a message, 0 being any number of columns.
func (a *App) talkWidth() int {
	if columns := a.terminal().errWidth; columns > 0 {
		return max(columns-len(margin), 20)
	}
	return 0
}

// writeHint shows what to do next: a command after "try:", anything else as it is.
func (a *App) writeHint(hint string) {
	hint = printable(hint, false)
	switch {
	case hint == "":
	case isCommand(hint):
		fmt.Fprintf(a.Stderr, "%stry: %s\n", margin, hint) // in one piece, for copying
	default:
		a.writeMore(hint)
	}
}

// isCommand reports whether a hint is something to type.
func isCommand(hint string) bool {
	words := strings.Fields(hint)
	return len(words) > 1 && words[0] == "tend" &&
		slices.ContainsFunc(commands(), func(c command) bool { return c.name == words[1] })
}

// notice tells something that is neither data nor an error.
func (a *App) notice(format string, args ...any) {
	a.writeFailure("note: " + fmt.Sprintf(format, args...))
}

// warn tells that something is probably not meant so.
func (a *App) warn(hint, format string, args ...any) {
	a.writeFailure("warning: " + fmt.Sprintf(format, args...))
	a.writeHint(hint)
}
