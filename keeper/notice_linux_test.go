package keeper

import (
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
