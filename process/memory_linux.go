package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"tend"
)

// Weighs says whether the memory of processes can be looked at.
const Weighs = true

// Kin returns the living processes of each run, by the run, of which the main process is given: all that descends from it,
// and what it has orphaned, as far as that bears its mark and has fallen to us or a keeper. Only those are looked at, not all
// that there are: where there are lists of children that is a hundredth of the work.
func Kin(mains map[string]tend.Identity) map[string][]tend.Identity {
	if !Probe().Has("children") || !Probe().Has("mark") {
		return kinByLooking(mains)
	}
	found, runs := map[string][]tend.Identity{}, map[uint64]string{}
	known := map[int]bool{os.Getpid(): true}
	add := func(run string, id tend.Identity) {
		for _, id := range append(Descendants(id), id) {
			if !known[id.PID] {
				known[id.PID] = true
				found[run] = append(found[run], id)
			}
		}
	}
	for run, main := range mains {
		runs[Mark(run)] = run
		if Alive(main) {
			add(run, main)
		}
	}
	for _, parent := range forebears() {
		for _, pid := range childrenNow(parent) {
			if known[pid] {
				continue
			}
			run, ours := runs[ReadMark(pid)]
			if stat, err := ReadStat(pid); ours && err == nil && !stat.Dead() {
				add(run, stat.Identity)
			}
		}
	}
	return found
}

func kinByLooking(mains map[string]tend.Identity) map[string][]tend.Identity {
	found := map[string][]tend.Identity{}
	all, err := Scan()
	if err != nil {
		return nil
	}
	for run, main := range mains {
		found[run], _ = all.Tree(main, run)
	}
	return found
}

// forebears are this process, its parent and the parent of that, as far as they are not process 1: orphans of what we have
// started fall to one of them.
func forebears() (pids []int) {
	for pid, level := os.Getpid(), 0; pid > 1 && level < 3; level++ {
		pids = append(pids, pid)
		stat, err := ReadStat(pid)
		if err != nil {
			break
		}
		pid = stat.PPID
	}
	return pids
}

// Memory returns how much memory the processes have together, bytes. What each has resident is quickly read, and counts
// what they share once for each; only if that is more than enough it is asked how much each has for itself and how
// much is its part of what it shares (proc_pid_smaps(5)), as far as we may know.
func Memory(processes []tend.Identity, enough int64) (sum int64) {
	resident := make([]int64, len(processes))
	for i, id := range processes {
		resident[i] = residentOf(id.PID)
		sum += resident[i]
	}
	if sum <= enough {
		return sum
	}
	sum = 0
	for i, id := range processes {
		if part, ok := proportionalOf(id.PID); ok {
			sum += part
		} else {
			sum += resident[i]
		}
	}
	return sum
}

// residentOf reads the second number of /proc/PID/statm: pages.
func residentOf(pid int) int64 {
	text, err := readFile(unix.AT_FDCWD, procPath(pid, "statm"), make([]byte, 0, 128))
	words := bytes.Fields(text)
	if err != nil || len(words) < 2 {
		return 0
	}
	return int64(number(words[1])) * int64(os.Getpagesize())
}

// proportionalOf reads the sum that the kernel has made over all mappings, since Linux 4.14.
func proportionalOf(pid int) (int64, bool) {
	text, err := readFile(unix.AT_FDCWD, procPath(pid, "smaps_rollup"), make([]byte, 0, 1024))
	if err != nil {
		return 0, false
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte("Pss:")); ok {
			return int64(number(bytes.Fields(rest)[0])) << 10, true
		}
	}
	return 0, false
}

// LimitMemory has the kernel see to it that the processes of a run never have more than that together, bytes: it ends all of
// them before. It is to be called before there are any. It reports whether the kernel can: only if the memory
// controller is passed on to the cgroup of the run, and that is tried.
func (c *Cgroups) LimitMemory(run string, most int64) bool {
	dir := c.of(run)
	if dir == "" {
		return false
	}
	if unix.Access(dir+"/memory.max", unix.W_OK) != nil {
		for _, holder := range []string{filepath.Dir(c.dir), c.dir} {
			if writeFile(holder+"/cgroup.subtree_control", "+memory") != nil {
				return false // there are others in it, or it has none to pass on
			}
		}
	}
	return writeFile(dir+"/memory.oom.group", "1") == nil && writeFile(dir+"/memory.max", strconv.FormatInt(most, 10)) == nil
}

// Memory returns how much memory is charged to the cgroup of a run, without what the kernel would take back first, bytes.
// It is false where that is not counted.
func (c *Cgroups) Memory(run string) (int64, bool) {
	dir := c.of(run)
	if dir == "" {
		return 0, false
	}
	current, err := readFile(unix.AT_FDCWD, dir+"/memory.current", make([]byte, 0, 32))
	if err != nil {
		return 0, false
	}
	idle := keyed(dir+"/memory.stat", "inactive_file")
	return max(0, int64(number(bytes.TrimSpace(current)))-idle), true
}

// OutOfMemory reports whether the kernel has killed anybody in the cgroup of a run for want of memory.
func (c *Cgroups) OutOfMemory(run string) bool {
	dir := c.of(run)
	return dir != "" && keyed(dir+"/memory.events", "oom_kill") > 0
}

// keyed reads a number of a file of lines KEY VALUE, 0 if it is not there.
func keyed(path, key string) int64 {
	text, err := readFile(unix.AT_FDCWD, path, make([]byte, 0, 4096))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) == 2 && words[0] == key {
			return int64(number([]byte(words[1])))
		}
	}
	return 0
}

// MemoryLimited reports whether the kernel sees to it how much memory a run has.
func (c *Cgroups) MemoryLimited(run string) bool {
	dir := c.of(run)
	if dir == "" {
		return false
	}
	text, err := readFile(unix.AT_FDCWD, dir+"/memory.max", make([]byte, 0, 32))
	return err == nil && !bytes.HasPrefix(text, []byte("max"))
}
