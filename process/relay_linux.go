package process

import (
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"tend"
)

// A relay is a program of which each process starts the next and ends at once. None of them lives as long as it takes
// to read all of /proc, so a look there sees, at best, dead ones. But each is orphaned at once, and so is among the
// children of the keeper, the last one there; and from this list to its pidfd it is some microseconds.

// glimpse looks at the children of the keepers some times and adds those that are new. What tells whose they are is read
// at once.
func (s *Snapshot) glimpse() {
	const times = 4
	parents := keepers()
	for range times {
		for _, parent := range parents {
			pids := childrenNow(parent)
			for _, pid := range slices.Backward(pids) {
				if _, known := s.processes[pid]; known {
					continue
				}
				s.arrived(pid)
			}
		}
	}
	s.sort()
}

// arrived takes in a process that was not there before.
func (s *Snapshot) arrived(pid int) {
	stat, err := ReadStat(pid)
	if err != nil {
		*s.missed = true
		return
	}
	if p := s.insert(stat); p.markRead() == 0 && p.runID() == "" && p.gone {
		*s.missed = true
	}
}

// childrenNow reads the list of children that orphans are added to, in one go: the first thread's, see
// proc_pid_children(5).
func childrenNow(parent int) []int {
	if !Probe().Has("children") {
		return nil
	}
	pid := strconv.Itoa(parent)
	text, err := readFile(unix.AT_FDCWD, "/proc/"+pid+"/task/"+pid+"/children", make([]byte, 0, 4096))
	if err != nil {
		return nil
	}
	return numbers(text)
}

// Suspend stops (SIGSTOP) those processes of a run that are children of the keepers, or of others that it has stopped,
// until for a while there is nobody new, or for as long as it may. It returns whom it stopped. What is suspended starts
// nothing: it can be ended at leisure.
func Suspend(main tend.Identity, run string, atMost time.Duration) []tend.Identity {
	const quiet = 5 * time.Millisecond // a relay that runs shows itself many times in that
	c := catch{main: main, run: run, mark: Mark(run), known: map[int]bool{0: true, 1: true, os.Getpid(): true}}
	parents := keepers()
	for _, pid := range parents {
		c.known[pid] = true
	}
	begun := time.Now()
	last := begun
	for now := begun; now.Sub(begun) < atMost && now.Sub(last) < quiet; now = time.Now() {
		fresh := false
		for _, parent := range parents {
			fresh = c.children(parent, false) || fresh
		}
		for i := 0; i < len(c.caught); i++ {
			fresh = c.children(c.caught[i].PID, true) || fresh
		}
		if fresh {
			last = now
		}
	}
	return c.caught
}

// catch is a Suspend under way.
type catch struct {
	main   tend.Identity
	run    string
	mark   uint64
	known  map[int]bool // need not be looked at again
	caught []tend.Identity
}

// children suspends those children of a process that belong to the run, all of them if it is suspended itself. It reports
// whether there was a trace of any, living or dead.
func (c *catch) children(parent int, suspended bool) (trace bool) {
	for _, pid := range slices.Backward(childrenNow(parent)) {
		if !c.known[pid] {
			trace = c.suspend(pid, parent, suspended) || trace
		}
	}
	return trace
}

// suspend stops a child of the parent. The pidfd is opened first: where the signal arrives, the pid was its all the time.
func (c *catch) suspend(pid, parent int, ours bool) (trace bool) {
	pidfd := -1
	if Probe().Has("pidfd") {
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			return false
		}
		defer unix.Close(fd)
		pidfd = fd
	}
	stat, err := ReadStat(pid)
	if err != nil || stat.PPID != parent {
		return false
	}
	c.known[pid] = true
	if stat.Start < c.main.Start || !ours && !c.belongs(stat) {
		return false
	}
	if stat.Dead() {
		return true
	}
	if pidfd >= 0 {
		err = unix.PidfdSendSignal(pidfd, unix.SIGSTOP, nil, 0)
	} else {
		err = signalByPID(stat.Identity, unix.SIGSTOP)
	}
	if err == nil {
		c.caught = append(c.caught, stat.Identity)
	}
	return true
}

// belongs reports whether a child of a keeper is of the run: it bears the mark, or it is in the session, or its
// environment says so.
func (c *catch) belongs(stat Stat) bool {
	if mark := ReadMark(stat.PID); mark != 0 {
		return mark == c.mark
	}
	if stat.Session == c.main.PID && !c.main.IsZero() {
		leader, err := ReadStat(c.main.PID)
		return err != nil || leader.Start == c.main.Start // or the pid, and with it the session's number, was given away
	}
	return !stat.Dead() && c.run != "" && readRunID(stat.PID) == c.run
}
