package keeper

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"strings"
	"sync"
	"time"

	"tend"
	"tend/process"
)

// Record says how one process ended. There may be several of one process, see the package comment: the first counts.
type Record struct {
	tend.Identity
	WaitStatus uint32    // as wait(2) returns it
	At         time.Time // when a keeper saw it
	Keeper     int       // pid of that keeper
	Mark       uint32    // low half of the mark that it had, 0 for none; see MarkOf
	Next       int64     // offset in the journal behind this record; set by the reader
}

// MarkOf returns the Mark of the records of a run: of its main process, and of whatever that had started. Another run
// has the same only as chance goes, one in 2^32. 0 means that there are no marks here.
func MarkOf(run string) uint32 { return uint32(process.Mark(run)) }

// A record in the journal is 64 bytes, little-endian. Its size divides the size of a page, so that no record of a
// healthy journal is ever seen in halves.
//
//	 0  magic                 8
//	 8  pid                   4
//	12  wait status           4
//	16  start time            8
//	24  unix time, ns         8
//	32  pid of the keeper     4
//	36  pid namespace         4   low half of its inode
//	40  boot id              16
//	56  mark                  4   low half
//	60  CRC-32 of the others  4
const recordSize = 64

const magic = "tendend1"

// scene is the boot and the pid namespace in which a record's pid and start time mean something.
type scene struct {
	boot      [16]byte
	namespace uint32
}

// here is where this process is. What cannot be known is zero for writer and reader alike.
var here = sync.OnceValue(func() scene {
	place, err := process.Here()
	if err != nil {
		return scene{}
	}
	s := scene{namespace: uint32(place.Namespace)}
	boot, _ := hex.DecodeString(strings.ReplaceAll(place.Boot, "-", "")) // no hexadecimal number: no boot id
	copy(s.boot[:], boot)
	return s
})

func (r Record) encode(at scene) []byte {
	b := make([]byte, 0, recordSize)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, uint32(r.PID))
	b = binary.LittleEndian.AppendUint32(b, r.WaitStatus)
	b = binary.LittleEndian.AppendUint64(b, r.Start)
	b = binary.LittleEndian.AppendUint64(b, uint64(r.At.UnixNano()))
	b = binary.LittleEndian.AppendUint32(b, uint32(r.Keeper))
	b = binary.LittleEndian.AppendUint32(b, at.namespace)
	b = append(b, at.boot[:]...)
	b = binary.LittleEndian.AppendUint32(b, r.Mark)
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// decode reads a record from the first recordSize bytes; ok is false where there is none.
func decode(b []byte) (r Record, at scene, ok bool) {
	if len(b) < recordSize || string(b[:8]) != magic || crc32.ChecksumIEEE(b[:60]) != binary.LittleEndian.Uint32(b[60:]) {
		return Record{}, scene{}, false
	}
	r.PID = int(binary.LittleEndian.Uint32(b[8:]))
	r.WaitStatus = binary.LittleEndian.Uint32(b[12:])
	r.Start = binary.LittleEndian.Uint64(b[16:])
	r.At = time.Unix(0, int64(binary.LittleEndian.Uint64(b[24:])))
	r.Keeper = int(binary.LittleEndian.Uint32(b[32:]))
	at.namespace = binary.LittleEndian.Uint32(b[36:])
	copy(at.boot[:], b[40:56])
	r.Mark = binary.LittleEndian.Uint32(b[56:])
	return r, at, true
}

// parse returns the records of the scene in b, how many bytes of b are done with, and how many of these were no
// record. The end of b is not done with as long as it could be the beginning of a record.
func parse(b []byte, at scene) (records []Record, done, damaged int64) {
	for int(done) < len(b) {
		rest := b[done:]
		if r, where, ok := decode(rest); ok {
			done += recordSize
			if where == at {
				r.Next = done
				records = append(records, r)
			}
			continue
		}
		if len(rest) < recordSize && couldBegin(rest) {
			break
		}
		skip := int64(nextMagic(rest))
		done += skip
		damaged += skip
	}
	return records, done, damaged
}

// couldBegin reports whether a short b may be a record in the making.
func couldBegin(b []byte) bool {
	n := min(len(b), len(magic))
	return string(b[:n]) == magic[:n]
}

// nextMagic returns where in b, behind its first byte, the next record may begin.
func nextMagic(b []byte) int {
	if i := bytes.Index(b[1:], []byte(magic)); i >= 0 {
		return 1 + i
	}
	for i := max(1, len(b)-len(magic)+1); i < len(b); i++ {
		if couldBegin(b[i:]) {
			return i
		}
	}
	return len(b)
}
