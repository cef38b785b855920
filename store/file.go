package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"tend"
)

// ErrNotFound is in the chain of the error when there is no database and none was to be made.
var ErrNotFound error = notFound{}

type notFound struct{}

func (notFound) Error() string        { return "there is no database" }
func (notFound) Is(target error) bool { return target == fs.ErrNotExist }

// Others may neither read nor write the file; a directory is not our affair.
const (
	fileMode    fs.FileMode = 0o600
	othersWrite fs.FileMode = 0o022
	othersAny   fs.FileMode = 0o077
)

// prepare makes sure that there is a file at path that is safe and possible to use, without opening one that exists.
// With loose, others can read it.
func prepare(path string, mode Mode) (loose bool, err error) {
	if err := checkDirectory(path); err != nil {
		return false, err
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if mode == Existing {
			e := tend.Errorf(tend.CodeFailed, "there is no database %s", path).WithHint("a first service makes it: tend run NAME -- COMMAND")
			e.Err = ErrNotFound
			return false, e
		}
		if info, err = create(path); err != nil {
			return false, err
		}
	}
	if err != nil {
		return false, noAccess(path, err)
	}
	return checkFile(path, info)
}

// create makes the empty file before the driver sees it, so that it, and everything that SQLite makes beside it, is
// ours alone from the first moment. A crash after it leaves an empty file, which counts as a database not yet made.
func create(path string) (fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	switch {
	case err == nil:
		if err := errors.Join(f.Chmod(fileMode), f.Close(), syncDirectory(filepath.Dir(path))); err != nil {
			return nil, fmt.Errorf("creating the database %s: %w", path, err)
		}
	case !errors.Is(err, fs.ErrExist):
		return nil, noAccess(path, err)
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		target, _ := os.Readlink(path)
		return nil, tend.Errorf(tend.CodeFailed, "the database %s is a symbolic link to %s, which does not exist", path, target).
			WithHint("remove the link: rm %s", quote(path))
	}
	return info, err
}

// checkDirectory checks that SQLite will be able to make its files beside the database.
func checkDirectory(path string) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist): // not fs.ErrNotExist for the caller: a wrong directory is no empty list
		return tend.Errorf(tend.CodeFailed, "the directory %s of the database does not exist", dir).WithHint("make it: mkdir -p %s", quote(dir))
	case err == nil && !info.IsDir(), errors.Is(err, syscall.ENOTDIR):
		return tend.Errorf(tend.CodeFailed, "the directory %s of the database is not a directory", dir).WithHint("choose another place: export SERVER_FILE=/path/to/server.sqlite")
	case err != nil:
		return noAccess(path, err)
	}
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		e := tend.Errorf(tend.CodeFailed, "the directory %s of the database cannot be written: %w", dir, err)
		if owner(info) == os.Geteuid() && !errors.Is(err, unix.EROFS) {
			return e.WithHint("chmod u+rwx %s", quote(dir))
		}
		return e.WithHint("choose another place: export SERVER_FILE=/path/to/server.sqlite")
	}
	return nil
}

// checkFile refuses what is not a plain file of ours that we can use.
func checkFile(path string, info fs.FileInfo) (loose bool, err error) {
	perm := info.Mode().Perm()
	switch uid := owner(info); {
	case info.IsDir():
		return false, tend.Errorf(tend.CodeUsage, "%s is a directory, not a database", path).
			WithHint("name a file in it: export SERVER_FILE=%s", quote(filepath.Join(path, "server.sqlite")))
	case !info.Mode().IsRegular():
		return false, tend.Errorf(tend.CodeUsage, "%s is not a plain file, so it cannot be a database", path).
			WithHint("choose another place: export SERVER_FILE=/path/to/server.sqlite")
	case uid != os.Geteuid():
		return false, tend.Errorf(tend.CodeFailed, "the database %s belongs to another user (uid %d, you are %d)", path, uid, os.Geteuid()).
			WithHint("use one of your own: export SERVER_FILE=/path/to/server.sqlite")
	case perm&othersWrite != 0:
		return false, tend.Errorf(tend.CodeFailed, "the database %s can be written by others (mode %04o), who could make you run anything", path, perm).
			WithHint("look at it (tend would run what it says), then: chmod 600 %s", quote(path))
	}
	if err := unix.Access(path, unix.R_OK|unix.W_OK); err != nil || perm&0o600 != 0o600 {
		e := tend.Errorf(tend.CodeFailed, "the database %s cannot be read and written (mode %04o)", path, perm)
		if errors.Is(err, unix.EROFS) {
			return false, tend.Errorf(tend.CodeFailed, "the database %s is on a file system that is mounted read-only", path).
				WithHint("choose another place: export SERVER_FILE=/path/to/server.sqlite")
		}
		return false, e.WithHint("chmod 600 %s", quote(path))
	}
	if info.Size() == 0 && fileSize(path+"-wal") > 0 { // SQLite would throw the log away as that of an older file
		return false, tend.Errorf(tend.CodeFailed, "the database %s was truncated: it is empty, but its write-ahead log is not", path).
			WithHint("restore a copy of it; the latest changes are in %s-wal", path)
	}
	return perm&othersAny != 0, nil
}

// shutOut takes the file, which is known to be a database of ours by now, away from those who could read it.
func (s *Store) shutOut() error {
	if err := os.Chmod(s.path, fileMode); err != nil {
		return fmt.Errorf("shutting others out of the database %s: %w", s.path, err)
	}
	s.addNotice("others could read %s; its mode is 0600 now", s.path)
	return nil
}

// noAccess is the error for a path that the system does not let us use.
func noAccess(path string, err error) error {
	return tend.Errorf(tend.CodeFailed, "the database %s cannot be opened: %w", path, errnoOf(err)).
		WithHint("choose another place: export SERVER_FILE=/path/to/server.sqlite")
}

// errnoOf takes the path and the call away from an error: the sentence around it has them.
func errnoOf(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

func owner(info fs.FileInfo) int {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid)
	}
	return os.Geteuid()
}

func fileSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// syncDirectory makes a new name in the directory survive a power failure.
func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}
