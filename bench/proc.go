package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// clockTick is the unit of start times in /proc/PID/stat: 1/USER_HZ, which is the same on every Linux there is.
const clockTick = 10 * time.Millisecond

// A running process, as /proc shows it.
type running struct {
	pid, parent int
	begun       time.Duration // since boot, cut to clockTick
	words       []string      // its command line
	program     string        // the file it was started from
}

// processes lists those that want says yes to. A process that ends while it is looked at is not there.
func processes(want func(running) bool) []running {
	var found []running
	folders, err := filepath.Glob("/proc/[0-9]*")
	check(err)
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		if p, ok := look(pid); ok && want(p) {
			found = append(found, p)
		}
	}
	return found
}

func look(pid int) (running, bool) {
	folder := fmt.Sprintf("/proc/%d/", pid)
	stat, err := os.ReadFile(folder + "stat")
	if err != nil {
		return running{}, false
	}
	line, err := os.ReadFile(folder + "cmdline")
	if err != nil || len(line) == 0 { // a zombie has none
		return running{}, false
	}
	program, _ := os.Readlink(folder + "exe")
	// The name in parentheses may hold anything; what follows it begins with field 3.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	parent, _ := strconv.Atoi(fields[4-3])
	ticks, _ := strconv.ParseInt(fields[22-3], 10, 64)
	words := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
	return running{pid, parent, time.Duration(ticks) * clockTick, words, program}, true
}

// uptime is the time since boot, cut to clockTick as start times are.
func uptime() time.Duration {
	text, err := os.ReadFile("/proc/uptime")
	check(err)
	seconds, err := strconv.ParseFloat(strings.Fields(string(text))[0], 64)
	check(err)
	return time.Duration(seconds * float64(time.Second))
}

// children lists the children of a process, whichever of its threads has them.
func children(pid int) []int {
	var pids []int
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for word := range strings.FieldsSeq(string(text)) {
			child, _ := strconv.Atoi(word)
			pids = append(pids, child)
		}
	}
	return pids
}

// pss is the memory of a process in bytes, pages shared with others counted in part.
func pss(pid int) int64 {
	return field(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:") << 10
}

// cpu is the time for which all threads of a process have run so far, in nanoseconds; see clock_getcpuclockid(3).
func cpu(pid int) int64 {
	const scheduler = 2
	var spent unix.Timespec
	check(unix.ClockGettime(int32(^pid<<3|scheduler), &spent))
	return spent.Nano()
}

// switches counts how often the threads of a process have gone to sleep or been put to sleep.
func switches(pid int) int64 {
	total := int64(0)
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	for _, thread := range threads {
		total += field(thread, "voluntary_ctxt_switches:") + field(thread, "nonvoluntary_ctxt_switches:")
	}
	return total
}

// field returns the number in the line of a /proc file that begins with the name.
func field(path, name string) int64 {
	text, err := os.ReadFile(path)
	check(err)
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			check(err)
			return n
		}
	}
	check(fmt.Errorf("%s has no %s", path, name))
	return 0
}
