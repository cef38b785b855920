package keeper

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A Shelf keeps open files while no supervisor is there to do so: one end of each is in the queue of a socket that the
// keepers hold, and a supervisor that comes finds all of them in it. See shelf_linux.go.

// ErrNoShelf says that there is no shelf here: the keepers are of a version that had none, or the system is not Linux.
var ErrNoShelf = errors.New("there is no shelf to keep files on")

// What is in the queue is a log, of which the latest entry about a name counts. An entry is its kind, the length of the name
// and the name. The file travels with the entry.
const (
	entryPut   = 'P'
	entryDrop  = 'D'
	entryFixed = 3        // bytes of kind and length
	entryMost  = 16 << 10 // bytes: one that is longer might be divided
)

// entry is one of them, as the supervisor remembers it.
type entry struct {
	kind byte
	name string
}

func (e entry) size() int { return entryFixed + len(e.name) }

func (e entry) bytes() []byte {
	b := append(make([]byte, 0, e.size()), e.kind)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(e.name)))
	return append(b, e.name...)
}

// readEntry reads the entry that the text begins with. It is not whole where the text ends before.
func readEntry(text []byte) (e entry, whole bool, err error) {
	if len(text) == 0 {
		return e, false, nil
	}
	if text[0] != entryPut && text[0] != entryDrop {
		return e, false, fmt.Errorf("reading the shelf: %q begins no entry", text[0])
	}
	if len(text) < entryFixed {
		return e, false, nil
	}
	end := entryFixed + int(binary.LittleEndian.Uint16(text[1:]))
	if len(text) < end {
		return e, false, nil
	}
	return entry{text[0], string(text[entryFixed:end])}, true, nil
}
