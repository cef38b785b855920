package process

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"tend"
)

// resources are the numbers of the resource limits.
func resources() map[string]int {
	return map[string]int{
		"as": unix.RLIMIT_AS, "core": unix.RLIMIT_CORE, "cpu": unix.RLIMIT_CPU, "data": unix.RLIMIT_DATA, "fsize": unix.RLIMIT_FSIZE,
		"locks": unix.RLIMIT_LOCKS, "memlock": unix.RLIMIT_MEMLOCK, "msgqueue": unix.RLIMIT_MSGQUEUE, "nofile": unix.RLIMIT_NOFILE,
		"nproc": unix.RLIMIT_NPROC, "rss": unix.RLIMIT_RSS, "rtprio": unix.RLIMIT_RTPRIO, "sigpending": unix.RLIMIT_SIGPENDING,
		"stack": unix.RLIMIT_STACK,
	}
}

// setNice, setIONice and setCPUs are of the calling thread, which execve(2) makes the whole process.
func setNice(n int) error { return unix.Setpriority(unix.PRIO_PROCESS, 0, n) }

func setIONice(class tend.IOClass, level int) error {
	const thisOne, shift = 1, 13 // IOPRIO_WHO_PROCESS, IOPRIO_CLASS_SHIFT; see ioprio_set(2)
	classes := map[tend.IOClass]int{tend.IORealtime: 1, tend.IOBestEffort: 2, tend.IOIdle: 3}
	_, _, errno := unix.RawSyscall(unix.SYS_IOPRIO_SET, thisOne, 0, uintptr(classes[class]<<shift|level))
	if errno != 0 {
		return errno
	}
	return nil
}

// setCPUs: the kernel leaves out what is not there, and refuses only what leaves nothing.
func setCPUs(cpus []int) error {
	var set unix.CPUSet
	for _, n := range cpus {
		set.Set(n)
	}
	return unix.SchedSetaffinity(0, &set)
}

const oomScoreAdj = "/proc/self/oom_score_adj"

// setOOMScoreAdj is of the process.
func setOOMScoreAdj(n int) error { return writeFile(oomScoreAdj, strconv.Itoa(n)) }

func ownOOMScoreAdj() string {
	text, _ := os.ReadFile(oomScoreAdj)
	return strings.TrimSpace(string(text))
}

// try sets it where it leaves nothing behind. A list of processors must all be there: a definition that names others is
// mistaken, or meant for another machine.
func try(s setting) error {
	if strings.HasPrefix(s.step, stepOOM) {
		before := ownOOMScoreAdj()
		if err := s.set(); err != nil {
			return err
		}
		return writeFile(oomScoreAdj, before)
	}
	answer := make(chan error)
	go onOwnThread(func() {
		err := s.set()
		if list, is := strings.CutPrefix(s.step, stepCPUs); is && err == nil && tend.CPUList(threadCPUs()) != list {
			err = unix.EINVAL
		}
		answer <- err
	})
	return <-answer
}

// tryBound raises a hard limit of ours for a moment, where it would have to be raised.
func tryBound(b bound) error {
	var ours unix.Rlimit
	if err := unix.Getrlimit(b.resource, &ours); err != nil || b.limit.Hard <= ours.Max {
		return err
	}
	raised := unix.Rlimit{Cur: ours.Cur, Max: b.limit.Hard}
	if errno := setLimit(b.resource, &raised); errno != 0 {
		return errno
	}
	setLimit(b.resource, &ours)
	return nil
}

// setLimit does what Setrlimit does, without telling the runtime.
func setLimit(resource int, limit *unix.Rlimit) unix.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_PRLIMIT64, 0, uintptr(resource), uintptr(unsafe.Pointer(limit)), 0, 0, 0)
	return errno
}

func ownLimit(name string) (l tend.Limit, ok bool) {
	var ours unix.Rlimit
	resource, known := resources()[name]
	if !known || unix.Getrlimit(resource, &ours) != nil {
		return l, false
	}
	return tend.Limit{Soft: ours.Cur, Hard: ours.Max}, true
}

