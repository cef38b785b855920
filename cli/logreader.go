package cli

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"tend/logs"
)

// logStream is the output of one stream of a service as it can be read now. Every byte has an offset that no rotation changes.
type logStream interface {
	Start() int64                                             // the first offset that is still there
	End() (int64, error)                                      // the offset after the last byte
	ReadAt(p []byte, off int64) (int, error)                  // *logs.GoneError where the text is no more
	LastLines(from, to int64, n int) (begin int64, err error) // where the last n lines of that part begin
}

// maxLine is how long a line may be that is shown in one piece, bytes. It is also what is kept in memory of one.
const maxLine = 64 << 10

// logLine is a line of a log, or a piece of one.
type logLine struct {
	offset int64
	text   []byte // without the end; valid until the next one is asked for
	begun  bool   // it goes on from the piece before
	open   bool   // it has no end: the rest is the next piece, or is not written yet
}

// next is the offset after the line.
func (l logLine) next() int64 {
	if l.open {
		return l.offset + int64(len(l.text))
	}
	return l.offset + int64(len(l.text)) + 1
}

// part is what is meant of a stream: the lines that begin in [from, to), as far as the text goes to limit.
type part struct {
	from, to, limit int64
	begun           bool // it begins in the middle of a line
}

// lineReader reads the lines of a part that a filter wants. It keeps one buffer, whatever is in the log.
type lineReader struct {
	stream logStream
	wanted *filter
	part   part
	begun  bool        // the next line goes on from a piece before
	hold   bool        // a line at the end of the log that has no end is left for whoever goes on from there
	lost   func(int64) // is told how many bytes were dropped before they could be read; may be nil

	at        int64      // offset of the first byte of rest
	rest      []byte     // read and not returned yet: the end of buffer
	folded    []byte     // rest in lower case, where the filter needs that
	sightings []sighting // of the filter's literals
	buffer    []byte
	fold      []byte // what folded is the end of
	resume    int64  // where the text goes on after rest, if what is between them was dropped; else 0
	ended     bool   // no more is there to be read
}

// newLineReader returns a reader whose buffer has so many bytes, at least twice maxLine.
func newLineReader(s logStream, p part, wanted *filter, size int) *lineReader {
	r := &lineReader{stream: s, part: p, wanted: wanted, at: p.from, begun: p.begun, buffer: make([]byte, 0, max(size, 2*maxLine))}
	if wanted.skips() {
		r.sightings = make([]sighting, len(wanted.literals))
		for i := range r.sightings {
			r.sightings[i] = sighting{offset: p.from, none: true}
		}
	}
	return r
}

// read returns the next line that is wanted, and io.EOF after the last one.
func (r *lineReader) read() (logLine, error) {
	for {
		r.skip()
		line, err := r.any()
		if err != nil || r.wanted.match(line.text) {
			return line, err
		}
	}
}

// skip goes over lines that are certainly not wanted.
func (r *lineReader) skip() {
	if r.begun || !r.wanted.skips() || len(r.rest) == 0 {
		return
	}
	text := r.rest
	if r.wanted.folds() {
		text = r.folded
	}
	next := r.at + int64(len(text))
	for i, literal := range r.wanted.literals {
		if r.sightings[i].search(literal, text, r.at); !r.sightings[i].none {
			next = min(next, r.sightings[i].offset)
		}
	}
	r.drop(bytes.LastIndexByte(r.rest[:next-r.at], '\n') + 1)
}

// any returns the next line, wanted or not.
func (r *lineReader) any() (logLine, error) {
	if !r.begun && r.at >= r.part.to {
		return logLine{}, io.EOF
	}
	for {
		if i := bytes.IndexByte(r.rest[:min(len(r.rest), maxLine+1)], '\n'); i >= 0 {
			return r.take(i, 1), nil
		}
		switch {
		case len(r.rest) > maxLine:
			return r.take(maxLine, 0), nil
		case r.resume > 0 && len(r.rest) > 0, r.ended && len(r.rest) > 0 && !r.hold:
			return r.take(len(r.rest), 0), nil
		case r.ended:
			return logLine{}, io.EOF
		}
		if err := r.fill(); err != nil {
			return logLine{}, err
		}
		r.skip()
		if !r.begun && r.at >= r.part.to { // behind a gap, or what was skipped
			return logLine{}, io.EOF
		}
	}
}

