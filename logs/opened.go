package logs

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// openArchive is an archive that is read. As long as it is open it can be read, though it be dropped or compressed.
type openArchive struct {
	archive
	file    *os.File
	size    int64
	members []member // of a compressed one of ours
	whole   *gzip.Reader
	next    int64  // where in the text whole goes on
	text    []byte // what was decompressed last
	at      int64  // where in the text that begins
}

// foreignChunk is how much of what somebody else has compressed is kept, so that reading it backwards does not begin at
// its beginning each time.
const foreignChunk = 4 << 20

func openArchived(a archive) (*openArchive, error) {
	file, err := os.Open(a.path)
	if err != nil {
		return nil, fmt.Errorf("opening an archive: %w", err)
	}
	o := &openArchive{archive: a, file: file}
	info, err := file.Stat()
	if err == nil {
		o.size = info.Size()
	}
	if err == nil && a.packed {
		if o.members, err = findMembers(file, o.size); errors.Is(err, errForeign) {
			o.members, err = nil, nil
		}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("opening the archive %q: %w", a.path, err)
	}
	return o, nil
}

func (o *openArchive) close() {
	if o != nil {
		_ = o.file.Close()
	}
}

// read reads at an offset of the stream that is in the archive. What cannot be read is gone, up to where it goes on.
func (o *openArchive) read(p []byte, off int64) (int, error) {
	p = p[:min(int64(len(p)), o.end-off)]
	at, next := off-o.start, o.end
	var n int
	var err error
	switch {
	case !o.packed:
		n, err = o.file.ReadAt(p, at)
	case o.at <= at && at < o.at+int64(len(o.text)):
		n = copy(p, o.text[at-o.at:])
	default:
		if next, err = o.unpack(at); err == nil {
			n = copy(p, o.text[at-o.at:])
		}
		next = min(o.start+next, o.end)
	}
	if n > 0 {
		return n, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return 0, &GoneError{Offset: off, Next: next, Err: fmt.Errorf("reading the archive %q: %w", o.path, err)}
}

// unpack decompresses what is at that place of the text and around it. With an error it says where it might go on.
func (o *openArchive) unpack(at int64) (next int64, err error) {
	o.text = o.text[:0]
	if len(o.members) == 0 {
		return o.end - o.start, o.unpackForeign(at)
	}
	i, _ := slices.BinarySearchFunc(o.members, at, func(m member, at int64) int {
		if m.end <= at {
			return -1
		}
		return 1
	})
	if i == len(o.members) {
		return o.end - o.start, io.ErrUnexpectedEOF
	}
	m := o.members[i]
	if o.text, err = m.read(o.file); err != nil {
		o.text = nil
	}
	o.at = m.start
	return m.end, err
}

// unpackForeign does so where the only way to a place leads through all that is before it.
func (o *openArchive) unpackForeign(at int64) error {
	start := at - at%foreignChunk
	if o.whole == nil || o.next > start {
		in, err := gzip.NewReader(io.NewSectionReader(o.file, 0, o.size))
		if err != nil {
			return err
		}
		o.whole, o.next = in, 0
	}
	skipped, err := io.CopyN(io.Discard, o.whole, start-o.next)
	o.next += skipped
	if err != nil {
		return err
	}
	if cap(o.text) < foreignChunk {
		o.text = make([]byte, 0, foreignChunk)
	}
	n, err := io.ReadFull(o.whole, o.text[:foreignChunk])
	o.text, o.at = o.text[:n], start
	o.next += int64(n)
	if at-start < int64(n) {
		return nil
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return err
}
