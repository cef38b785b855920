package tend

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What a service is given, and what it may not go beyond. Only names and texts are here; the numbers of a kernel are the
// affair of package process.

// Unlimited is a limit that is none.
const Unlimited = math.MaxUint64

// A Limit is one resource limit of setrlimit(2): the soft one holds, and the process itself may raise it to the hard one.
type Limit struct{ Soft, Hard uint64 }

// limitUnit is what a limit counts.
type limitUnit int

const (
	limitCount limitUnit = iota
	limitBytes
	limitSeconds
)

// limitUnits are the limits that there are, as ulimit and limits.conf call them.
func limitUnits() map[string]limitUnit {
	return map[string]limitUnit{
		"as": limitBytes, "core": limitBytes, "cpu": limitSeconds, "data": limitBytes, "fsize": limitBytes, "locks": limitCount,
		"memlock": limitBytes, "msgqueue": limitBytes, "nofile": limitCount, "nproc": limitCount, "rss": limitBytes,
		"rtprio": limitCount, "sigpending": limitCount, "stack": limitBytes,
	}
}

// LimitNames are the names of the limits that there are.
func LimitNames() []string { return slices.Sorted(maps.Keys(limitUnits())) }

// ParseLimit reads the value of the limit NAME: BOTH or SOFT:HARD, each a number, with a unit where bytes or seconds are
// counted, or unlimited.
func ParseLimit(name, text string) (l Limit, err error) {
	unit, known := limitUnits()[name]
	if !known {
		return l, fmt.Errorf("%q is not a limit (%s)", name, strings.Join(LimitNames(), ", "))
	}
	soft, hard, two := strings.Cut(text, ":")
	if !two {
		hard = soft
	}
	if l.Soft, err = unit.parse(name, soft); err != nil {
		return Limit{}, err
	}
	if l.Hard, err = unit.parse(name, hard); err != nil {
		return Limit{}, err
	}
	if l.Soft > l.Hard {
		return Limit{}, fmt.Errorf("%s=%s: the first, which holds, is above the second, which it may be raised to", name, text)
	}
	return l, nil
}

// maxCount is more than any kernel counts.
const maxCount = uint64(1e15)

func (u limitUnit) parse(name, text string) (uint64, error) {
	switch n, err := strconv.ParseUint(text, 10, 64); {
	case text == "unlimited":
		return Unlimited, nil
	case err == nil && n <= maxCount:
		return n, nil
	case u == limitBytes:
		if size, err := ParseSize(text); err == nil && size > 0 {
			return uint64(size), nil
		}
		return 0, fmt.Errorf("%q is not a limit of %s (a size like 64MB, 0, or unlimited; one for both, or SOFT:HARD)", text, name)
	case u == limitSeconds:
		if d, err := ParseDuration(text); err == nil && d > 0 && time.Duration(d)%time.Second == 0 {
			return uint64(time.Duration(d) / time.Second), nil
		}
		return 0, fmt.Errorf("%q is not a limit of %s (whole seconds, like 90 or 10m, or unlimited; one for both, or SOFT:HARD)", text, name)
	}
	return 0, fmt.Errorf("%q is not a limit of %s (a number, or unlimited; one for both, or SOFT:HARD)", text, name)
}

// Text writes the limit as ParseLimit reads it.
func (l Limit) Text(name string) string {
	unit := limitUnits()[name]
	if l.Soft == l.Hard {
		return unit.text(l.Soft)
	}
	return unit.text(l.Soft) + ":" + unit.text(l.Hard)
}

func (u limitUnit) text(n uint64) string {
	switch {
	case n == Unlimited:
		return "unlimited"
	case u == limitBytes && n > 0 && n <= uint64(maxSize):
		return Size(n).String()
	}
	return strconv.FormatUint(n, 10)
}

// IOClass is how the reads and writes of a process are ordered among those of others; see ioprio_set(2).
type IOClass string

// The classes, the first one first.
const (
	IORealtime   IOClass = "realtime"
	IOBestEffort IOClass = "best-effort"
	IOIdle       IOClass = "idle"
)

// defaultIOLevel is that of who asks for none.
const defaultIOLevel = 4

// ParseIONice reads CLASS or CLASS:LEVEL, level 0 being served first.
func ParseIONice(text string) (class IOClass, level int, err error) {
	name, number, given := strings.Cut(text, ":")
	level = defaultIOLevel
	if given {
		level, err = strconv.Atoi(number)
	}
	switch class = IOClass(name); {
	case err != nil || level < 0 || level > 7:
	case class == IOIdle && !given:
		return class, 0, nil
	case class == IOBestEffort, class == IORealtime:
		return class, level, nil
	}
	return "", 0, fmt.Errorf("%q is not an order of input and output (idle, best-effort, best-effort:0 to :7, realtime, realtime:0 to :7)", text)
}

// canonicalIONice gives every level, so that the same is written in one way only.
func canonicalIONice(text string, _ Caller) (string, error) {
	class, level, err := ParseIONice(text)
	if err != nil || class == IOIdle {
		return string(class), err
	}
	return string(class) + ":" + strconv.Itoa(level), nil
}

// maxCPU is the last that sched_setaffinity(2) is asked for.
const maxCPU = 1023

// ParseCPUs reads a list of processors: 0,2-3.
func ParseCPUs(text string) ([]int, error) {
	bad := fmt.Errorf("%q is not a list of processors (numbers and ranges from 0 to %d, for example 0,2-3)", text, maxCPU)
	var cpus []int
	for _, part := range strings.Split(text, ",") {
		first, last, two := strings.Cut(strings.TrimSpace(part), "-")
		if !two {
			last = first
		}
		from, err := strconv.ParseUint(first, 10, 16)
		to, errTo := strconv.ParseUint(last, 10, 16)
		if err != nil || errTo != nil || from > to || to > maxCPU {
			return nil, bad
		}
		for n := from; n <= to; n++ {
			cpus = append(cpus, int(n))
		}
	}
	slices.Sort(cpus)
	return slices.Compact(cpus), nil
}

// CPUList writes a list of processors, in order, as ParseCPUs reads it.
func CPUList(cpus []int) string {
	var parts []string
	for i := 0; i < len(cpus); {
		last := i
		for last+1 < len(cpus) && cpus[last+1] == cpus[last]+1 {
			last++
		}
		part := strconv.Itoa(cpus[i])
		if last > i {
			part += "-" + strconv.Itoa(cpus[last])
		}
		parts, i = append(parts, part), last+1
	}
	return strings.Join(parts, ",")
}

// MemoryAction is what is done when a service has more memory than it may have.
type MemoryAction string

// What is done.
const (
	MemoryRestart MemoryAction = "restart" // its run ends as a failure, and its restart policy goes on from there
	MemoryStop    MemoryAction = "stop"    // the same, but it is not started again
	MemoryWarn    MemoryAction = "warn"    // that is written into its history
)

// DefaultMemoryAction is the default.
const DefaultMemoryAction = MemoryRestart

// MinMemoryMax: no process that does anything has less.
const MinMemoryMax = Size(1 << 20)

// ParseMemoryAction reads what is done.
func ParseMemoryAction(text string) (MemoryAction, error) {
	switch a := MemoryAction(text); a {
	case MemoryRestart, MemoryStop, MemoryWarn:
		return a, nil
	}
	return "", fmt.Errorf("%q is not what to do about too much memory (restart, stop or warn)", text)
}

// String makes MemoryAction a fmt.Stringer.
func (a MemoryAction) String() string { return string(a) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *MemoryAction) UnmarshalText(text []byte) (err error) {
	*a, err = ParseMemoryAction(string(text))
	return err
}
