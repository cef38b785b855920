package logs

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

const (
	manyMarks = 1 << 20        // size from which marks are thinned out, bytes
	denseFor  = 24 * time.Hour // how long all marks are kept
	sparse    = time.Minute    // how far apart older ones are

	marksAtOnce = 4096 // how many are read at a time
)

// Marker writes the marks of one log. There is one for each, with the supervisor. It is not for concurrent use.
type Marker struct {
	path    string
	file    *os.File // nil: not opened yet
	checked int64    // its size when it was last thinned out
}

// NewMarker returns what writes the marks into that file, which is made with the first.
func NewMarker(file string) *Marker { return &Marker{path: file} }

// Add writes a mark down. Offsets and times do not decrease from mark to mark, as far as the clock can be trusted.
func (m *Marker) Add(mark Mark) error {
	if err := m.open(); err != nil {
		return fmt.Errorf("marking: %w", err)
	}
	if _, err := m.file.Write(mark.append(nil)); err != nil {
		m.Close() // what was written of it is cut off when it is opened again
		return fmt.Errorf("marking: %w", err)
	}
	return nil
}

// open opens the file, and cuts off what a crash has left of a mark.
func (m *Marker) open() error {
	if m.file != nil {
		return nil
	}
	file, err := os.OpenFile(m.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err == nil && info.Size()%markSize != 0 {
		err = file.Truncate(info.Size() - info.Size()%markSize)
	}
	if err != nil {
		file.Close()
		return err
	}
	m.file = file
	return nil
}

// Close closes the file. The next Add opens it again.
func (m *Marker) Close() {
	if m.file != nil {
		_ = m.file.Close()
		m.file = nil
	}
}

// Trim drops the marks of what is no longer there, before the offset start, and thins out the rest where there is much of
// it. A crash leaves the file as it was, or as it is to be.
func (m *Marker) Trim(start int64, now time.Time) error {
	marks, err := openMarks(m.path)
	if marks == nil || err != nil {
		return err
	}
	defer marks.file.Close()
	first := max(0, marks.search(func(k Mark) bool { return k.Offset > start })-1)
	size := int64(marks.count-first) * markSize
	thin := size > manyMarks && size > 2*m.checked
	if err := marks.failed(m.path); err != nil || first == 0 && !thin {
		return err
	}
	if err := m.rewrite(marks, first, now, thin); err != nil {
		return fmt.Errorf("thinning out the marks: %w", err)
	}
	return nil
}

// rewrite puts another file into the place of the marks, with those from the first on that are to stay.
func (m *Marker) rewrite(marks *markFile, first int, now time.Time, thin bool) error {
	file, err := os.OpenFile(m.path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	var last time.Time
	written := int64(0)
	for ; first < marks.count && marks.err == nil; first += marksAtOnce {
		for _, k := range marks.read(first, min(first+marksAtOnce, marks.count)) {
			if thin && now.Sub(k.At) > denseFor && k.At.Sub(last) < sparse {
				continue
			}
			last = k.At
			n, _ := out.Write(k.append(nil)) // Flush tells
			written += int64(n)
		}
	}
	err = errors.Join(marks.err, out.Flush(), file.Close())
	if err == nil {
		err = os.Rename(m.path+".new", m.path)
	}
	if err != nil {
		_ = os.Remove(m.path + ".new")
		return err
	}
	m.Close() // of the old one
	if thin {
		m.checked = written
	}
	return nil
}

// Remove removes the marks, of a log that is removed.
func (m *Marker) Remove() error {
	m.Close()
	if err := os.Remove(m.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing marks: %w", err)
	}
	return nil
}
