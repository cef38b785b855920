package tend

import (
	"fmt"
	"slices"
	"strings"
)

// DefaultReload is the signal by which programs are told to read their configuration again.
const DefaultReload = "HUP"

const reloadCommand = "command:"

// ReloadCommand returns the command by which the service is told to read its configuration again, "" where that is done by a
// signal.
func (s Service) ReloadCommand() string {
	line, ok := strings.CutPrefix(s.Reload, reloadCommand)
	if !ok {
		return ""
	}
	return line
}

// ReloadSignal returns the signal that does so.
func (s Service) ReloadSignal() string {
	if s.Reload == "" {
		return DefaultReload
	}
	return s.Reload
}

// ParseReload reads the name of a signal, or command:COMMAND.
func ParseReload(text string) (string, error) {
	if line, ok := strings.CutPrefix(text, reloadCommand); ok {
		line, err := commandValue(line, Caller{})
		return reloadCommand + line, err
	}
	if strings.ContainsAny(text, ": ") {
		return "", fmt.Errorf("%q is no way to reload (the name of a signal, or command:COMMAND)", text)
	}
	return ParseSignal(text)
}

// Signals are the names that ParseSignal reads.
func Signals() []string { return slices.Clone(signals) }

var reloadOption = Option{Key: "reload", Flag: "reload", Arg: "SIGNAL", Default: DefaultReload, Live: true,
	Help:   "how tend reload has it read its configuration again: a signal, or command:COMMAND",
	Detail: "The signal goes to its main process. A command is run by /bin/sh -c with the environment and in the directory of the service, and knows its pid by TEND_PID.",
	Access: text(func(s *Service) *string { return &s.Reload }, func(value string, _ Caller) (string, error) { return ParseReload(value) })}
