package supervisor

import (
	"os"
	"slices"
	"time"

	"tend"
	"tend/internal/fault"
	"tend/keeper"
	"tend/process"
)

// journal reads what the keepers write about every process that they reap. Records of processes that nobody has asked
// for yet are kept for a while: the run whose process it was may be about to become known.
//
// A new supervisor reads all of it: what the last one had read need not be in the database, because it was still
// looking for what the process had left behind.
type journal struct {
	path      string
	file      os.FileInfo // nil where there was none yet
	offset    int64       // read up to here, bytes
	unclaimed []keeper.Record
}

const maxUnclaimed = 4096

// read takes in what was written since it was last called.
func (j *journal) read() error {
	file, err := os.Stat(j.path)
	if err == nil && (j.file == nil || !os.SameFile(file, j.file)) { // somebody had removed the one before
		j.file, j.offset = file, 0
	}
	records, next, err := keeper.ReadRecords(j.path, j.offset)
	j.offset = next
	j.unclaimed = append(j.unclaimed, records...)
	if surplus := len(j.unclaimed) - maxUnclaimed; surplus > 0 {
		j.unclaimed = append(j.unclaimed[:0], j.unclaimed[surplus:]...)
	}
	return err
}

// exit tells how the process ended, and when, if a keeper has reaped it. It is asked once: nobody is told after that.
func (j *journal) exit(id tend.Identity) (exit tend.Exit, at time.Time, found bool) {
	exit, at, found = j.look(id)
	if found {
		j.unclaimed = slices.DeleteFunc(j.unclaimed, func(r keeper.Record) bool { return r.Identity == id })
	}
	return exit, at, found
}

// look tells the same of a process that somebody else may still ask for. Of one that two keepers have written down, the
// first was there when it ended.
func (j *journal) look(id tend.Identity) (exit tend.Exit, at time.Time, found bool) {
	i := slices.IndexFunc(j.unclaimed, func(r keeper.Record) bool { return r.Identity == id })
	if i < 0 {
		return tend.Exit{}, time.Time{}, false
	}
	return process.ExitOf(j.unclaimed[i].WaitStatus), j.unclaimed[i].At, true
}

// ended finds the record of a process that was reaped before its start time could be read. Start times are compared,
// not what clocks said: those may be set in between.
func (j *journal) ended(pid int, earliest uint64) (keeper.Record, bool) {
	_ = j.read() // a journal that cannot be read now is read, and complained of, at the next exit
	for i := len(j.unclaimed) - 1; i >= 0; i-- {
		if r := j.unclaimed[i]; r.PID == pid && r.Start >= earliest {
			return r, true
		}
	}
	return keeper.Record{}, false
}

// eldest returns the eldest process of the run that a keeper has reaped, and that is none of the exceptions.
func (j *journal) eldest(run string, except []tend.Identity) (eldest tend.Identity, found bool) {
	mark := keeper.MarkOf(run)
	for _, r := range j.unclaimed {
		if mark != 0 && r.Mark == mark && !slices.Contains(except, r.Identity) && (!found || process.ByAge(r.Identity, eldest) < 0) {
			eldest, found = r.Identity, true
		}
	}
	return eldest, found
}

// journalLimit is the size from which the journal is emptied, bytes. Reading so much takes about a millisecond.
const journalLimit = 256 << 10

// emptyJournal empties a journal that has grown, once everything that follows from it is in the database. What is
// written to it meanwhile keeps it from being emptied, and it is tried again with the next commit.
func (s *Supervisor) emptyJournal() {
	j := s.journal
	if j.offset < journalLimit || s.settling > 0 || s.expecting() || slices.ContainsFunc(j.unclaimed, s.concerns) {
		return
	}
	fault.At(fault.SupervisorEmptying)
	emptied, err := keeper.EmptyJournal(j.path, j.offset)
	fault.At(fault.SupervisorEmptied)
	if emptied {
		j.offset = 0
	}
	if err != nil {
		s.logf("%v", err)
	}
}

// expecting reports whether a process has been, or is being, made that is not known yet: the next supervisor would look
// for its end in the journal.
func (s *Supervisor) expecting() bool {
	for _, sv := range s.services {
		if sv.state.Phase.Live() && sv.state.Main.IsZero() && !sv.state.Begun {
			return true
		}
	}
	return false
}

// concerns reports whether the record is of a process whose end has not been taken in.
func (s *Supervisor) concerns(r keeper.Record) bool {
	_, main := s.mains[r.Identity]
	_, member := s.members[r.Identity]
	return main || member || r.Identity == s.parent
}
