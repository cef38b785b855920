package logs

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// probe finds out what can be done with files in the directory. The error says that no file can be made there.
func probe(directory string, without func(string) bool) (ability, error) {
	file, err := scratch(directory)
	if err != nil {
		return ability{}, fmt.Errorf("trying out what %q can do: %w", directory, err)
	}
	defer file.Close()
	var a ability
	if !without(Collapse) {
		a.unit, err = probeCollapse(file)
	}
	if err == nil && !without(Punch) {
		a.punch, err = probePunch(file)
	}
	if err != nil { // what was in the way may be so no more when it is tried again
		return ability{}, fmt.Errorf("trying out what %q can do: %w", directory, err)
	}
	a.leases = !without(Lease) && probeLease(file)
	return a, nil
}

// scratch makes a file without a name: whatever becomes of us, nothing is left of it.
func scratch(directory string) (*os.File, error) {
	fd, err := unix.Open(directory, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err == nil {
		return os.NewFile(uintptr(fd), filepath.Join(directory, "(no name)")), nil
	}
	file, err := os.CreateTemp(directory, ".tend-*.probe") // an old kernel, or a file system that has none
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}

// probeCollapse returns the smallest unit that works. It insists on being able to tell afterwards from the places on the
// disk that it was done: without that a crash would leave us not knowing.
func probeCollapse(file *os.File) (unit int64, err error) {
	for _, unit := range units {
		content := numbered(3 * unit)
		if err := rewrite(file, content); err != nil {
			return 0, onlyFull(err)
		}
		first, ok1 := blockAt(file, 0)
		next, ok2 := blockAt(file, unit)
		if !ok1 || !ok2 || first == next {
			return 0, nil
		}
		if collapse(file, unit) != nil {
			continue
		}
		now, ok := blockAt(file, 0)
		if ok && now == next && holds(file, content[unit:]) {
			return unit, nil
		}
	}
	return 0, nil
}

func probePunch(file *os.File) (bool, error) {
	unit := units[1]
	content := numbered(2 * unit)
	if err := rewrite(file, content); err != nil {
		return false, onlyFull(err)
	}
	if err := punch(file, 0, unit); err != nil {
		return false, onlyFull(err)
	}
	clear(content[:unit])
	return holds(file, content), nil
}

// onlyFull is the error if it says that there is no room, which says nothing about what the file system can do.
func onlyFull(err error) error {
	if isFull(err) {
		return err
	}
	return nil
}

// probeLease: while the file is open for writing there must be no lease, and one when nobody has it open.
func probeLease(file *os.File) bool {
	name := "/proc/self/fd/" + strconv.Itoa(int(file.Fd()))
	reader, err := os.Open(name)
	if err != nil {
		return false
	}
	defer reader.Close()
	if whoWrites(reader) != writersSome {
		return false
	}
	_ = file.Close()
	return whoWrites(reader) == writersNone
}

func rewrite(file *os.File, content []byte) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt(content, 0)
	return err
}

func holds(file *os.File, content []byte) bool {
	info, err := file.Stat()
	if err != nil || info.Size() != int64(len(content)) {
		return false
	}
	found := make([]byte, len(content))
	_, err = file.ReadAt(found, 0)
	return err == nil && bytes.Equal(found, content)
}

// numbered is content of which no part is like another, and none a NUL.
func numbered(size int64) []byte {
	content := make([]byte, 0, size)
	for i := uint64(1); int64(len(content)) < size; i++ {
		content = binary.BigEndian.AppendUint64(content, i|0xFFFFFFFF<<32)
	}
	return content[:size]
}
