package cli

import (
	"bytes"
	"io"
	"sync"
)

// prefixer writes whole lines, each behind the prefix; what has no end yet waits for it.
type prefixer struct {
	to     io.Writer
	lock   *sync.Mutex // shared by all that write there
	prefix string
	rest   []byte // a line that has no end yet
}

// maxLine is how long an unfinished line may get before it is shown in pieces, bytes.
const maxLine = 64 << 10

// Write implements io.Writer.
func (p *prefixer) Write(data []byte) (int, error) {
	p.rest = append(p.rest, data...)
	var out []byte
	for {
		line, rest, ended := bytes.Cut(p.rest, []byte{'\n'})
		if !ended && len(line) <= maxLine {
			break
		}
		if !ended {
			line, rest = line[:maxLine], line[maxLine:]
		}
		out = append(append(append(out, p.prefix...), line...), '\n')
		p.rest = rest
	}
	p.rest = bytes.Clone(p.rest) // lets go of what was written
	if len(out) == 0 {
		return len(data), nil
	}
	p.lock.Lock()
	defer p.lock.Unlock()
	if _, err := p.to.Write(out); err != nil {
		return 0, err
	}
	return len(data), nil
}

// flush writes out a last line that has no end.
func (p *prefixer) flush() {
	if len(p.rest) > 0 {
		p.Write([]byte{'\n'})
	}
}
