package supervisor

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"tend"
	"tend/logs"
)

var errNoTurn = errors.New("the supervisor is leaving")

// openOutput opens a file that a run writes its output to and tells where in its stream the run begins. One that is too long
// by now is rotated before, which may be done by any means as long as nobody writes.
func (s *Supervisor) openOutput(log logFile, umask tend.Umask) (file *os.File, offset int64, err error) {
	if !s.logTurns.take(log.path) {
		return nil, 0, errNoTurn
	}
	defer s.logTurns.give(log.path)
	rotated := !log.outside()
	if rotated {
		ready := func() error { return s.starting.Ready(log.path, logs.Limits(log.limits), time.Now()) }
		if s.pipes.pump.Writes(log.path) { // of a run before, something may still be on its way
			err = s.pipes.pump.Without(log.path, ready)
		} else {
			err = ready()
		}
		if err != nil {
			s.logf("%v", err)
		}
	}
	perm := log.permissions(umask)
	file, err = logs.Open(log.path, perm)
	if !log.named && errors.Is(err, fs.ErrNotExist) && s.makeLogDirectory() {
		file, err = logs.Open(log.path, perm)
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return file, 0, nil
	}
	if !rotated {
		return file, logs.Size(log.path), nil // it may have been rotated once
	}
	found, err := s.starting.Look(log.path, 0)
	if err != nil {
		return file, info.Size(), nil
	}
	return file, found.End, nil
}

// permissions are those that the log gets when it is made.
func (f logFile) permissions(umask tend.Umask) os.FileMode {
	if f.named {
		return 0o666 &^ os.FileMode(umask)
	}
	return 0o600
}

// makeLogDirectory makes the directory of the logs again, which somebody has removed, and the lock on it that we had.
func (s *Supervisor) makeLogDirectory() bool {
	if err := os.MkdirAll(logs.Directory(s.database), 0o700); err != nil {
		s.logf("making the directory of the logs: %v", err)
		return false
	}
	s.calls.put(func() {
		if err := s.locks.renewShared(s.database); err != nil {
			s.logf("%v", err)
		}
	})
	return true
}
