package keeper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kballard/go-shellquote"
	"golang.org/x/sys/unix"

	"tend"
)

// lock is an open lock file. The lock on it, if any, belongs to the open file: it is handed on with the descriptor, and
// dropped when the last copy of the descriptor is closed; see flock(2).
type lock struct {
	path string
	fd   int
}

// openLock opens a lock file, and makes it where there is none.
func openLock(path string) (lock, error) { return lockFile(path, unix.O_CREAT) }

// findLock opens a lock file that is there. Who only looks whether the chain's lock is held makes none: that there is none
// tells Launch that one was removed.
func findLock(path string) (lock, error) { return lockFile(path, 0) }

func lockFile(path string, create int) (lock, error) {
	fd, err := unix.Open(path, create|unix.O_RDWR|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return lock{}, WithRoomHint(fmt.Errorf("opening %s: %w", path, err), filepath.Dir(path))
	}
	return lock{path, fd}, nil
}

// WithRoomHint adds to an error that says that a file system is full what can be done about that.
func WithRoomHint(err error, dir string) error {
	if !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EDQUOT) && !errors.Is(err, unix.EFBIG) {
		return err
	}
	return tend.Errorf(tend.CodeFailed, "%w", err).WithHint("make room and try again: df -h %s; df -i %s; quota", shellquote.Join(dir), shellquote.Join(dir))
}

func (l lock) Close() { unix.Close(l.fd) }

// flock locks, and waits for it unless how says otherwise.
func (l lock) flock(how int) error {
	for {
		err := unix.Flock(l.fd, how)
		if err == nil || errors.Is(err, unix.EWOULDBLOCK) {
			return err
		}
		if !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("locking %s: %w", l.path, err)
		}
	}
}

func (l lock) shared() error { return l.flock(unix.LOCK_SH) }

// try locks exclusively, if nobody has any lock.
func (l lock) try() (bool, error) {
	err := l.flock(unix.LOCK_EX | unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// whenFree locks exclusively as soon as nobody has a lock, and then sends it. Nothing can interrupt flock(2) but a signal,
// so it waits in a goroutine of its own, which outlives ctx until the lock is free; then it drops it at once. The lock is
// its own from here on.
func whenFree(ctx context.Context, l lock) (<-chan lock, error) {
	if _, err := l.try(); err != nil { // a file system without locks
		l.Close()
		return nil, err
	}
	free := make(chan lock)
	go func() {
		if l.flock(unix.LOCK_EX) != nil { // which try would have met as well
			l.Close()
			return
		}
		select {
		case free <- l:
		case <-ctx.Done():
			l.Close()
		}
	}()
	return free, nil
}

// What the file of the chain's lock says about the chain; nothing in one that has just been made.
const (
	chainStarted = "a chain was started\n"
	chainLeaves  = "told to leave\n" // so that a Launch that waits for the chain's supervisor starts no other in its place
)

// say writes into the file of the chain's lock. That nothing can be written costs only time: see claim.
func say(chain int, what string) {
	if chain >= 0 && said(chain) != what {
		_ = unix.Ftruncate(chain, 0)
		_, _ = unix.Pwrite(chain, []byte(what), 0)
	}
}

func said(chain int) string {
	b := make([]byte, 64)
	n, _ := unix.Pread(chain, b, 0)
	return string(b[:max(0, n)])
}

// hasLeft reports whether the last chain has left because it was told to.
func hasLeft(dir string) bool {
	what, err := os.ReadFile(keepersLock(dir))
	return err == nil && string(what) == chainLeaves
}
