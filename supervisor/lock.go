package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"tend"
	"tend/keeper"
	"tend/logs"
)

// locks make us the only supervisor of the database. A predecessor in the same runtime directory is on its way out,
// or its keeper is not; it is waited for. A second lock, on the directory of the logs beside the database, finds the
// supervisors that have another runtime directory: another TEND_RUNTIME, a container that shares the file, or one whose
// runtime directory somebody has removed. Network file systems may refuse it; there, hosts are told apart by the states
// (see elsewhere).
//
// Both are flocks on close-on-exec descriptors: they end with us, however we end, and are never on the database file,
// whose locks are SQLite's.
//
// The first one's file holds the identities of all who have had it, and the farewells of those who ended on purpose.
type locks struct {
	own, shared  *os.File
	identity     tend.Identity   // of this process
	predecessors []tend.Identity // of this supervisor
	farewells    []farewell      // of those that ended on purpose
}

func (l *locks) release() {
	l.shared.Close() // of no file it does nothing
	l.own.Close()
}

// lock takes them. With mayBeServed, we are the first of a chain, and there is no need for us when another answers.
func lock(dir, database string, mayBeServed bool) (_ *locks, err error) {
	l := &locks{}
	if l.own, err = openOwnLock(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			l.release()
		}
	}()
	served := func() bool { return mayBeServed && keeper.Answers(context.Background(), dir) }
	if err := lockOwn(l.own, mayBeServed, served); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(logs.Directory(database), 0o700); err != nil {
		return nil, keeper.WithRoomHint(fmt.Errorf("making the directory of the logs: %w", err), filepath.Dir(database))
	}
	if l.shared, err = os.Open(logs.Directory(database)); err != nil {
		return nil, fmt.Errorf("locking the database: %w", err)
	}
	if err := lockShared(l.shared, database, served); err != nil {
		return nil, err
	}
	if err := l.enlist(l.own); err != nil {
		// On a full disk we are not on the list. All that follows is that, were we killed at the one moment in which we
		// bear the mark of a run, the next supervisor would take our end for the run's.
		log.Printf("supervisor %d: writing down who has the lock: %v", os.Getpid(), err)
	}
	return l, nil
}

// takeLocks takes them, and hears meanwhile what it is told: nothing else can interrupt flock(2), and another chain's
// supervisor may have them for long.
func (s *Supervisor) takeLocks() (*locks, error) {
	type taken struct {
		*locks
		err error
	}
	done, given := make(chan taken), make(chan struct{})
	defer close(given)
	go func() {
		l, err := lock(s.dir, s.database, s.awaited)
		select {
		case done <- taken{l, err}:
		case <-given: // up
			if err == nil {
				l.release()
			}
		}
	}()
	for {
		t, err := hear(s, done)
		if err != nil {
			return nil, err
		}
		if t.locks != nil || t.err != nil {
			return t.locks, t.err
		}
	}
}

func openOwnLock(dir string) (*os.File, error) {
	own, err := os.OpenFile(keeper.LockFile(dir), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, keeper.WithRoomHint(fmt.Errorf("locking the database: %w", err), dir)
	}
	return own, nil
}

// errServed says that another supervisor has the database, and answers where we would.
var errServed = errors.New("another supervisor answers")

// A supervisor that has a lock that we want is on its way out, or makes its socket again in a directory that somebody
// has removed. There is no way to wait for a lock and for that at once.
const (
	otherPause    = 20 * time.Millisecond
	otherPatience = 5 * time.Second // with one that has another runtime directory
)

func lockOwn(own *os.File, mayBeServed bool, served func() bool) error {
	if !mayBeServed {
		if err := flock(own, syscall.LOCK_EX); err != nil {
			return fmt.Errorf("locking the database: %w", err)
		}
		return nil
	}
	for ; ; time.Sleep(otherPause) {
		switch err := flock(own, syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return nil
		case err != syscall.EWOULDBLOCK:
			return fmt.Errorf("locking the database: %w", err)
		case served():
			return errServed
		}
	}
}

func lockShared(shared *os.File, database string, served func() bool) error {
	for end := time.Now().Add(otherPatience); flock(shared, syscall.LOCK_EX|syscall.LOCK_NB) == syscall.EWOULDBLOCK; time.Sleep(otherPause) {
		if served() {
			return errServed
		}
		if time.Now().After(end) {
			return tend.Errorf(tend.CodeBusy, "another supervisor holds %s, with another runtime directory or in another container", database).
				WithHint("use the same TEND_RUNTIME everywhere")
		}
	}
	return nil
}

// renew takes the first lock again where somebody has removed its file. Whoever has taken it meanwhile waits for the
// second, and goes when we answer.
func (l *locks) renew(dir string) error {
	opened, err := l.own.Stat()
	if there, statErr := os.Stat(keeper.LockFile(dir)); err == nil && statErr == nil && os.SameFile(opened, there) {
		return nil
	}
	own, err := openOwnLock(dir)
	if err != nil {
		return err
	}
	if err := flock(own, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		own.Close()
		return fmt.Errorf("locking the database: %w", err)
	}
	fresh := &locks{}
	_ = fresh.enlist(own) // our own predecessors are known
	l.own.Close()
	l.own = own
	return nil
}

// renewShared takes the second lock again where somebody has removed the directory of the logs. Another supervisor may have
// it by now, in another container; there is nothing that could be done about that.
func (l *locks) renewShared(database string) error {
	shared, err := os.Open(logs.Directory(database))
	if err != nil {
		return fmt.Errorf("locking the database: %w", err)
	}
	opened, err := l.shared.Stat()
	if there, statErr := shared.Stat(); err == nil && statErr == nil && os.SameFile(opened, there) {
		return shared.Close()
	}
	if err := flock(shared, syscall.LOCK_EX|syscall.LOCK_NB); err == syscall.EWOULDBLOCK {
		shared.Close()
		return fmt.Errorf("locking the database: %w", err)
	}
	l.shared.Close()
	l.shared = shared
	return nil
}

func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); err != syscall.EINTR {
			return err
		}
	}
}