// take returns the first n bytes as a line; end is how long its end is, 0 if it has none.
func (r *lineReader) take(n, end int) logLine {
	line := logLine{offset: r.at, text: r.rest[:n], begun: r.begun, open: end == 0}
	r.drop(n + end)
	r.begun = line.open
	return line
}

func (r *lineReader) drop(n int) {
	r.rest = r.rest[n:]
	r.at += int64(n)
	if r.folded != nil {
		r.folded = r.folded[n:]
	}
}

// fill reads more behind the rest.
func (r *lineReader) fill() error {
	if r.resume > 0 { // the rest is returned
		r.at, r.begun, r.resume = r.resume, false, 0
	}
	kept := copy(r.buffer[:cap(r.buffer)], r.rest)
	free := r.buffer[kept:cap(r.buffer)]
	from := r.at + int64(kept)
	n := 0
	var err error
	if ahead := r.part.limit - from; ahead > 0 {
		n, err = r.stream.ReadAt(free[:min(ahead, int64(len(free)))], from)
	}
	r.rest = r.buffer[:kept+n]
	r.refold(kept)
	var gone *logs.GoneError
	switch {
	case n > 0 && (err == nil || errors.Is(err, io.EOF)):
		return nil
	case errors.As(err, &gone) && gone.Next > from+int64(n):
		r.gap(gone.Next, kept+n)
		return nil
	case err != nil && !errors.Is(err, io.EOF):
		return err
	}
	r.ended = true
	return nil
}

// gap goes on at next, since what is before it is no more, when the rest, so many bytes, is returned.
func (r *lineReader) gap(next int64, rest int) {
	if r.lost != nil {
		r.lost(min(next, r.part.limit) - r.at - int64(rest))
	}
	if r.resume = next; rest == 0 {
		r.at, r.begun, r.resume = next, false, 0
	}
}

// refold brings the copy in lower case up to date; so many bytes of the rest were there before.
func (r *lineReader) refold(kept int) {
	if !r.wanted.folds() {
		return
	}
	if r.fold == nil {
		r.fold = make([]byte, 0, cap(r.buffer))
	}
	copy(r.fold[:cap(r.fold)], r.folded)
	r.folded = r.fold[:len(r.rest)]
	lower(r.folded[kept:], r.rest[kept:])
}

// lineStart is the first offset from at on at which a line begins, limit if none does. first is where the text begins.
func lineStart(s logStream, at, first, limit int64) (int64, error) {
	if at <= first {
		return first, nil
	}
	r := newLineReader(s, part{from: at - 1, to: limit, limit: limit}, nil, 0)
	for {
		line, err := r.any()
		if errors.Is(err, io.EOF) {
			return limit, nil
		}
		if err != nil || !line.open {
			return line.next(), err
		}
	}
}

// lastWanted is where the last n lines of the part begin that the filter wants. It reads from the end, in growing blocks.
func lastWanted(s logStream, p part, wanted *filter, n int) (int64, error) {
	if n == 0 {
		return p.to, nil
	}
	if wanted == nil {
		return s.LastLines(p.from, p.to, n)
	}
	found := p.to
	for to, size := p.to, int64(1<<20); to > p.from; size *= 2 {
		from, err := lineStart(s, max(p.from, to-size), p.from, to)
		if err != nil {
			return 0, err
		}
		if from >= to { // in the middle of a line that is longer
			continue
		}
		var offsets []int64
		r := newLineReader(s, part{from: from, to: to, limit: p.limit}, wanted, 1<<20)
		for {
			line, err := r.read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return 0, err
			}
			if offsets = append(offsets, line.offset); len(offsets) > 2*n {
				offsets = slices.Delete(offsets, 0, len(offsets)-n)
			}
		}
		if len(offsets) >= n {
			return offsets[len(offsets)-n], nil
		}
		n -= len(offsets)
		if len(offsets) > 0 {
			found = offsets[0]
		}
		to = from
	}
	return found, nil
}
