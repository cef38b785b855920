package supervisor

import (
	"bytes"
	"io/fs"
	"os"
)

const (
	rewrittenMost = 64 << 10 // bytes: who empties his log at each line never has a longer one
	tailLength    = 64       // bytes
)

// A log that a program empties and fills again is at the next look no shorter than it was. Its end tells: what stood there
// still does, unless it was emptied meanwhile. One that is filled with the very same text again has lost nothing.

// rewritten reports whether the log was emptied since its end was remembered.
func (l *minded) rewritten(now fs.FileInfo) bool {
	if len(l.tail) == 0 || now.ModTime().Equal(l.file.ModTime()) {
		return false
	}
	text := readTail(l.path, l.file.Size())
	return text != nil && !bytes.Equal(text, l.tail)
}

// remember takes note of how the log ends now, if it is short.
func (l *minded) remember(was fs.FileInfo) {
	switch {
	case l.file == nil || !l.file.Mode().IsRegular() || l.file.Size() > rewrittenMost:
		l.tail = nil
	case len(l.tail) == 0 || was == nil || was.Size() != l.file.Size() || !was.ModTime().Equal(l.file.ModTime()):
		l.tail = readTail(l.path, l.file.Size())
	}
}

// readTail returns the last bytes of so much of a file: nil if it cannot be read, or is not that long any more.
func readTail(path string, size int64) []byte {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	text := make([]byte, min(size, tailLength))
	if _, err := file.ReadAt(text, size-int64(len(text))); err != nil {
		return nil
	}
	return text
}
