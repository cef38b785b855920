package keeper

import (
	"os"
	"syscall"
	"time"

	"tend"
	"tend/internal/fault"
	"tend/process"
)

// death is a process below this keeper that has ended and has not been reaped.
type death struct {
	pid    int // 0: none
	status syscall.WaitStatus
}

// watch buries the child if it is dead: it is to be back within milliseconds, however many others have died with it and
// whatever has become of the journal.
func (k *keep) watch() {
	if k.child == 0 {
		return
	}
	if d, _ := peek(k.child); d.pid != 0 {
		k.buryChild(d)
	}
}

func (k *keep) buryChild(d death) {
	k.record(d) // a failure is dealt with when the others are buried
	collect(d.pid)
	k.ended(d.status)
}

// bury writes down and reaps everything that is dead, the child before all others, and starts that again when it is due.
// Where the journal cannot be written, it leaves the dead as they are, and comes back after a pause or when the next one
// dies.
func (k *keep) bury() {
	for {
		k.watch()
		k.startIfDue()
		d, children := peek(0)
		k.children = children
		if d.pid == 0 {
			k.buryAt = time.Time{} // nobody is kept waiting
			return
		}
		if d.pid == k.child { // just now; elsewhere than on Linux it has been reaped by looking
			k.buryChild(d)
			continue
		}
		if k.record(d) != nil {
			return
		}
		k.faultAt(fault.OuterRecorded, fault.InnerRecorded)
		collect(d.pid)
		k.faultAt(fault.OuterReaped, fault.InnerReaped)
	}
}

// record appends the death to the journal. A failure is said once, and so is the end of it.
func (k *keep) record(d death) error {
	r := Record{
		Identity: tend.Identity{PID: d.pid, Start: startOf(d.pid)}, WaitStatus: uint32(d.status),
		At: time.Now(), Keeper: os.Getpid(), Mark: uint32(process.ReadMark(d.pid)),
	}
	err := AppendRecord(JournalFile(k.config.Dir), r)
	if err == nil {
		if k.failures > 0 {
			k.say("exits can be written down again")
		}
		k.failures, k.buryAt = 0, time.Time{}
		return nil
	}
	k.failures++
	if k.failures == 1 {
		k.say("the dead are not reaped until their exits can be written down: %v", err)
	}
	k.buryAt = time.Now().Add(doubled(k.failures))
	return err
}

// startOf is the start time of a process that has not been reaped, 0 where it cannot be read.
func startOf(pid int) uint64 {
	stat, err := process.ReadStat(pid)
	if err != nil {
		return 0
	}
	return stat.Start
}
