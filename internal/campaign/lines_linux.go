package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"tend/logs"
)

const countSize = 8 // bytes of one writer's count

func counted(seq int) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(seq)) }

// readCounts reads how many lines each writer of a run has written, at the least: none where there is no such file.
func readCounts(path string) (counts [writers]int, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return counts, nil
	}
	for i := range counts {
		if end := (i + 1) * countSize; end <= len(b) {
			counts[i] = int(binary.LittleEndian.Uint64(b[i*countSize : end]))
		}
	}
	return counts, err
}

// lineCheck follows the log of one chatty service: every line must be the next one of its writer.
type lineCheck struct {
	seen    map[string]*[writers]int // by run: the last line of each writer
	rest    string                   // a line that has not come to its end yet
	checked int                      // lines
	offset  int64
}

// follow takes in what was written to the log since it was last called, and returns what is wrong with it.
func (c *lineCheck) follow(log string) ([]string, error) {
	stream, err := logs.OpenStream(log)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	end, err := stream.End()
	if err != nil {
		return nil, err
	}
	if end < c.offset {
		return []string{fmt.Sprintf("the log was %d bytes long, and is %d", c.offset, end)}, nil
	}
	fresh := make([]byte, end-c.offset)
	n, err := stream.ReadAt(fresh, c.offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	c.offset += int64(n)
	return c.take(string(fresh[:n])), nil
}

// take takes in some more of the log.
func (c *lineCheck) take(text string) (wrong []string) {
	if c.seen == nil {
		c.seen = map[string]*[writers]int{}
	}
	text = c.rest + text
	c.rest = text[strings.LastIndexByte(text, '\n')+1:]
	for found := range strings.Lines(strings.TrimSuffix(text, c.rest)) {
		var run string
		var writer, seq int
		if n, _ := fmt.Sscanf(found, "%s %d %d", &run, &writer, &seq); n != 3 || writer < 0 || writer >= writers || found != line(run, writer, seq) {
			wrong = append(wrong, fmt.Sprintf("%q is no line of its writers", found))
			continue
		}
		if c.seen[run] == nil {
			c.seen[run] = new([writers]int)
		}
		last := &c.seen[run][writer]
		if seq != *last+1 {
			wrong = append(wrong, fmt.Sprintf("run %s, writer %d: after line %d comes line %d", run, writer, *last, seq))
		}
		*last = seq
		c.checked++
	}
	return wrong
}

// missing says which lines of a run are not in the log although they were counted before it was read. No more than
// one line of a writer can have been written and not counted after it, once the run has ended.
func (c *lineCheck) missing(run string, before [writers]int, ended bool) (wrong []string) {
	var seen [writers]int
	if s := c.seen[run]; s != nil {
		seen = *s
	}
	for w := range writers {
		if seen[w] < before[w] || ended && seen[w] > before[w]+1 {
			wrong = append(wrong, fmt.Sprintf("run %s, writer %d: it has written %d lines, the log has %d", run, w, before[w], seen[w]))
		}
	}
	return wrong
}

// forget drops what is known of a run that is over.
func (c *lineCheck) forget(run string) { delete(c.seen, run) }
