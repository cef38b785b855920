package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"syscall"

	"tend"
)

const (
	block    = 64 << 10 // bytes that are read at a time
	lastMost = 1 << 20  // bytes that Last returns at most: what is not lines at all must not fill the memory
)

// Size returns the end of the stream of the log, 0 if there is none.
func Size(path string) int64 {
	s, err := OpenStream(path)
	if err != nil {
		return 0
	}
	defer s.Close()
	end, _ := s.End()
	return end
}

// Last returns the last n lines of the log that begin at the offset from or after it, without their ends; one that has no
// end yet counts as well. If the log is shorter than that, as one can be that is not rotated, all of it counts. At most
// 1 MiB is returned: earlier lines are left out, and the first one may lack its beginning. A log that does not exist is an
// error that is fs.ErrNotExist.
func Last(path string, from int64, n int) ([]string, error) {
	return Between(path, from, math.MaxInt64, n)
}

// Between is Last as it was when the stream was so long as to says, bytes.
func Between(path string, from, to int64, n int) ([]string, error) {
	s, err := OpenStream(path)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	end, err := s.End()
	if err != nil {
		return nil, err
	}
	if end = min(end, to); from > end {
		from = 0
	}
	start, err := s.LastLines(max(from, end-lastMost), end, n)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.NewSectionReader(s, start, end-start))
	var gone *GoneError
	if err != nil && !errors.As(err, &gone) { // dropped just now: what was read goes before it, and is gone as well
		return nil, err
	}
	if len(text) == 0 {
		return nil, nil
	}
	return strings.Split(string(bytes.TrimSuffix(text, []byte("\n"))), "\n"), nil
}

// LastLines returns where the last n lines begin of what stands from one offset to another, all of it if n is negative; what
// is gone counts as not being there. It reads from the end, only as far as it has to: that is all of it where there are
// not so many lines, so whoever expects no lines at all had better limit it.
func (s *Stream) LastLines(from, to int64, n int) (int64, error) {
	if n < 0 {
		return from, nil
	}
	if n == 0 {
		return to, nil
	}
	buffer := make([]byte, block)
	for end := to; end > from; {
		start := max(from, end-block)
		text := buffer[:end-start]
		got, err := s.ReadAt(text, start)
		var gone *GoneError
		switch {
		case errors.As(err, &gone):
			from = min(gone.Next, end)
			continue
		case errors.Is(err, io.EOF): // there is no more: it was cut short, or to was too much
			clear(text[got:])
		case err != nil:
			return 0, err
		}
		if end == to && text[len(text)-1] == '\n' {
			text = text[:len(text)-1] // the end of the last line begins no other
		}
		for {
			i := bytes.LastIndexByte(text, '\n')
			if i < 0 {
				break
			}
			if n--; n == 0 {
				return start + int64(i) + 1, nil
			}
			text = text[:i]
		}
		end = start
	}
	return from, nil
}

// openToRead opens a log and returns it with its present size. It never waits for the other end of a pipe.
func openToRead(path string) (*os.File, int64, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("opening the log: %w", err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = tend.Errorf(tend.CodeFailed, "%q is not a file, so there is no output in it to show", path)
	}
	if err != nil {
		_ = file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}
