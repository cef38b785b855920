package logs

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"runtime"
	"slices"
)

// A compressed archive is a row of gzip members, of which each holds memberPlain bytes, the last one what is left: any
// tool that knows gzip reads it. The header of each says in an extra field (RFC 1952, 2.3.1.1) how long the whole member is,
// from the first byte of its header to the last of its trailer, so that a reader gets to any offset by going from header to header.
const memberPlain = 1 << 20

// memberStep is how much is compressed before others have their turn, bytes: less than a millisecond.
const memberStep = 64 << 10

// The extra field: two letters, the length of what follows, and the length of the member, little endian.
const (
	memberMark   = "TD"
	extraSize    = 2 + 2 + 4
	extraOffset  = 12 // where it stands in a header: after the fixed part and its own length
	memberHeader = extraOffset + extraSize
)

// A memberWriter writes members, each with one write.
type memberWriter struct {
	to     io.Writer
	packed bytes.Buffer
	gzip   *gzip.Writer
}

func newMemberWriter(to io.Writer) (*memberWriter, error) {
	w := &memberWriter{to: to}
	var err error
	w.gzip, err = gzip.NewWriterLevel(&w.packed, gzip.BestSpeed)
	return w, err
}

func (w *memberWriter) write(plain []byte) error {
	w.packed.Reset()
	w.gzip.Reset(&w.packed)
	w.gzip.Extra = append([]byte(memberMark), extraSize-4, 0, 0, 0, 0, 0)
	for part := range slices.Chunk(plain, memberStep) {
		if _, err := w.gzip.Write(part); err != nil {
			return err
		}
		runtime.Gosched() // others in this process are in more of a hurry
	}
	if err := w.gzip.Close(); err != nil {
		return err
	}
	member := w.packed.Bytes()
	binary.LittleEndian.PutUint32(member[memberHeader-4:], uint32(len(member)))
	_, err := w.to.Write(member)
	return err
}
