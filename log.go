package tend

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Age is a Duration after which something is too old. In a definition its zero value means the default; NoAge stands
// for never.
type Age Duration

// NoAge is an age that nothing ever reaches, written as never.
const NoAge Age = -1

// ParseAge reads a duration that is not zero, or never.
func ParseAge(text string) (Age, error) {
	if text == "never" {
		return NoAge, nil
	}
	d, err := parsePositive(text)
	return Age(d), err
}

// String writes the age as ParseAge reads it.
func (a Age) String() string {
	if a < 0 {
		return "never"
	}
	return Duration(a).String()
}

// MarshalText implements encoding.TextMarshaler.
func (a Age) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Age) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAge(string(text))
	return err
}

// LogFormat says what the lines of a log look like.
type LogFormat string

// The formats of logs.
const (
	LogPlain LogFormat = "plain" // what the service wrote and nothing else; it writes straight into the file
	LogTime  LogFormat = "time"  // the same, through a pipe, and the time of each line is known to the millisecond
)

// ParseLogFormat reads the format of a log.
func ParseLogFormat(text string) (LogFormat, error) {
	switch f := LogFormat(text); f {
	case LogPlain, LogTime:
		return f, nil
	}
	return "", fmt.Errorf("%q is not a format of a log (plain or time)", text)
}

// String makes LogFormat a fmt.Stringer.
func (f LogFormat) String() string { return string(f) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *LogFormat) UnmarshalText(text []byte) (err error) {
	*f, err = ParseLogFormat(string(text))
	return err
}

// ParseLogTo reads where a copy of a log goes: syslog, syslog:ADDRESS or command:COMMAND. An address is the path of a
// socket, udp:HOST:PORT or tcp:HOST:PORT.
func ParseLogTo(text string) (string, error) {
	kind, rest, more := strings.Cut(text, ":")
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) || more && strings.TrimSpace(rest) == "" {
		kind = ""
	}
	switch {
	case kind == "syslog" && !more, kind == "command" && more:
		return text, nil
	case kind == "syslog":
		if network, address := SyslogAddress(text); isSyslogAddress(network, address) {
			return text, nil
		}
		return "", fmt.Errorf("%q is not the address of a syslog (the path of a socket, udp:HOST:PORT or tcp:HOST:PORT)", rest)
	}
	return "", fmt.Errorf("%q is nowhere for a log to go (syslog, syslog:ADDRESS or command:COMMAND)", text)
}

// SyslogAddress says where the syslog is that a log goes to: the network is udp, tcp or unix, and the address in the last
// case the path of a socket, "" for the host's own.
func SyslogAddress(logTo string) (network, address string) {
	address = strings.TrimPrefix(strings.TrimPrefix(logTo, "syslog"), ":")
	if network, rest, ok := strings.Cut(address, ":"); ok && (network == "udp" || network == "tcp" || network == "unix") {
		return network, rest
	}
	return "unix", address
}

func isSyslogAddress(network, address string) bool {
	if network == "unix" {
		return strings.HasPrefix(address, "/")
	}
	colon := strings.LastIndexByte(address, ':')
	if colon <= 0 || strings.ContainsFunc(address, unicode.IsSpace) {
		return false
	}
	host := address[:colon]
	if strings.Contains(host, ":") && !(strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]")) {
		return false
	}
	port, err := strconv.ParseUint(address[colon+1:], 10, 16)
	return err == nil && port > 0
}

// LogToCommand is the command that a log goes to, if it goes to one.
func LogToCommand(logTo string) (command string, ok bool) {
	return strings.CutPrefix(logTo, "command:")
}

// KeepAll, as LogKeep, is every archive.
const KeepAll = -1

// LogLimits are how much of a log is kept.
type LogLimits struct {
	Max  int64         // bytes after which what was written becomes an archive; 0: never
	Keep int           // archives; 0: all
	Age  time.Duration // what is older is removed; 0: nothing
}

// LogLimits returns the limits of a log of the service: of its own, or of a file that somebody named. Such a file
// belongs to whoever named it: without a limit that was asked for it is never touched.
func (s Service) LogLimits(named bool) LogLimits {
	if named && s.LogMax == 0 {
		return LogLimits{}
	}
	s.Stdout = ""
	s = s.WithDefaults()
	return LogLimits{Max: max(0, int64(s.LogMax)), Keep: max(0, s.LogKeep), Age: max(0, time.Duration(s.LogAge))}
}
