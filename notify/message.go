package notify

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Message is what one datagram says; a field that it does not speak of is zero. See sd_notify(3).
type Message struct {
	Ready     bool          // READY=1: it has started, or has reloaded
	Reloading bool          // RELOADING=1
	Since     time.Duration // MONOTONIC_USEC: when the reload began, by CLOCK_MONOTONIC
	Stopping  bool          // STOPPING=1

	Status       *string // STATUS: one line for people; "" takes back what was said before
	Errno        int     // ERRNO
	BusError     string  // BUSERROR
	VarlinkError string  // VARLINKERROR
	ExitStatus   *int    // EXIT_STATUS: what it will exit with, or would, if it were not for a wrapper

	MainPID   int    // MAINPID: this is the main process
	MainInode uint64 // MAINPIDFDID: the inode of a pidfd of it
	MainFD    bool   // MAINPIDFD=1: a pidfd of it comes along

	Ping     bool           // WATCHDOG=1
	Trigger  bool           // WATCHDOG=trigger: as if pings had been missed
	Watchdog *time.Duration // WATCHDOG_USEC: from now on pings come at least that often; 0: none are awaited any more

	Extend time.Duration // EXTEND_TIMEOUT_USEC

	Store  bool   // FDSTORE=1: keep the descriptors that come along
	Remove bool   // FDSTOREREMOVE=1: keep those of that name no longer
	Name   string // FDNAME
	NoPoll bool   // FDPOLL=0: keep them also when they are hung up

	Access        Access // NOTIFYACCESS
	ResetFailures bool   // RESTART_RESET=1
	Barrier       bool   // BARRIER=1: its descriptor is to be closed when all before it has been handled
}

// Access is who of a service may send.
type Access string

// The values of Access. There are no control processes to which exec could refer, so it is as main.
const (
	AccessNone Access = "none"
	AccessMain Access = "main"
	AccessExec Access = "exec"
	AccessAll  Access = "all"
)

// DefaultName is that of a kept descriptor which was given none.
const DefaultName = "stored"

// MaxMessage is how long a datagram may be, in bytes; sd_notify(3) sends no longer ones.
const MaxMessage = 4096

// maxName is how long the name of a descriptor may be, see sd_pid_notify_with_fds(3).
const maxName = 255

// Parse reads a datagram. The error says what of it was not understood, line by line; the rest of the message counts all the
// same. A message that is no such datagram at all is empty. Keys that nobody here knows are ignored: whoever sends them
// knows more than we do. Of a key that comes several times, the first counts.
func Parse(datagram []byte) (Message, error) {
	text := strings.TrimRight(string(datagram), "\x00\n") // systemd-notify of some versions ends with one
	switch {
	case len(datagram) > MaxMessage:
		return Message{}, fmt.Errorf("it is longer than %d bytes", MaxMessage)
	case strings.ContainsRune(text, 0):
		return Message{}, errors.New("there is a zero byte in it")
	}
	p := parser{seen: map[string]bool{}}
	lines := 0
	for line := range strings.SplitSeq(text, "\n") {
		if line == "" {
			continue
		}
		lines++
		key, value, _ := strings.Cut(line, "=")
		if p.seen[key] {
			continue
		}
		p.seen[key] = true
		if err := p.take(key, value); err != nil {
			p.errs = append(p.errs, fmt.Errorf("%s: %w", key, err))
		}
	}
	if p.Barrier && lines > 1 { // systemd drops such a message too
		return Message{Barrier: true}, errors.New("BARRIER: it is not alone in its message, which is ignored")
	}
	return p.Message, errors.Join(p.errs...)
}

type parser struct {
	Message
	seen map[string]bool
	errs []error
}

// take takes one line in.
func (p *parser) take(key, value string) (err error) {
	switch key {
	case "READY":
		p.Ready = value == "1"
	case "RELOADING":
		p.Reloading = value == "1"
	case "MONOTONIC_USEC":
		p.Since, err = microseconds(value)
	case "STOPPING":
		p.Stopping = value == "1"
	case "STATUS":
		if value, err = line(value); err == nil {
			p.Status = &value
		}
	case "ERRNO":
		p.Errno, err = number(value, 1, 4095) // MAX_ERRNO of the kernel
	case "BUSERROR":
		p.BusError, err = line(value)
	case "VARLINKERROR":
		p.VarlinkError, err = line(value)
	case "EXIT_STATUS":
		var n int
		if n, err = number(value, 0, 255); err == nil {
			p.ExitStatus = &n
		}
	default:
		err = p.takeMore(key, value)
	}
	return err
}

// takeMore takes in what is to be acted on.
func (p *parser) takeMore(key, value string) (err error) {
	switch key {
	case "MAINPID":
		p.MainPID, err = number(value, 1, math.MaxInt32)
	case "MAINPIDFDID":
		if p.MainInode, err = strconv.ParseUint(value, 10, 64); err != nil {
			err = fmt.Errorf("%q is not an inode", value)
		}
	case "MAINPIDFD":
		p.MainFD = value == "1"
	case "WATCHDOG":
		p.Ping, p.Trigger = value == "1", value == "trigger"
	case "WATCHDOG_USEC":
		var every time.Duration
		if value == infinity {
			value = "0"
		}
		if every, err = microseconds(value); err == nil {
			p.Watchdog = &every
		}
	case "EXTEND_TIMEOUT_USEC":
		p.Extend, err = microseconds(value)
	case "FDSTORE":
		p.Store = value == "1"
	case "FDSTOREREMOVE":
		p.Remove = value == "1"
	case "FDNAME":
		if err = CheckName(value); err == nil {
			p.Name = value
		}
	case "FDPOLL":
		p.NoPoll = value == "0"
	case "NOTIFYACCESS":
		switch a := Access(value); a {
		case AccessNone, AccessMain, AccessExec, AccessAll:
			p.Access = a
		default:
			err = fmt.Errorf("%q is none of none, main, exec and all", value)
		}
	case "RESTART_RESET":
		p.ResetFailures = value == "1"
	case "BARRIER":
		p.Barrier = value == "1"
	}
	return err
}

// infinity is how systemd writes USEC_INFINITY.
const infinity = "18446744073709551615"

func microseconds(value string) (time.Duration, error) {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number of microseconds", value)
	}
	return time.Duration(min(n, math.MaxInt64/1000)) * time.Microsecond, nil
}

func number(value string, least, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%q is not a number from %d to %d", value, least, most)
	}
	return n, nil
}

// line checks what is to be shown. It goes to terminals, to which no service is to give commands.
func line(value string) (string, error) {
	if !utf8.ValidString(value) {
		return "", fmt.Errorf("%q is not valid UTF-8", value)
	}
	blank := func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}
	return strings.Map(blank, value), nil
}

// CheckName reports whether a kept descriptor may be called that; "" is no name.
func CheckName(name string) error {
	bad := func(r rune) bool { return r < ' ' || r >= 127 || r == ':' }
	if name == "" || len(name) > maxName || strings.ContainsFunc(name, bad) {
		return fmt.Errorf("%q is not a name of a descriptor (up to %d printable ASCII characters without a colon)", name, maxName)
	}
	return nil
}

// IsPing reports whether the message says nothing but that the service is alive.
func (m Message) IsPing() bool { return m == Message{Ping: true} }
