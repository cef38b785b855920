package keeper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"syscall"

	"github.com/fsnotify/fsnotify"
	"golang.org/x/sys/unix"
)

// ErrDamaged says that a journal held bytes that are no record, of which one was half written when its writer died or
// the disk was full. They are stepped over; nothing else is missing.
var ErrDamaged = errors.New("the exit journal holds damaged bytes")

// AppendRecord writes a record to the end of the journal in one write, and makes the journal where there is none. The
// journal is opened anew for each record, so that it is made again where somebody removed it. It is not flushed to the disk: no
// exit outlives the boot in which it happened.
func AppendRecord(path string, r Record) error {
	journal, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
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

// ReadRecords returns the records at or behind the offset and the offset to go on from; a journal that does not
// exist has none. A journal shorter than the offset is another one, and is read from its beginning. Where bytes had
// to be stepped over, the error is ErrDamaged, and the rest of the answer is good all the same.
func ReadRecords(path string, offset int64) ([]Record, int64, error) {
	journal, err := os.Open(path)
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
	journal, err := os.OpenFile(path, os.O_WRONLY|syscall.O_NOFOLLOW, 0)
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

// FollowRecords sends the records at or behind the offset, and further ones as they are written, until ctx is done;
// then it closes the channel. What cannot be read is said on the standard logger. It fails where the kernel gives no
// notice of changes (inotify(7): each user has a limited number of instances).
func FollowRecords(ctx context.Context, path string, offset int64) (<-chan Record, error) {
	// The directory is watched, not the file: the journal may not exist yet, or be moved away.
	changes, err := fsnotify.NewWatcher()
	if err == nil {
		err = changes.Add(filepath.Dir(path))
	}
	if err != nil {
		if changes != nil {
			changes.Close()
		}
		return nil, fmt.Errorf("following the exit journal: %w", err)
	}
	records := make(chan Record)
	go func() {
		defer close(records)
		defer changes.Close()
		for {
			var fresh []Record
			var err error
			fresh, offset, err = ReadRecords(path, offset)
			if err != nil {
				log.Print(err)
			}
			for _, r := range fresh {
				select {
				case records <- r:
				case <-ctx.Done():
					return
				}
			}
			if !changed(ctx, changes, filepath.Base(path)) {
				return
			}
		}
	}()
	return records, nil
}

// changed waits until the file may have changed; false means that ctx is done.
func changed(ctx context.Context, changes *fsnotify.Watcher, name string) bool {
	for {
		select {
		case <-ctx.Done():
			return false
		case event := <-changes.Events:
			if filepath.Base(event.Name) == name {
				return true
			}
		case <-changes.Errors: // events were lost: look
			return true
		}
	}
}
