package keeper

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Of directories it is told what is written and closed in them, and what comes and goes, by the instance that is handed on.
// What only a predecessor has watched is not watched any more once something happens there.
func TestDirectoriesAreWatched(t *testing.T) {
	runtime, root := t.TempDir(), t.TempDir()
	fd, err := newNoticeFD()
	must(t, err)
	defer unix.Close(fd)
	watch := func() Notices {
		copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
		must(t, err)
		t.Setenv(noticeVariable, strconv.Itoa(copied))
		n, err := Watch(runtime)
		must(t, err)
		return n
	}
	directory := func(n Notices, name string) int {
		path := filepath.Join(root, name)
		must(t, os.MkdirAll(path, 0o700))
		id, err := n.WatchDirectory(path)
		must(t, err)
		return id
	}
	happens := func(n Notices, want ...Happening) {
		t.Helper()
		var got []Happening
		for end := time.After(patience); len(got) < len(want); {
			select {
			case <-n.Directories():
			case <-end:
				t.Fatalf("%+v has happened, should be %+v", got, want)
			}
			all, lost := n.Happened()
			if got = append(got, all...); lost {
				t.Fatal("something was lost")
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v has happened, should be %+v", got, want)
		}
	}
	first := watch()
	a, b := directory(first, "a"), directory(first, "b")
	f, err := os.Create(filepath.Join(root, "a", "x"))
	must(t, err)
	happens(first, Happening{Directory: a, Name: "x", Made: true})
	for range 3 {
		_, err = f.WriteString("a line\n")
		must(t, err)
	}
	must(t, f.Close())
	happens(first, Happening{Directory: a, Name: "x"})
	must(t, os.Rename(filepath.Join(root, "a", "x"), filepath.Join(root, "b", "y")))
	must(t, os.Mkdir(filepath.Join(root, "b", "c"), 0o700))
	must(t, os.Remove(filepath.Join(root, "b", "y")))
	happens(first, Happening{Directory: a, Name: "x", Gone: true}, Happening{Directory: b, Name: "y"},
		Happening{Directory: b, Name: "c", Made: true}, Happening{Directory: b, Name: "y", Gone: true})
	first.Stop()

	second := watch()
	defer second.Stop()
	if again := directory(second, "b"); again != b {
		t.Errorf("the directory had the id %d and has %d", b, again)
	}
	must(t, os.WriteFile(filepath.Join(root, "a", "x"), nil, 0o600)) // only the first has watched it
	must(t, os.WriteFile(filepath.Join(root, "b", "z"), nil, 0o600))
	happens(second, Happening{Directory: b, Name: "z", Made: true}, Happening{Directory: b, Name: "z"})
	if _, err := unix.InotifyRmWatch(fd, uint32(a)); err == nil { // what happened there was read before what happened in b
		t.Error("what a predecessor has watched is watched on")
	}
	if c := directory(second, "c"); c == a || c == b {
		t.Errorf("another directory has the id %d", c)
	}
	second.ForgetDirectory(b)
	must(t, os.RemoveAll(filepath.Join(root, "c")))
	got, _ := second.Happened()
	for end := time.After(patience); len(got) == 0; got, _ = second.Happened() {
		select {
		case <-second.Directories():
		case <-end:
			t.Fatal("nothing was said of a directory that was removed")
		}
	}
	if got[0].Name != "" || !got[0].Gone {
		t.Errorf("of a directory that was removed was said %+v", got)
	}
	must(t, AppendRecord(JournalFile(runtime), record(1)))
	select {
	case <-second.Journal:
	case <-time.After(patience):
		t.Error("the runtime directory is not watched any more")
	}
}
