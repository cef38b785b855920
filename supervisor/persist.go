package supervisor

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"tend"
	"tend/keeper"
)

// Why a supervisor ends before it has begun, besides a failure.
var (
	errReplaced = errors.New("another supervisor takes over")
	errLeaves   = errors.New("everything is being left, and what there is cannot be read")
)

// retryBegin is the pause before a supervisor tries again to begin: nothing tells when a full disk has room again, or when
// somebody puts the database back.
const retryBegin = time.Second

// persist tries until it succeeds. What a supervisor begins with may be in the way of it for a while: the disk is full, or
// somebody holds the database, or has moved it away. Ending for that, to be started again by the keeper after ever longer
// pauses, would help nobody. Only where somebody waits for us to begin is the failure returned, for them to see; and where
// everything is to be left, there is nothing to wait for.
func (s *Supervisor) persist(try func() error) error {
	var said string
	for {
		err := try()
		if err == nil || s.awaited || s.replaced || errors.Is(err, errServed) {
			return err
		}
		if said != err.Error() {
			said = err.Error()
			s.logf("cannot begin, will try again: %v", err)
		}
		if s.leaving {
			return errLeaves
		}
		pause := retryBegin
		if tend.CodeOf(err) == tend.CodeBusy {
			pause = retryBusy // it has been waited for already
		}
		if err := s.patience(pause); err != nil {
			return err
		}
	}
}

// patience waits, and returns early, with an error, where there is no sense in going on.
func (s *Supervisor) patience(pause time.Duration) error {
	enough := time.NewTimer(pause)
	defer enough.Stop()
	_, err := hear(s, enough.C)
	return err
}

// hear waits for a value, and returns early, with an error where there is no sense in waiting, and with none when
// everything is to be left.
func hear[T any](s *Supervisor, values <-chan T) (v T, err error) {
	for {
		select {
		case v = <-values:
			return v, nil
		case gone := <-s.watcher.Exits():
			if gone.Identity == s.parent {
				s.orphaned()
				return v, errReplaced
			}
		case signal := <-s.signals:
			s.signalled(signal)
			switch {
			case s.replaced:
				return v, errReplaced
			case signal == syscall.SIGUSR1:
				return v, nil
			}
		}
	}
}

// Pauses between attempts to start another chain. An attempt takes long where a chain lives whose supervisor cannot begin,
// and one that is given up leaves a thread behind, which waits for a lock.
const (
	firstLaunchPause   = 100 * time.Millisecond
	longestLaunchPause = 10 * time.Second
	launchTimeout      = 10 * time.Minute
)

// launch sees to it that there is another supervisor: the outer keeper is just starting one, or, when it is gone as well
// or goes before it has, we start another chain. What is in the way of that is waited out, for nobody else may be there
// to do it. SIGTERM does not end it: it asks for another supervisor, as a keeper may have done just before it was killed.
func (s *Supervisor) launch() {
	for pause := firstLaunchPause; ; pause = min(2*pause, longestLaunchPause) {
		ctx, cancel := context.WithTimeout(s.ctx, launchTimeout)
		dir, err := keeper.Directory(s.database) // somebody may have removed it
		if err == nil {
			keeper.Wake(dir) // the outer keeper is to start the next, but may be stopped
			err = keeper.LaunchWith(ctx, dir, os.Environ(), s.shelf)
		}
		cancel()
		if err == nil {
			return
		}
		s.logf("there is no other supervisor yet, will try again in %s: %v", pause, err)
		time.Sleep(pause)
	}
}
