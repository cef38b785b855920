package e2e

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// refuse is this test program as a launcher: it has the kernel answer system calls with an error, for itself and for
// whatever it starts, as container runtimes do by seccomp(2), and executes a program.
//
//	refuse ERRNO NUMBER,NUMBER… PROGRAM ARGUMENT…
//
// A number that ends in + stands for itself and everything behind it; one that begins with ! is let through.
func refuse(args []string) int {
	errno, err := strconv.Atoi(args[0])
	if err == nil {
		runtime.LockOSThread() // a filter is the thread's, and execve leaves only this one
		err = install(filter(errno, strings.Split(args[1], ",")))
	}
	if err == nil {
		err = syscall.Exec(args[2], args[2:], os.Environ())
	}
	fmt.Fprintf(os.Stderr, "refusing system calls: %v\n", err)
	return 125
}

// filter is a program for the kernel: see seccomp(2), "Filters". The first word of what it looks at is the number of the
// system call.
func filter(errno int, calls []string) []unix.SockFilter {
	const number, load, ret = 0, unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_RET | unix.BPF_K
	program := []unix.SockFilter{{Code: load, K: number}}
	for _, call := range calls {
		test := uint16(unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K)
		if first, open := strings.CutSuffix(call, "+"); open {
			test, call = unix.BPF_JMP|unix.BPF_JGE|unix.BPF_K, first
		}
		answer := unix.SECCOMP_RET_ERRNO | uint32(errno)
		call, let := strings.CutPrefix(call, "!")
		if let {
			answer = unix.SECCOMP_RET_ALLOW
		}
		n, _ := strconv.Atoi(call)
		program = append(program, unix.SockFilter{Code: test, Jf: 1, K: uint32(n)}, unix.SockFilter{Code: ret, K: answer})
	}
	return append(program, unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW})
}

func install(program []unix.SockFilter) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	f := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&f)), 0, 0)
}

// refusing has every command of this world, and so all that tend starts, run where the kernel refuses these calls.
func (w *world) refusing(errno syscall.Errno, calls ...string) {
	w.launcher = []string{"/proc/self/exe", "refuse", strconv.Itoa(int(errno)), strings.Join(calls, ",")}
}

// call is a system call as refuse has it.
func call(number int) string { return strconv.Itoa(number) }
