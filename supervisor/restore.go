package supervisor

import (
	"fmt"
	"time"

	"tend/keeper"
	"tend/process"
)

// restore makes again what somebody has removed from the runtime directory, a cleaner of old files in /tmp perhaps, or all
// of it. Commands would find no supervisor, and start a chain beside this one, which would give up only because of the
// second lock. The keepers, who write to the same directory, are told to do their part.
func (s *Supervisor) restore() {
	keeper.ReopenLog(s.dir)
	if err := s.restoreFiles(); err != nil {
		s.notRestored(err)
		return
	}
	s.restoreAfter = time.Time{}
}

// notRestored has it tried again.
func (s *Supervisor) notRestored(err error) {
	if s.restoreAfter.IsZero() {
		s.logf("the runtime directory was tampered with, and cannot be made again, will try again: %v", err)
	}
	s.restoreAfter = s.now.Add(retryBegin)
}

func (s *Supervisor) restoreFiles() error {
	dir, err := keeper.Directory(s.database)
	if err != nil {
		return err
	}
	if dir != s.dir {
		return fmt.Errorf("the database's path leads somewhere else now: its runtime directory would be %s", dir)
	}
	if err := s.notices.Again(); err != nil { // first, so that nothing is missed
		return err
	}
	if !s.door.InPlace() && s.doorAfter.IsZero() {
		s.logf("the socket is gone, and is made again")
		_ = s.openDoor() // it is tried again by itself
	}
	if process.Alive(s.parent) {
		_ = process.Signal(s.parent, "HUP")
	}
	if err := s.restoreChannels(); err != nil {
		return err
	}
	s.recorded() // what was written while nobody watched
	return s.locks.renew(s.dir)
}
