package logs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"time"
)

// Mark says that at that time the stream of a log was so long: what is before the offset was written before, what is
// behind it later.
type Mark struct {
	Offset int64 // in the stream, bytes
	At     time.Time
}

// markSize is the length of a mark in its file: offset and nanoseconds, little endian. The file has nothing else in it.
const markSize = 16

// MarksPath returns where the marks of a log are that tend may put files beside.
func MarksPath(path string) string { return path + ".marks" }

// OutsideMarksPath returns where the marks are of a file that a user named, beside which nothing may be put: with the
// logs of the database. No service's own log has that name.
func OutsideMarksPath(database, file string) string {
	return MarksPath(filepath.Join(Directory(database), escape(file)+".file"))
}

// Marks reads the marks in the file from the last one at or before one offset to the first one at or after another: what
// is needed to say when the bytes between were written. However large the file is, only these are read. No file, no marks.
func Marks(file string, from, to int64) ([]Mark, error) {
	m, err := openMarks(file)
	if m == nil || err != nil {
		return nil, err
	}
	defer m.file.Close()
	first := m.search(func(k Mark) bool { return k.Offset > from }) - 1
	last := m.search(func(k Mark) bool { return k.Offset >= to })
	marks := m.read(max(first, 0), min(last+1, m.count))
	return marks, m.failed(file)
}

// MarksAround returns the last mark whose time is not after t, and the one that follows it: what was written at that time
// is between the two. One that is not there is the zero Mark.
func MarksAround(file string, t time.Time) (before, after Mark, err error) {
	m, err := openMarks(file)
	if m == nil || err != nil {
		return Mark{}, Mark{}, err
	}
	defer m.file.Close()
	i := m.search(func(k Mark) bool { return k.At.After(t) })
	if i > 0 {
		before = m.at(i - 1)
	}
	if i < m.count {
		after = m.at(i)
	}
	return before, after, m.failed(file)
}

// lastMark returns the last mark, the zero Mark if there is none.
func lastMark(file string) (Mark, error) {
	m, err := openMarks(file)
	if m == nil || err != nil {
		return Mark{}, err
	}
	defer m.file.Close()
	if m.count == 0 {
		return Mark{}, nil
	}
	return m.at(m.count - 1), m.failed(file)
}

// markFile is a file of marks that is read. The first error ends it.
type markFile struct {
	file  *os.File
	count int // whole ones; the last may be torn
	err   error
}

// openMarks returns nil if there is no such file.
func openMarks(path string) (*markFile, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening marks: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("opening marks: %w", err)
	}
	return &markFile{file: file, count: int(info.Size() / markSize)}, nil
}

func (m *markFile) failed(path string) error {
	if m.err != nil {
		return fmt.Errorf("reading the marks %q: %w", path, m.err)
	}
	return nil
}

func (m *markFile) at(i int) Mark {
	if marks := m.read(i, i+1); len(marks) == 1 {
		return marks[0]
	}
	return Mark{}
}

// search returns the first mark of which that is true, as sort.Search does; count if there is none.
func (m *markFile) search(is func(Mark) bool) int {
	return sort.Search(m.count, func(i int) bool { return is(m.at(i)) })
}

// read reads the marks from one to another, without that.
func (m *markFile) read(from, to int) []Mark {
	if m.err != nil || from >= to {
		return nil
	}
	text := make([]byte, (to-from)*markSize)
	n, err := m.file.ReadAt(text, int64(from)*markSize)
	if err != nil && !errors.Is(err, io.EOF) {
		m.err = err
		return nil
	}
	return parseMarks(text[:n])
}

func parseMarks(text []byte) []Mark {
	marks := make([]Mark, 0, len(text)/markSize)
	for ; len(text) >= markSize; text = text[markSize:] {
		marks = append(marks, Mark{
			Offset: int64(binary.LittleEndian.Uint64(text)),
			At:     time.Unix(0, int64(binary.LittleEndian.Uint64(text[8:]))),
		})
	}
	return marks
}

func (m Mark) append(text []byte) []byte {
	text = binary.LittleEndian.AppendUint64(text, uint64(m.Offset))
	return binary.LittleEndian.AppendUint64(text, uint64(m.At.UnixNano()))
}
