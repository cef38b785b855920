package cli

import (
	"container/heap"
	"errors"
	"io"
	"time"
)

// logCursor is a source that is being read, at one line.
type logCursor struct {
	source   *logSource
	reader   *lineReader
	timeline timeline
	spans    []span // the newest first
	line     logLine
	when     placed
	key      time.Time // by which it is merged: never earlier than that of the line before, even if a clock was set
}

// advance goes to the next line, or says io.EOF.
func (c *logCursor) advance() error {
	line, err := c.reader.read()
	if err != nil {
		return err
	}
	c.line, c.when = line, c.timeline.place(line.offset)
	if at := c.when.shown(); at.After(c.key) {
		c.key = at
	}
	return nil
}

// run is the run that wrote the line, "" if that is not known.
func (c *logCursor) run() string {
	for len(c.spans) > 1 && c.spans[len(c.spans)-2].from <= c.line.offset { // lines come in order
		c.spans = c.spans[:len(c.spans)-1]
	}
	return wrote(c.spans, c.line.offset)
}

// wrote is the run among the spans, the newest first, that wrote what is at the offset.
func wrote(spans []span, offset int64) string {
	for _, s := range spans {
		if !s.gone && s.from <= offset && offset < s.to {
			return s.run.ID
		}
	}
	return ""
}

// earliest is a heap of cursors: on top is the one whose line comes next.
type earliest []*logCursor

func (h earliest) Len() int      { return len(h) }
func (h earliest) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h earliest) Less(i, j int) bool {
	if !h[i].key.Equal(h[j].key) {
		return h[i].key.Before(h[j].key)
	}
	return h[i].source.number < h[j].source.number
}
func (h *earliest) Push(x any) { *h = append(*h, x.(*logCursor)) }
func (h *earliest) Pop() any {
	last := len(*h) - 1
	c := (*h)[last]
	*h = (*h)[:last]
	return c
}

// merge shows the lines of all cursors in the order of their times. One that fails does not keep the others from being shown;
// failed is told of it.
func merge(cursors []*logCursor, show func(*logCursor) error, failed func(*logCursor, error)) error {
	var h earliest
	advance := func(c *logCursor) bool {
		err := c.advance()
		if err != nil && !errors.Is(err, io.EOF) {
			failed(c, err)
		}
		return err == nil
	}
	for _, c := range cursors {
		if advance(c) {
			h = append(h, c)
		}
	}
	heap.Init(&h)
	for len(h) > 0 {
		if err := show(h[0]); err != nil {
			return err
		}
		if advance(h[0]) {
			heap.Fix(&h, 0)
		} else {
			heap.Pop(&h)
		}
	}
	return nil
}
