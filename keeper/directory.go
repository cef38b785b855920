package keeper

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"tend"
)

// Directory returns the runtime directory of a database, and makes it where it is missing: a directory named after
// the database's real path, in $TEND_RUNTIME or else in /tmp/tend-UID. It is never in XDG_RUNTIME_DIR, which goes away at
// logout. Nobody else can get into it: it is refused where it is not ours, and closed where it is open to others.
func Directory(database string) (string, error) {
	real, err := realPath(database)
	if err != nil {
		return "", tend.Errorf(tend.CodeFailed, "finding the real path of %s: %w", database, err)
	}
	base, ours, err := baseDirectory()
	if err != nil {
		return "", err
	}
	key := sha256.Sum256([]byte(real))
	dir := filepath.Join(base, fmt.Sprintf("%x", key[:6]))
	if longest := Socket(dir) + ".new"; len(longest) >= socketPathSize() {
		return "", tend.Errorf(tend.CodeUsage, "the path of the socket, %s, is %d bytes long, and a socket's path has at most %d",
			longest, len(longest), socketPathSize()-1).WithHint("set TEND_RUNTIME to a directory with a shorter path")
	}
	if ours {
		if err := ownDirectory(base); err != nil {
			return "", err
		}
	}
	if err := ownDirectory(dir); err != nil {
		return "", err
	}
	return dir, nil
}

// socketPathSize is the size of sockaddr_un.sun_path, whose last byte is a NUL; see unix(7).
func socketPathSize() int {
	if runtime.GOOS == "linux" {
		return 108
	}
	return 104
}

// baseDirectory returns the directory that holds the runtime directories, and whether it is ours to make and to close.
// One that the user named and that exists may be open for reading, and is left as it is; it only must be such that
// nobody else can move things in it.
func baseDirectory() (base string, ours bool, err error) {
	named := os.Getenv("TEND_RUNTIME")
	if named == "" {
		return fmt.Sprintf("/tmp/tend-%d", os.Getuid()), true, nil
	}
	if !filepath.IsAbs(named) {
		return "", false, tend.Errorf(tend.CodeUsage, "TEND_RUNTIME is %q, which is not an absolute path", named).WithHint("begin it with a /")
	}
	base, err = filepath.EvalSymlinks(named)
	if errors.Is(err, fs.ErrNotExist) {
		return named, true, nil
	}
	if err != nil {
		return "", false, cannotUse(named, err)
	}
	info, err := os.Lstat(base)
	if err != nil {
		return "", false, cannotUse(base, err)
	}
	if err := checkOwner(base, info); err != nil {
		return "", false, err
	}
	if info.Mode().Perm()&0o022 != 0 {
		return "", false, tend.Errorf(tend.CodeFailed, "%s, named by TEND_RUNTIME, can be written by others", base).
			WithHint("chmod go-w %s, or set TEND_RUNTIME to another directory", base)
	}
	return base, false, nil
}

// ownDirectory makes the directory where it is missing and sees to it that it is ours and that nobody else gets in.
func ownDirectory(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return cannotUse(dir, err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return cannotUse(dir, err)
	}
	if err := checkOwner(dir, info); err != nil {
		return err
	}
	if info.Mode() != fs.ModeDir|0o700 { // made by us under a strange umask, or opened by somebody since
		if err := os.Chmod(dir, 0o700); err != nil {
			return cannotUse(dir, err)
		}
	}
	return nil
}

// remakeDirectory makes a runtime directory anew that somebody has removed, with the one that it is in.
func remakeDirectory(dir string) error {
	base := filepath.Dir(dir)
	if err := os.Mkdir(base, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return cannotUse(base, err)
	}
	info, err := os.Lstat(base)
	if err != nil {
		return cannotUse(base, err)
	}
	if err := checkOwner(base, info); err != nil { // in /tmp somebody else may have been faster
		return err
	}
	return ownDirectory(dir)
}

// checkOwner refuses what is no directory, above all a symbolic link, and what belongs to somebody else.
func checkOwner(dir string, info fs.FileInfo) error {
	const hint = "set TEND_RUNTIME to a directory of your own on a local disk"
	if !info.IsDir() {
		what := "is no directory"
		if info.Mode()&fs.ModeSymlink != 0 {
			what = "is a symbolic link"
		}
		return tend.Errorf(tend.CodeFailed, "%s, where tend's socket and locks belong, %s", dir, what).WithHint("remove it, or %s", hint)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return tend.Errorf(tend.CodeFailed, "%s, where tend's socket and locks belong, is owned by user %d, not by you (user %d)",
			dir, stat.Uid, os.Geteuid()).WithHint(hint)
	}
	return nil
}

func cannotUse(dir string, err error) error {
	if hinted := WithRoomHint(fmt.Errorf("making the runtime directory: %w", err), filepath.Dir(dir)); tend.AsError(hinted).Hint != "" {
		return hinted
	}
	return tend.Errorf(tend.CodeFailed, "making the runtime directory: %w", err).
		WithHint("set TEND_RUNTIME to a directory of your own on a local disk; %s cannot be used", dir)
}

// realPath returns the path by which a file is known to everybody: absolute and without symbolic links, whether the
// file exists already or not. A link to a file that is yet to be made leads to where it will be made.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	const most = 40 // as many links as the kernel follows; see path_resolution(7)
	for range most {
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return "", err
		}
		path = filepath.Join(dir, filepath.Base(path))
		target, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link, or nothing there yet
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(dir, target)
		}
		path = target
	}
	return "", &fs.PathError{Op: "readlink", Path: path, Err: syscall.ELOOP}
}
