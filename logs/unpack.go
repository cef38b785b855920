package logs

import (
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
)

// member is where a member is in its file, and what part of the text it holds.
type member struct {
	at, length int64 // in the file
	start, end int64 // in the text
}

// errForeign: it was compressed by somebody else, in one piece of unknown length.
var errForeign = errors.New("it is not made of members that tell their length")

// findMembers hops through a compressed archive of that size. What comes after a member that is not whole is left out.
func findMembers(file io.ReaderAt, size int64) ([]member, error) {
	var found []member
	for at, text := int64(0), int64(0); at < size; {
		var header [memberHeader]byte
		if _, err := file.ReadAt(header[:], at); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		length, ok := memberLength(header)
		if !ok {
			return nil, errForeign
		}
		if length <= memberHeader || at+length > size {
			break
		}
		var plain [4]byte // the trailer ends with the length of the text
		if _, err := file.ReadAt(plain[:], at+length-4); err != nil {
			return nil, err
		}
		m := member{at: at, length: length, start: text, end: text + int64(binary.LittleEndian.Uint32(plain[:]))}
		found = append(found, m)
		at, text = at+length, m.end
	}
	return found, nil
}

// memberLength reads the length of a member from its header.
func memberLength(header [memberHeader]byte) (int64, bool) {
	const extra = 4 // flag: there is an extra field
	ok := header[0] == 0x1f && header[1] == 0x8b && header[3] == extra &&
		binary.LittleEndian.Uint16(header[extraOffset-2:]) == extraSize && string(header[extraOffset:extraOffset+2]) == memberMark
	return int64(binary.LittleEndian.Uint32(header[memberHeader-4:])), ok
}

// read returns what the member holds.
func (m member) read(file io.ReaderAt) ([]byte, error) {
	if m.end-m.start > memberPlain {
		return nil, errForeign
	}
	in, err := gzip.NewReader(io.NewSectionReader(file, m.at, m.length))
	if err != nil {
		return nil, err
	}
	text := make([]byte, m.end-m.start)
	if _, err := io.ReadFull(in, text); err != nil {
		return nil, err
	}
	if n, err := in.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) { // the checksum is compared at the end
		return nil, errors.Join(errForeign, err)
	}
	return text, nil
}
