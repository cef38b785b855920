package keeper

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A supervisor that is killed must not hold its successor up by ending an inotify instance: the keepers hold it as well,
// and what the one has not read is there for the other.
func TestNoticesAreHandedOn(t *testing.T) {
	dir := t.TempDir()
	fd, err := newNoticeFD()
	must(t, err)
	defer unix.Close(fd)
	handOn := func() {
		copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		must(t, err)
		t.Setenv(noticeVariable, strconv.Itoa(copied))
	}
	handOn()
	first, err := Watch(dir)
	must(t, err)
	first.Stop()
	must(t, AppendRecord(JournalFile(dir), record(1)))
	handOn()
	second, err := Watch(dir)
	must(t, err)
	defer second.Stop()
	select {
	case <-second.Journal:
	case <-time.After(patience):
		t.Error("nothing was said of a record that was written between the two")
	}
}

// Other files are watched by the same instance. Each is told of once; what a predecessor has watched is told of at most
// once more; and neither is taken for news of the runtime directory.
func TestOtherFilesAreWatched(t *testing.T) {
	dir, logs := t.TempDir(), t.TempDir()
	fd, err := newNoticeFD()
	must(t, err)
	defer unix.Close(fd)
	watch := func() Notices {
		copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		must(t, err)
		t.Setenv(noticeVariable, strconv.Itoa(copied))
		n, err := Watch(dir)
		must(t, err)
		return n
	}
	write := func(name string) string {
		path := filepath.Join(logs, name)
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		must(t, err)
		_, err = f.WriteString("a line\n")
		must(t, err)
		must(t, f.Close())
		return path
	}
	watched := func(n Notices, path string) int {
		id, err := n.WatchFile(path)
		must(t, err)
		return id
	}
	changed := func(n Notices, want ...int) {
		t.Helper()
		var ids []int
		for end := time.Now().Add(patience); len(ids) < len(want); {
			select {
			case <-n.Files:
			case <-time.After(time.Until(end)):
				t.Fatalf("%v have changed, should be %v", ids, want)
			}
			more, lost := n.Changed()
			if ids = append(ids, more...); lost {
				t.Error("some were lost")
			}
		}
		if !slices.Equal(ids, want) {
			t.Errorf("%v have changed, should be %v", ids, want)
		}
	}

	first := watch()
	one, two, left := watched(first, write("one")), watched(first, write("two")), watched(first, write("left"))
	write("one")
	changed(first, one)
	write("one") // nobody asks any more
	must(t, os.Rename(filepath.Join(logs, "two"), filepath.Join(logs, "renamed")))
	changed(first, two)
	forgotten := watched(first, write("forgotten"))
	first.ForgetFile(forgotten)
	write("forgotten")
	must(t, os.Remove(write("one")))
	if _, err := first.WatchFile(filepath.Join(logs, "one")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("watching a file that is not there: %v", err)
	}
	first.Stop()
	if _, err := first.WatchFile(filepath.Join(logs, "left")); err == nil {
		t.Error("a file is watched after the end")
	}

	second := watch()
	defer second.Stop()
	three := watched(second, write("three"))
	must(t, os.Remove(filepath.Join(logs, "left")))
	write("three")
	changed(second, left, three)
	must(t, AppendRecord(JournalFile(dir), record(1)))
	<-second.Journal
	select {
	case <-second.Gone:
		t.Error("a file was taken for the runtime directory")
	default:
	}
}
