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

// Size returns how long the file is, 0 if there is none.
func Size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return 0
	}
	return info.Size()
}

// Last returns the last n lines of the file that begin at the offset from or after it, without their ends; one that
// has no end yet counts as well. If the file was cut shorter than from meanwhile, all of it counts. At most 1 MiB is
// returned: earlier lines are left out, and the first one may lack its beginning. A file that does not exist is an
// error that is fs.ErrNotExist.
func Last(path string, from int64, n int) ([]string, error) {
	return Between(path, from, math.MaxInt64, n)
}

// Between is Last as it was when the file was so long as to says, bytes.
func Between(path string, from, to int64, n int) ([]string, error) {
	file, size, err := openToRead(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if size = min(size, to); from > size {
		from = 0
	}
	start, err := lastLines(file, max(from, size-lastMost), size, n)
	if err != nil {
		return nil, fmt.Errorf("reading the log %q: %w", path, err)
	}
	text, err := io.ReadAll(io.NewSectionReader(file, start, size-start))
	if err != nil {
		return nil, fmt.Errorf("reading the log %q: %w", path, err)
	}
	if len(text) == 0 {
		return nil, nil
	}
	return strings.Split(string(bytes.TrimSuffix(text, []byte("\n"))), "\n"), nil
}

// Copy writes the last n lines of the file to w, byte for byte; all of it if n is negative. It returns the offset
// after what it wrote. What is added to the file while it is read is left for whoever reads on from there.
func Copy(w io.Writer, path string, n int) (next int64, err error) {
	file, size, err := openToRead(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return copyLast(w, file, size, n)
}

// copyLast writes the last n of the first size bytes' lines, all if n is negative, and returns the offset after them.
func copyLast(w io.Writer, file *os.File, size int64, n int) (next int64, err error) {
	start := int64(0)
	if n >= 0 {
		if start, err = lastLines(file, 0, size, n); err != nil {
			return 0, fmt.Errorf("reading the log %q: %w", file.Name(), err)
		}
	}
	written, err := io.Copy(w, io.NewSectionReader(file, start, size-start))
	if err != nil {
		err = fmt.Errorf("copying the log %q: %w", file.Name(), err)
	}
	return start + written, err
}

// lastLines returns where the last n lines begin of what stands from one offset to another. It reads from the end,
// only as far as it has to.
func lastLines(file io.ReaderAt, from, to int64, n int) (int64, error) {
	if n <= 0 {
		return to, nil
	}
	buffer := make([]byte, block)
	for end := to; end > from; {
		start := max(from, end-block)
		text := buffer[:end-start]
		if _, err := file.ReadAt(text, start); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		} // at EOF the file is being cut, and what is left of it is all there is to show
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
