package keeper

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"tend"
)

func record(pid int) Record {
	return Record{
		Identity: tend.Identity{PID: pid, Start: 1<<40 + uint64(pid)}, WaitStatus: 0x2500, At: time.Unix(1, int64(pid)), Keeper: 77, Mark: 9,
	}
}

func pidsOf(records []Record) (pids []int) {
	for _, r := range records {
		pids = append(pids, r.PID)
	}
	return pids
}

func TestJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "exits")
	if records, next, err := ReadRecords(path, 640); records != nil || next != 0 || err != nil {
		t.Errorf("no journal: %v, %d, %v", records, next, err)
	}
	for pid := 1; pid <= 3; pid++ {
		must(t, AppendRecord(path, record(pid)))
	}
	records, next, err := ReadRecords(path, 0)
	if err != nil || next != 3*recordSize || len(records) != 3 {
		t.Fatalf("%v, %d, %v", records, next, err)
	}
	for i, got := range records {
		want := record(i + 1)
		want.Next = int64(i+1) * recordSize
		if got != want {
			t.Errorf("read %+v, wrote %+v", got, want)
		}
		rest, next, err := ReadRecords(path, got.Next)
		if len(rest) != 2-i || next != 3*recordSize || err != nil {
			t.Errorf("from record %d on: %v, %d, %v", i+1, rest, next, err)
		}
	}
	must(t, os.Truncate(path, recordSize))
	if records, next, err := ReadRecords(path, 3*recordSize); len(records) != 1 || next != recordSize || err != nil {
		t.Errorf("a shorter journal: %v, %d, %v", records, next, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// Whatever is damaged, every other record is read, once.
func TestJournalDamaged(t *testing.T) {
	one, two := record(1).encode(here()), record(2).encode(here())
	for cut := range recordSize {
		path := filepath.Join(t.TempDir(), "exits")
		must(t, os.WriteFile(path, slices.Concat(one, two[:cut]), 0o600))
		records, next, err := ReadRecords(path, 0)
		if !slices.Equal(pidsOf(records), []int{1}) || next != recordSize || err != nil {
			t.Fatalf("%d bytes of a record: %v, %d, %v", cut, records, next, err)
		}
		must(t, AppendRecord(path, record(3)))
		records, next, err = ReadRecords(path, next)
		if !slices.Equal(pidsOf(records), []int{3}) || next != int64(2*recordSize+cut) || cut > 0 != errors.Is(err, ErrDamaged) {
			t.Fatalf("%d bytes of a record, and one: %v, %d, %v", cut, records, next, err)
		}
	}
	for i := range recordSize {
		spoilt := slices.Clone(two)
		spoilt[i] ^= 0x20
		path := filepath.Join(t.TempDir(), "exits")
		must(t, os.WriteFile(path, slices.Concat(one, spoilt, one), 0o600))
		records, next, err := ReadRecords(path, 0)
		if !slices.Equal(pidsOf(records), []int{1, 1}) || next != 3*recordSize || !errors.Is(err, ErrDamaged) {
			t.Fatalf("byte %d spoilt: %v, %d, %v", i, records, next, err)
		}
	}
}

func TestEmptyJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "exits")
	must(t, AppendRecord(path, record(1)))
	must(t, AppendRecord(path, record(2)))
	if emptied, err := EmptyJournal(path, recordSize); emptied || err != nil {
		t.Errorf("a journal with a record that nobody has read: %v, %v", emptied, err)
	}
	writer, err := os.Open(path)
	must(t, err)
	must(t, unix.Flock(int(writer.Fd()), unix.LOCK_SH))
	if emptied, err := EmptyJournal(path, 2*recordSize); emptied || err != nil {
		t.Errorf("while a keeper writes: %v, %v", emptied, err)
	}
	must(t, unix.Flock(int(writer.Fd()), unix.LOCK_EX))
	if err := AppendRecord(path, record(3)); err == nil {
		t.Error("a record was written while the journal was being emptied")
	}
	writer.Close()
	if emptied, err := EmptyJournal(path, 2*recordSize); !emptied || err != nil {
		t.Errorf("a journal that has been read: %v, %v", emptied, err)
	}
	must(t, AppendRecord(path, record(4)))
	if records, _, err := ReadRecords(path, 2*recordSize); !slices.Equal(pidsOf(records), []int{4}) || err != nil {
		t.Errorf("after that: %v, %v", records, err)
	}
}

