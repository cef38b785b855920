//go:build !linux

package process

import (
	"syscall"

	"golang.org/x/sys/unix"

	"tend"
)

// resources are the numbers of those resource limits that all systems have.
func resources() map[string]int {
	return map[string]int{
		"as": unix.RLIMIT_AS, "core": unix.RLIMIT_CORE, "cpu": unix.RLIMIT_CPU, "data": unix.RLIMIT_DATA, "fsize": unix.RLIMIT_FSIZE,
		"nofile": unix.RLIMIT_NOFILE, "stack": unix.RLIMIT_STACK,
	}
}

func setNice(n int) error                { return unix.Setpriority(unix.PRIO_PROCESS, 0, n) }
func setIONice(tend.IOClass, int) error  { return errNotHere }
func setCPUs([]int) error                { return errNotHere }
func setOOMScoreAdj(int) error           { return errNotHere }
func ownOOMScoreAdj() string             { return "0" }
func mostFiles() string                  { return "" }
func allCPUs() []int                     { return nil }
func mayRaise() bool                     { return unix.Geteuid() == 0 }
func ownLimit(string) (tend.Limit, bool) { return tend.Limit{}, false }

func lowestNice() int {
	priority, _ := unix.Getpriority(unix.PRIO_PROCESS, 0)
	return priority
}

// try cannot try: threads have no niceness of their own here.
func try(s setting) error {
	switch s.step[:len(stepNice)] {
	case stepNice:
		return nil
	}
	return errNotHere
}

// tryBound leaves it to the start.
func tryBound(bound) error { return nil }

// become sets the limits and executes the program.
func become(_ int, program string, args, env []string, bounds []bound) error {
	for _, b := range bounds {
		var limit syscall.Rlimit
		number(&limit.Cur, b.limit.Soft)
		number(&limit.Max, b.limit.Hard)
		if err := syscall.Setrlimit(b.resource, &limit); err != nil {
			return &StartError{Step: StepSet, Path: b.step, Err: err}
		}
	}
	return syscall.Exec(program, args, env)
}

// number is a limit as the system has it, whose type differs.
func number[T int64 | uint64](to *T, n uint64) { *to = T(min(n, unix.RLIM_INFINITY)) }
