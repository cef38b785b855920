package keeper

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A file counts as changed when whoever writes it is done: what is being copied is not whole before that, and what is
// written for ever, as a log is, wakes nobody.

// enterDirectory watches directories. Where one is the runtime directory, it goes on being watched for what it was.
func enterDirectory(queue *os.File) func(path string) (int, error) {
	return func(path string) (id int, err error) {
		const what = unix.IN_CLOSE_WRITE | unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE |
			unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR | unix.IN_MASK_ADD
		closed := withQueue(queue, func(fd int) { id, err = unix.InotifyAddWatch(fd, path, what) })
		if err = errors.Join(closed, err); err != nil {
			return 0, fmt.Errorf("watching %q: %w", path, err)
		}
		return id, nil
	}
}

// directory takes in news of a directory that is watched, and reports whether it was such.
func (t teller) directory(id int, mask uint32, name string) bool {
	if !t.happened.knows(id) {
		return false
	}
	what := Happening{Directory: id, Name: name, Gone: mask&(unix.IN_DELETE|unix.IN_MOVED_FROM) != 0}
	what.Made = mask&unix.IN_CREATE != 0 || mask&(unix.IN_MOVED_TO|unix.IN_ISDIR) == unix.IN_MOVED_TO|unix.IN_ISDIR
	if mask&(unix.IN_IGNORED|unix.IN_DELETE_SELF|unix.IN_MOVE_SELF|unix.IN_UNMOUNT) != 0 {
		what = Happening{Directory: id, Gone: true}
	}
	t.happened.tell(what, mask&unix.IN_IGNORED != 0)
	return true
}

// unknown ends the watching of a directory that only a predecessor has watched.
func (t teller) unknown(queue *os.File, id int) {
	t.happened.unless(id, func() { forgetFile(queue)(id) })
}
