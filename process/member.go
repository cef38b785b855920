package process

import (
	"fmt"
	"os"

	"tend"
)

// Member returns the process of that pid, if it lives and belongs to the run, by what Tree goes by: its mark, its
// environment, its session, or that it descends from the main process. Only that process and those above it are looked at.
func Member(pid int, main tend.Identity, run string) (tend.Identity, error) {
	stat, err := ReadStat(pid)
	if err == nil && (stat.Dead() || !isProcess(pid)) {
		err = ErrGone
	}
	if err != nil {
		return tend.Identity{}, fmt.Errorf("process %d: %w", pid, err)
	}
	if pid == os.Getpid() || stat.Start < main.Start || !belongs(stat, main, run) || !Alive(stat.Identity) {
		return tend.Identity{}, fmt.Errorf("process %d is none of the run's", pid)
	}
	return stat.Identity, nil
}

// belongs reports whether the process says that it is of the run or, where it says nothing, what else there is does.
func belongs(stat Stat, main tend.Identity, run string) bool {
	if mark := ReadMark(stat.PID); mark != 0 {
		return mark == Mark(run)
	}
	if said := readRunID(stat.PID); said != "" {
		return said == run
	}
	if main.IsZero() || Ended(main) {
		return false
	}
	if stat.Session == main.PID {
		return true
	}
	const levels = 100 // while it is read, who is above may end and its pid be given away
	for range levels {
		if stat.Identity == main {
			return true
		}
		above, err := ReadStat(stat.PPID)
		if err != nil || above.Start > stat.Start {
			return false
		}
		stat = above
	}
	return false
}
