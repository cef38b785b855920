package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"tend"
)

// Scan looks at every process that we may see, once, and then some times at the children of the keepers, which orphans
// fall to: what forks and ends all the time is never there long enough to be found by reading thousands of files.
func Scan() (Snapshot, error) {
	all, err := readAll()
	if err != nil {
		return Snapshot{}, fmt.Errorf("looking at all processes: %w", err)
	}
	s := newSnapshot(all)
	s.glimpse()
	return s, nil
}

// All returns every process that we may see.
func All() ([]Stat, error) { return readAll() }

func readAll() ([]Stat, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	all := make([]Stat, 0, len(names))
	buffer := make([]byte, 0, 1024)
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		text, err := readFile(int(proc.Fd()), name+"/stat", buffer)
		buffer = text
		switch err = gone(err); {
		case errors.Is(err, ErrGone), errors.Is(err, fs.ErrPermission): // ended meanwhile; hidden by hidepid=1
			continue
		case err != nil:
			return nil, err
		}
		stat, err := parseStat(text)
		if err != nil {
			return nil, err
		}
		all = append(all, stat)
	}
	return all, nil
}

// longestExec is how long a process is waited for that is in the middle of execve.
const longestExec = 20 * time.Millisecond

// readRunID reads the run out of the environment of a process. Those of other users are refused by the kernel.
//
// In the middle of execve(2) a process shows none: the kernel has given up the old memory and not yet noted where the
// new environment is, which was seen to last a millisecond. Nothing tells when that is over, so it is asked again.
func readRunID(pid int) string {
	const pause = 200 * time.Microsecond
	for waited := time.Duration(0); ; waited += pause {
		text, err := readFile(unix.AT_FDCWD, procPath(pid, "environ"), make([]byte, 0, 4096))
		if err != nil {
			return ""
		}
		if len(text) > 0 || waited >= longestExec || hasNoEnvironment(pid) {
			return runIDIn(text)
		}
		time.Sleep(pause)
	}
}

// hasNoEnvironment reports whether a process was given an empty environment, or has none because it is a zombie or a
// kernel thread, which have no memory either. In the middle of execve it has memory, and its code has no place yet.
func hasNoEnvironment(pid int) bool {
	text, err := readFile(unix.AT_FDCWD, procPath(pid, "stat"), make([]byte, 0, 512))
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if err != nil || len(fields) <= fieldEnvEnd {
		return true
	}
	empty := number(fields[fieldEnvStart]) == number(fields[fieldEnvEnd])
	return empty && (number(fields[fieldCode]) != 0 || number(fields[fieldMemory]) == 0)
}

// Children returns the pids of the children of the process, zombies among them.
func Children(pid int) ([]int, error) {
	if Probe().Has("children") {
		if found, err := readChildren(pid); err == nil {
			return found, nil
		}
	}
	all, err := readAll()
	if err != nil {
		return nil, fmt.Errorf("looking for the children of process %d: %w", pid, err)
	}
	var found []int
	for _, stat := range all {
		if stat.PPID == pid {
			found = append(found, stat.PID)
		}
	}
	return found, nil
}

// Descendants returns the living processes below a process, as far as the kernel has lists of children.
func Descendants(id tend.Identity) (found []tend.Identity) {
	if !Probe().Has("children") {
		return nil
	}
	seen := map[int]bool{id.PID: true}
	for parents := []int{id.PID}; len(parents) > 0; parents = parents[1:] {
		children, _ := readChildrenOnce(parents[0])
		for _, pid := range children {
			if stat, err := ReadStat(pid); err == nil && !seen[pid] && stat.Start >= id.Start {
				seen[pid], parents = true, append(parents, pid)
				if !stat.Dead() {
					found = append(found, stat.Identity)
				}
			}
		}
	}
	if !Alive(id) { // it may not have been the one meant
		return nil
	}
	return found
}

// readChildren asks the kernel's own lists, of which every thread has one. They may leave a child out when another one
// ends during the reading (proc_pid_children(5)); two readings that agree have not.
func readChildren(pid int) ([]int, error) {
	const enough = 10 // after that many disagreements, looking at every process is cheaper
	last, err := readChildrenOnce(pid)
	for range enough {
		if err != nil {
			return nil, err
		}
		var next []int
		if next, err = readChildrenOnce(pid); slices.Equal(last, next) {
			return next, err
		}
		last = next
	}
	return nil, errors.New("the children change all the time")
}

func readChildrenOnce(pid int) ([]int, error) {
	threads, err := os.ReadDir(procPath(pid, "task"))
	if err != nil {
		return nil, gone(err)
	}
	var found []int
	for _, thread := range threads {
		text, err := readFile(unix.AT_FDCWD, procPath(pid, "task/"+thread.Name()+"/children"), make([]byte, 0, 4096))
		if err != nil {
			if errors.Is(gone(err), ErrGone) { // a thread that has ended: its children have moved to another
				continue
			}
			return nil, err
		}
		found = append(found, numbers(text)...)
	}
	slices.Sort(found)
	return found, nil
}