// The same pid and start time may have been somebody else's before a reboot, or in another container.
func TestJournalOfAnotherBoot(t *testing.T) {
	boot, namespace := here(), here()
	boot.boot[3]++
	namespace.namespace++
	path := filepath.Join(t.TempDir(), "exits")
	must(t, os.WriteFile(path, slices.Concat(record(1).encode(boot), record(2).encode(namespace), record(3).encode(here())), 0o600))
	records, next, err := ReadRecords(path, 0)
	if !slices.Equal(pidsOf(records), []int{3}) || next != 3*recordSize || err != nil {
		t.Errorf("%v, %d, %v", records, next, err)
	}
	if here() == (scene{}) {
		t.Error("this place has no name")
	}
}

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	path := JournalFile(dir)
	notices, err := Watch(dir)
	must(t, err)
	await := func(what string, tokens <-chan struct{}) {
		t.Helper()
		select {
		case <-tokens:
		case <-time.After(time.Minute):
			t.Fatalf("no notice of %s", what)
		}
	}
	var offset int64
	for pid := range 1000 {
		if pid == 500 {
			must(t, os.Rename(path, path+".old")) // everything so far has been read
		}
		must(t, AppendRecord(path, record(pid)))
		for found := false; !found; {
			await("a record", notices.Journal)
			var records []Record
			records, offset, err = ReadRecords(path, offset)
			must(t, err)
			found = slices.Equal(pidsOf(records), []int{pid})
			if !found && len(records) > 0 {
				t.Fatalf("%v, want the record of %d", records, pid)
			}
		}
	}
	must(t, os.WriteFile(Socket(dir), nil, 0o600))
	must(t, os.Remove(Socket(dir)))
	await("the end of the socket", notices.Gone)
	must(t, os.WriteFile(LockFile(dir), nil, 0o600))
	must(t, os.RemoveAll(dir))
	await("the end of everything", notices.Gone)
	must(t, os.Mkdir(dir, 0o700))
	must(t, notices.Again())
	must(t, AppendRecord(path, record(1)))
	await("a record in another directory", notices.Journal)
	notices.Stop()
}

// Whatever is in the way of the journal, keepers write it, and nobody waits.
func TestJournalIsMadeAgain(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"it is removed":                func(path string) error { return os.Remove(path) },
		"its directory is removed":     func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
		"all directories are removed":  func(path string) error { return os.RemoveAll(filepath.Dir(filepath.Dir(path))) },
		"it is a directory":            func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
		"it is a full directory":       func(path string) error { return errors.Join(os.Remove(path), os.MkdirAll(path+"/x/y", 0o700)) },
		"it is a pipe":                 func(path string) error { return errors.Join(os.Remove(path), unix.Mkfifo(path, 0o600)) },
		"it is a link to nothing":      func(path string) error { return errors.Join(os.Remove(path), os.Symlink("/nonexistent", path)) },
		"it is a link to another file": func(path string) error { return errors.Join(os.Rename(path, path+"2"), os.Symlink(path+"2", path)) },
		"it is shut":                   func(path string) error { return os.Chmod(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "base", "dir", "exits")
			must(t, os.MkdirAll(filepath.Dir(path), 0o700))
			must(t, AppendRecord(path, record(1)))
			for round := range 2 {
				must(t, spoil(path))
				ReadRecords(path, 0) // must come back
				EmptyJournal(path, 0)
				must(t, AppendRecord(path, record(2+round)))
				records, _, err := ReadRecords(path, 0)
				must(t, err)
				if len(records) == 0 || records[len(records)-1].PID != 2+round {
					t.Errorf("the journal holds %v", records)
				}
			}
		})
	}
}