// mayRaise reports whether this process may raise hard limits: CAP_SYS_RESOURCE.
func mayRaise() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	err := unix.Capget(&header, &data[0])
	return err == nil && data[0].Effective&(1<<unix.CAP_SYS_RESOURCE) != 0
}

// mostFiles says what the kernel allows root.
func mostFiles() string {
	text, err := os.ReadFile("/proc/sys/fs/nr_open")
	if err != nil {
		return ""
	}
	return "the kernel allows " + strings.TrimSpace(string(text)) + ", see fs.nr_open in proc_sys_fs(5)"
}

// lowestNice is what setpriority(2) would allow an ordinary user.
func lowestNice() int {
	lowest := 20
	if priority, err := unix.Getpriority(unix.PRIO_PROCESS, 0); err == nil {
		lowest = 20 - priority // the system call adds 20 and turns it round
	}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NICE, &limit) == nil && limit.Cur <= 40 {
		lowest = min(lowest, 20-int(limit.Cur))
	}
	return lowest
}

// allCPUs are those that a process here may run on, if it asks.
func allCPUs() []int {
	answer := make(chan []int)
	go onOwnThread(func() {
		var every unix.CPUSet
		for n := range 8 * int(unsafe.Sizeof(every)) {
			every.Set(n)
		}
		_ = unix.SchedSetaffinity(0, &every) // or those that it has
		answer <- threadCPUs()
	})
	return <-answer
}

func threadCPUs() (found []int) {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	for n := range 8 * int(unsafe.Sizeof(set)) {
		if set.IsSet(n) {
			found = append(found, n)
		}
	}
	return found
}

// become sets the limits and executes the program; it returns only where it cannot even begin.
//
// Nothing of the runtime may run between the first limit and the program: with little memory allowed (as, data) it would get
// none any more, and end this process. So everything is there before, a failure is told from here as well, and, as in
// syscall.Exec, no thread is made meanwhile.
func become(report int, program string, args, env []string, bounds []bound) error {
	path, err := syscall.BytePtrFromString(program)
	if err != nil {
		return err
	}
	argv, err := syscall.SlicePtrFromStrings(args)
	if err != nil {
		return err
	}
	envp, err := syscall.SlicePtrFromStrings(env)
	if err != nil {
		return err
	}
	limits := make([]unix.Rlimit, len(bounds))
	for i, b := range bounds {
		limits[i] = unix.Rlimit{Cur: b.limit.Soft, Max: b.limit.Hard}
	}
	words := make([]byte, 0, 512)
	giveBackFiles()
	runtime.KeepAlive(path)

	beforeExec()
	for i := range bounds {
		if errno := setLimit(bounds[i].resource, &limits[i]); errno != 0 {
			tellAndExit(report, words, bounds[i].step, errno)
		}
	}
	_, _, errno := unix.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&argv[0])), uintptr(unsafe.Pointer(&envp[0])))
	tellAndExit(report, words, StepExecute, errno)
	return nil
}

// giveBackFiles sets the limit of open files to what it was when this program began: the runtime has raised it for itself,
// and knows what it was, but gives it back only where it executes something. So it has to try.
func giveBackFiles() { _ = unix.Exec("", []string{""}, nil) }

// tellAndExit reports a failure, in memory that is there already.
func tellAndExit(report int, words []byte, step string, errno unix.Errno) {
	words = append(append(words, step[:min(len(step), cap(words)-20)]...), ' ')
	words = strconv.AppendInt(words, int64(errno), 10)
	unix.RawSyscall(unix.SYS_WRITE, uintptr(report), uintptr(unsafe.Pointer(&words[0])), uintptr(len(words)))
	for {
		unix.RawSyscall(unix.SYS_EXIT_GROUP, stageStatus, 0, 0)
	}
}

// beforeExec keeps the runtime from making threads from now on. This name is kept for users like us; see go.dev/issue/67401.
//
//go:linkname beforeExec syscall.runtime_BeforeExec
func beforeExec()
