package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
	known := tend.AsError(err)
	if known.Message == "" {
		return tend.ExitStatus(err)
	}
	message := known.Message
	if known.Service != "" && !strings.Contains(message, known.Service) {
		message = known.Service + ": " + message
	}
	writeFailure(a.Stderr, message)
	var usage *usageError
	if errors.As(err, &usage) {
		for _, line := range usage.lines {
			fmt.Fprintf(a.Stderr, "%s%s\n", margin, line)
		}
	}
	writeHint(a.Stderr, known.Hint)
	if a.wantsJSON() {
		a.writeJSON(struct {
			Version int         `json:"version"`
			Error   *tend.Error `json:"error"`
		}{1, known})
	}
	return tend.ExitStatus(err)
}

// margin aligns what follows a message with it.
const margin = "      "

func writeFailure(w io.Writer, message string) {
	fmt.Fprintf(w, "tend: %s\n", strings.ReplaceAll(printable(message, true), "\n", "\n"+margin))
}

// writeHint shows what to do next: a command after "try:", anything else as it is.
func writeHint(w io.Writer, hint string) {
	switch {
	case hint == "":
	case isCommand(hint):
		fmt.Fprintf(w, "%stry: %s\n", margin, printable(hint, false))
	default:
		fmt.Fprintf(w, "%s%s\n", margin, printable(hint, false))
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
	writeFailure(a.Stderr, "note: "+fmt.Sprintf(format, args...))
}

// warn tells that something is probably not meant so.
func (a *App) warn(hint, format string, args ...any) {
	writeFailure(a.Stderr, "warning: "+fmt.Sprintf(format, args...))
	writeHint(a.Stderr, hint)
}

// wantsJSON reports whether --json stands among the arguments; an error may come before they could be parsed.
func (a *App) wantsJSON() bool {
	for _, arg := range a.Args {
		switch arg {
		case "--":
			return false
		case "--json", "--json=true":
			return true
		}
	}
	return false
}

func (a *App) writeJSON(v any) error {
	e := json.NewEncoder(a.Stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
