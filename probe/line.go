package probe

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"time"

	"tend/logs"
)

// mostLine is how much of a line is looked at, bytes.
const mostLine = 64 << 10

// errFound ends the following of a log.
var errFound = errors.New("the line is there")

// Line waits until there is a line in the log, from the offset on, that matches. The log need not be there yet. It is nil when
// the line is there, and the context's error when that was ended.
func Line(ctx context.Context, log string, from int64, expression string) error {
	m, err := newMatcher(expression, from)
	if err != nil {
		return err
	}
	for {
		stream := logs.NewStream(log)
		err := stream.Follow(ctx, m.next, m.take)
		stream.Close()
		switch {
		case errors.Is(err, errFound):
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		// The host allows no more watchers, or the log cannot be read just now.
		if m.read(log) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(unwatchedPause):
		}
	}
}

// unwatchedPause is the time between two looks at a log of which the kernel does not tell.
const unwatchedPause = 250 * time.Millisecond

// matcher looks at what is written, line by line. A last line counts already while it has no end.
type matcher struct {
	wanted *regexp.Regexp
	next   int64  // the offset of what comes next
	line   []byte // what there is of the last line
}

func newMatcher(expression string, from int64) (*matcher, error) {
	wanted, err := regexp.Compile(expression)
	return &matcher{wanted: wanted, next: from}, err
}

func (m *matcher) take(offset int64, text []byte) error {
	if offset != m.next {
		m.line = m.line[:0]
	}
	m.next = offset + int64(len(text))
	for len(text) > 0 {
		part, rest, ended := bytes.Cut(text, []byte{'\n'})
		m.line = append(m.line, part[:min(len(part), mostLine-len(m.line))]...)
		if m.wanted.Match(bytes.TrimSuffix(m.line, []byte{'\r'})) {
			return errFound
		}
		if ended {
			m.line = m.line[:0]
		}
		text = rest
	}
	return nil
}

// read looks at what there is now.
func (m *matcher) read(log string) (found bool) {
	stream, err := logs.OpenStream(log)
	if err != nil {
		return false
	}
	defer stream.Close()
	buffer := make([]byte, mostLine)
	for {
		n, err := stream.ReadAt(buffer, m.next)
		var gone *logs.GoneError
		switch {
		case n > 0:
			if m.take(m.next, buffer[:n]) != nil {
				return true
			}
		case errors.As(err, &gone) && gone.Next > m.next:
			m.next = gone.Next
		default:
			return false
		}
	}
}
