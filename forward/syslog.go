package forward

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"tend"
)

// syslog is a connection to a syslog, which gets each line as a message of its own (RFC 3164, as package log/syslog writes
// it; that one can neither be told to wait only so long, nor see that the other side has closed the connection).
type syslog struct {
	conn     net.Conn
	priority int
	tag      string
	host     string // "": it is this host's own, which knows
	stream   bool   // messages have to be told from each other
	message  []byte
}

// Priorities: facility daemon.
const (
	daemon        = 3 << 3
	severityError = 3
	severityInfo  = 6
)

const (
	longestLine = 8 << 10 // bytes; what is longer comes as several messages
	dialTime    = 5 * time.Second
)

func dialSyslog(t Target) (*syslog, error) {
	network, address := tend.SyslogAddress(t.To)
	s := &syslog{priority: daemon | severityInfo, tag: tag(t.Service)}
	if t.Error {
		s.priority = daemon | severityError
	}
	var err error
	switch network {
	case "udp", "tcp":
		if s.host, err = os.Hostname(); err != nil {
			s.host = "localhost"
		}
		s.stream = network == "tcp"
		s.conn, err = net.DialTimeout(network, address, dialTime)
	default:
		s.conn, err = dialLocal(address)
		s.stream = err == nil && s.conn.LocalAddr().Network() == "unix"
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to syslog: %w", err)
	}
	return s, nil
}

// dialLocal connects to the syslog behind a socket of this host, or, without one, to this host's own.
func dialLocal(path string) (conn net.Conn, err error) {
	paths := []string{path}
	if path == "" {
		paths = []string{"/dev/log", "/var/run/syslog", "/var/run/log"}
	}
	var first error
	for _, path := range paths {
		for _, network := range []string{"unixgram", "unix"} {
			if conn, err = net.DialTimeout(network, path, dialTime); err == nil {
				return conn, nil
			}
			if first == nil || errors.Is(first, syscall.EPROTOTYPE) { // it is of the other kind
				first = err
			}
		}
	}
	return nil, first
}

// tag is how a syslog is told the name of a service: what could end the tag must not be in it.
func tag(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(":[]", r) {
			return '_'
		}
		return r
	}, name)
}

func (s *syslog) send(text []byte, g *guard) (sent int, err error) {
	for sent < len(text) {
		line := text[sent:]
		taken := len(line)
		if i := bytes.IndexByte(line, '\n'); i >= 0 {
			line, taken = line[:i], i+1
		}
		if len(line) > longestLine {
			taken = pieceOf(line)
			line = line[:taken]
		}
		if err := s.say(line, g); err != nil {
			return sent, err
		}
		sent += taken
	}
	return sent, nil
}

// pieceOf returns how much of a line that is too long is sent at once: no character is torn apart.
func pieceOf(line []byte) int {
	n := longestLine
	for n > longestLine-utf8.UTFMax && !utf8.RuneStart(line[n]) {
		n--
	}
	return n
}

// say sends one message. A part of one that was taken is of no use: then the connection is.
func (s *syslog) say(line []byte, g *guard) error {
	if s.stream && s.closed() {
		return fmt.Errorf("sending to syslog: %w", errClosed)
	}
	now := time.Now()
	if s.host == "" {
		s.message = fmt.Appendf(s.message[:0], "<%d>%s %s: %s", s.priority, now.Format(time.Stamp), s.tag, line)
	} else {
		s.message = fmt.Appendf(s.message[:0], "<%d>%s %s %s: %s", s.priority, now.Format(time.RFC3339), s.host, s.tag, line)
	}
	if s.stream {
		s.message = append(s.message, '\n')
	}
	n, err := g.write(s.conn, s.message)
	if err == nil {
		return nil
	}
	if n == 0 && errors.Is(err, os.ErrDeadlineExceeded) {
		return err // nothing is lost, and it may take it later
	}
	return fmt.Errorf("sending to syslog: %w", errors.Join(err, errTorn(n)))
}

// closed reports whether the other side has closed the connection: the first message that is written then vanishes without
// an error. No syslog ever writes to us.
func (s *syslog) closed() bool {
	raw, err := s.conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return false
	}
	closed := false
	_ = raw.Read(func(fd uintptr) bool {
		var none [1]byte
		n, err := syscall.Read(int(fd), none[:])
		closed = n == 0 && err == nil || err != nil && err != syscall.EAGAIN && err != syscall.EINTR
		return true
	})
	return closed
}

var errClosed = errors.New("the other side has closed the connection")

// errTorn says how much of a message was taken, nil if none was.
func errTorn(n int) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("after %d bytes of a message", n)
}

func (s *syslog) close() { s.conn.Close() }
