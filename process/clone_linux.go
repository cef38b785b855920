//go:build amd64 || arm64

package process

import (
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A process is born into a cgroup by clone3(2) alone: one that is moved there later may have forked before. Package
// syscall can do that, but not for a child of our parent: together with CLONE_PARENT the kernel demands an exit signal of 0,
// and syscall always asks for SIGCHLD. So this is done here, as syscall does it: no page table is copied, the new
// process runs in our memory, on our stack, until it executes its program, while the thread that made it waits.

// cloneArguments is struct clone_args of clone3(2), of which most is of no use here.
type cloneArguments struct{ flags, pidfd, _, _, exitSignal, _, _, _, _, _, cgroup uint64 }

// forkInto makes a process in the cgroup and executes the program in it. Refused is whether the cgroup, or this kernel,
// cannot have it.
func forkInto(cgroup *os.File, spec Spec, files []uintptr, sys *syscall.SysProcAttr) (child born, refused bool, err error) {
	limit, known := descriptorLimit()
	if !known {
		return born{}, true, nil
	}
	files, closeCopies, err := above(files)
	if err != nil {
		return born{}, false, err
	}
	defer closeCopies()
	b, err := newBirth(spec, files, limit)
	if err != nil {
		return born{}, false, err
	}
	b.clone.flags = uint64(sys.Cloneflags) | unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_INTO_CGROUP
	b.clone.cgroup = uint64(cgroup.Fd())
	if sys.Cloneflags&unix.CLONE_PARENT == 0 {
		b.clone.exitSignal = uint64(unix.SIGCHLD)
	}
	if sys.PidFD != nil {
		b.clone.flags |= unix.CLONE_PIDFD
	}
	syscall.ForkLock.Lock()
	pid, errno := bear(b)
	afterFork()
	syscall.ForkLock.Unlock()
	runtime.KeepAlive(cgroup)
	child = born{pid: int(pid), pidfd: int(b.pidfd), inCgroup: true}
	switch {
	case errno == unix.EAGAIN, errno == unix.ENOMEM: // to make it elsewhere would not help
		return born{}, false, errno
	case errno != 0:
		return born{}, true, nil
	case b.failed != 0:
		if child.pidfd >= 0 {
			unix.Close(child.pidfd)
		}
		reapOwn(child.pid)
		return born{}, false, b.failed
	}
	return child, false, nil
}

// above has no descriptor among the numbers that the new process is to have: it would be written over there before it is
// copied. Those that are get a copy.
func above(files []uintptr) (moved []uintptr, closeCopies func(), err error) {
	var copies []int
	closeCopies = func() {
		for _, fd := range copies {
			unix.Close(fd)
		}
	}
	moved = slices.Clone(files)
	for i, fd := range files {
		if fd == noDescriptor || int(fd) >= len(files) {
			continue
		}
		n, err := unix.FcntlInt(fd, unix.F_DUPFD_CLOEXEC, len(files))
		if err != nil {
			closeCopies()
			return nil, nil, err
		}
		copies, moved[i] = append(copies, n), uintptr(n)
	}
	return moved, closeCopies, nil
}

// prepareBirth finds out what a process is to be given, before this one bears the mark of a run: it may take a process of
// its own to find out, which is none of the run's.
func prepareBirth() { _, _ = descriptorLimit() }

func newBirth(spec Spec, files []uintptr, limit *unix.Rlimit) (b *birth, err error) {
	b = &birth{files: files, limit: limit, pidfd: -1}
	if b.path, err = syscall.BytePtrFromString(spec.Path); err != nil {
		return nil, err
	}
	if b.args, err = syscall.SlicePtrFromStrings(spec.Args); err != nil {
		return nil, err
	}
	b.env, err = syscall.SlicePtrFromStrings(spec.Env)
	return b, err
}

// birth is what a new process needs until it executes its program. Nothing in it is changed by anybody meanwhile.
type birth struct {
	clone  cloneArguments
	path   *byte
	args   []*byte
	env    []*byte
	files  []uintptr
	limit  *unix.Rlimit  // of open files, nil to leave it
	pidfd  int32         // set by the kernel
	failed syscall.Errno // set by the child: why the program was not executed
}

// bear makes the process. Nothing in it may allocate, grow the stack, or be called that is not a bare system call: all
// locks of the runtime are as they were at the fork, and nobody is there to give them back.
//
//go:noinline
//go:norace
//go:nocheckptr
func bear(b *birth) (pid uintptr, errno syscall.Errno) {
	var failed syscall.Errno
	var i int
	var made, number uintptr
	b.clone.pidfd = uint64(uintptr(unsafe.Pointer(&b.pidfd))) // here, where the stack does not move any more
	beforeFork()
	made, number = vforkClone3(&b.clone, unsafe.Sizeof(b.clone))
	if made != 0 || number != 0 {
		return made, syscall.Errno(number)
	}
	afterForkInChild()
	if _, _, failed = syscall.RawSyscall(unix.SYS_SETSID, 0, 0, 0); failed != 0 {
		goto over
	}
	for i = 0; i < len(b.files); i++ {
		if b.files[i] == noDescriptor {
			syscall.RawSyscall(unix.SYS_CLOSE, uintptr(i), 0, 0)
			continue
		}
		if _, _, failed = syscall.RawSyscall(unix.SYS_DUP3, b.files[i], uintptr(i), 0); failed != 0 {
			goto over
		}
	}
	if b.limit != nil {
		syscall.RawSyscall6(unix.SYS_PRLIMIT64, 0, unix.RLIMIT_NOFILE, uintptr(unsafe.Pointer(b.limit)), 0, 0, 0)
	}
	_, _, failed = syscall.RawSyscall(unix.SYS_EXECVE, uintptr(unsafe.Pointer(b.path)),
		uintptr(unsafe.Pointer(&b.args[0])), uintptr(unsafe.Pointer(&b.env[0])))
over:
	b.failed = failed
	for {
		syscall.RawSyscall(unix.SYS_EXIT, stageStatus, 0, 0)
	}
}

//go:noescape
func vforkClone3(args *cloneArguments, size uintptr) (pid, errno uintptr)

// What the runtime has to do around a fork. These names are kept for users like us; see go.dev/issue/67401.

//go:linkname beforeFork syscall.runtime_BeforeFork
func beforeFork()

//go:linkname afterFork syscall.runtime_AfterFork
func afterFork()

//go:linkname afterForkInChild syscall.runtime_AfterForkInChild
func afterForkInChild()

// descriptorLimit returns the limit of open files that this process was started with, nil if that is what it has now:
// the runtime raises the soft limit for itself, and tells what it was to nobody but the processes that it makes.
var descriptorLimit = sync.OnceValues(func() (*unix.Rlimit, bool) {
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		return nil, false
	}
	if now.Cur != now.Max-1 { // as syscall's init leaves it
		return nil, true
	}
	said, err := exec.Command("/bin/sh", "-c", "ulimit -n").Output()
	if err != nil {
		return nil, false
	}
	soft, err := strconv.ParseUint(strings.TrimSpace(string(said)), 10, 64)
	return &unix.Rlimit{Cur: soft, Max: now.Max}, err == nil
})
