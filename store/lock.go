package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"tend"
)

// lockMigration makes this process the only one that migrates the database, by flock(2) on a file beside it that
// exists only as long as somebody needs it. SQLite's own lock cannot do it: the copy that is kept is made outside of a
// transaction. A crash leaves the file, which holds nobody up.
func lockMigration(ctx context.Context, path string) (unlock func(), err error) {
	name := path + "-migrating"
	deadline := time.Now().Add(2 * busyTimeout)
	for {
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, fileMode)
		if err != nil {
			return nil, fmt.Errorf("locking the database %s: %w", path, err)
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err != nil && !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			// No locks here: migrations refuse to run twice by themselves, see headerVersions.
			return func() { f.Close() }, nil
		}
		if err == nil && sameFile(f, name) {
			return func() {
				os.Remove(name) // while it is locked: whoever has it open already sees that it is not the same any more
				f.Close()
			}, nil
		}
		f.Close()
		if err == nil {
			continue
		}
		if time.Now().After(deadline) {
			return nil, tend.Errorf(tend.CodeBusy, "another process is migrating the database %s", path).
				WithHint("try again, or find out who: fuser -v %s", quote(name))
		}
		select { // flock has no timeout of its own
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func sameFile(f *os.File, name string) bool {
	opened, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(name)
	return err == nil && os.SameFile(opened, there)
}
