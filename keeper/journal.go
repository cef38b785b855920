package keeper

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrDamaged says that a journal held bytes that are no record, of which one was half written when its writer died or
// the disk was full. They are stepped over; nothing else is missing.
var ErrDamaged = errors.New("the exit journal holds damaged bytes")

// AppendRecord writes a record to the end of the journal in one write, and makes the journal where there is none, with
// its directory. The journal is opened anew for each record, so that it is made again where somebody removed it. It is not
// flushed to the disk: no exit outlives the boot in which it happened.
func AppendRecord(path string, r Record) error {
	const flags = os.O_WRONLY | os.O_APPEND | os.O_CREATE
	journal, err := openJournal(path, flags)
	if err != nil && restoreJournal(path) == nil {
		journal, err = openJournal(path, flags)
	}
	if err != nil {
		return fmt.Errorf("opening the exit journal: %w", err)
	}
	// A lock that is held means that the journal is just being emptied. It is not waited for: nothing may hold a keeper up.
	if err = unix.Flock(int(journal.Fd()), unix.LOCK_SH|unix.LOCK_NB); err == nil {
		_, err = journal.Write(r.encode(here()))
	}
	if err = errors.Join(err, journal.Close()); err != nil {
		return fmt.Errorf("writing to the exit journal: %w", err)
	}
	return nil
}

// errNoJournal says that something else has the journal's name.
var errNoJournal = errors.New("it is no plain file")

// openJournal opens the journal. It never waits, as for a writer or a reader of a pipe that somebody has put in its place.
func openJournal(path string, flags int) (*os.File, error) {
	journal, err := os.OpenFile(path, flags|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	info, err := journal.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: errNoJournal}
	}
	if err != nil {
		journal.Close()
		return nil, err
	}
	return journal, nil
}

// restoreJournal makes room for a journal at a path where none could be opened: its directory is gone, it was shut, or
// something else is there, which is set aside.
func restoreJournal(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return remakeDirectory(filepath.Dir(path))
	case err != nil:
		return err
	case info.Mode().IsRegular():
		return os.Chmod(path, 0o600)
	}
	return os.Rename(path, fmt.Sprintf("%s.set-aside-%d", path, time.Now().UnixNano()))
}

// ReadRecords returns the records at or behind the offset and the offset to go on from; a journal that does not
// exist has none. A journal shorter than the offset is another one, and is read from its beginning. Where bytes had
// to be stepped over, the error is ErrDamaged, and the rest of the answer is good all the same.
func ReadRecords(path string, offset int64) ([]Record, int64, error) {
	journal, err := openJournal(path, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, offset, fmt.Errorf("opening the exit journal: %w", err)
	}
	defer journal.Close()
	info, err := journal.Stat()
	if err != nil {
		return nil, offset, fmt.Errorf("reading the exit journal: %w", err)
	}
	if offset < 0 || offset > info.Size() {
		offset = 0
	}
	b, err := io.ReadAll(io.NewSectionReader(journal, offset, info.Size()-offset))
	if err != nil {
		return nil, offset, fmt.Errorf("reading the exit journal: %w", err)
	}
	records, done, damaged := parse(b, here())
	for i := range records {
		records[i].Next += offset
	}
	if damaged > 0 {
		err = fmt.Errorf("%w: %d bytes before offset %d of %s", ErrDamaged, damaged, offset+done, path)
	}
	return records, offset + done, err
}

// EmptyJournal empties a journal that has been read up to the offset, unless something is written behind it or just
// being written; emptied tells. Whoever remembers the offset must have written down 0 before: a crash in between
// then means that records are read twice, not that some are never read.
func EmptyJournal(path string, offset int64) (emptied bool, err error) {
	journal, err := openJournal(path, os.O_WRONLY)
	if err != nil {
		return false, fmt.Errorf("emptying the exit journal: %w", err)
	}
	defer journal.Close()
	if unix.Flock(int(journal.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return false, nil
	}
	defer unix.Flock(int(journal.Fd()), unix.LOCK_UN) // closing is not enough: what is just being started has a copy
	info, err := journal.Stat()
	if err == nil && info.Size() == offset {
		emptied, err = true, journal.Truncate(0)
	}
	if err != nil {
		return false, fmt.Errorf("emptying the exit journal: %w", err)
	}
	return emptied, nil
}
