package process

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Probe tries each mechanism once.
func Probe() Capabilities { return probe() }

var probe = sync.OnceValue(func() Capabilities {
	var found Capabilities
	for _, c := range mechanisms() {
		c.Have = !SwitchedOff(c.Name) && c.try()
		found = append(found, c.Capability)
	}
	return found
})

func mechanisms() []mechanism {
	return []mechanism{
		{Capability{Name: "pidfd", Since: "Linux 5.3",
			Without: "ends are learned from the exit journal alone, and a signal is sent a moment after the identity was checked"}, havePIDFD},
		{Capability{Name: "pidfd_exit", Since: "Linux 6.15",
			Without: "how a service ended is unknown when both keepers were dead at that moment"}, havePIDFDExit},
		{Capability{Name: "unshare_fs", Since: "Linux 2.6.16, where seccomp lets it",
			Without: "each service is started through tend itself, to set its umask: a millisecond more"}, haveUnshare},
		{Capability{Name: "clone_parent", Since: "Linux 2.4, not as process 1",
			Without: "services are children of the supervisor, and how one ended is lost with it"}, haveCloneParent},
		{Capability{Name: "children", Since: "Linux 4.2",
			Without: "children are found by looking at every process"}, haveChildren},
		{Capability{Name: "mark", Since: "Linux 2.6.25, where nobody limits real-time processes",
			Without: "what leaves a service's session and clears its environment may be missed by stop"}, haveMark},
		{Capability{Name: "subreaper", Since: "Linux 3.4, where seccomp lets it",
			Without: "what is left of a service falls to process 1, as do services when a keeper is gone"}, haveSubreaper},
		{Capability{Name: "cgroup", Since: "Linux 5.7, where a cgroup v2 is delegated",
			Without: "what clears its environment, drops its mark and leaves session and parent is missed by stop"}, haveCgroup},
		{Capability{Name: "close_range", Since: "Linux 5.11",
			Without: "descriptors are closed one by one"}, haveCloseRange},
	}
}

func havePIDFD() bool {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	return unix.PidfdSendSignal(fd, 0, nil, 0) == nil
}

// havePIDFDExit asks the kernel itself, or, where it has the call but cannot say what the call can do, its version.
func havePIDFDExit() bool {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	info := unix.PidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
	if unix.IoctlPidfdInfo(fd, &info) != nil {
		return false
	}
	return info.Supported_mask&unix.PIDFD_INFO_EXIT != 0 || kernelAtLeast(6, 15)
}

func kernelAtLeast(major, minor int) bool {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return false
	}
	release := strings.FieldsFunc(unix.ByteSliceToString(name.Release[:]), func(r rune) bool { return r < '0' || r > '9' })
	if len(release) < 2 {
		return false
	}
	a, _ := strconv.Atoi(release[0])
	b, _ := strconv.Atoi(release[1])
	return a > major || a == major && b >= minor
}

// haveUnshare tries it on a thread that ends right after.
func haveUnshare() bool {
	answer := make(chan error)
	go onOwnThread(func() { answer <- unix.Unshare(unix.CLONE_FS) })
	return <-answer == nil
}

// haveCloneParent: the kernel refuses it to the first process of a pid namespace, and to nobody else; see clone(2).
func haveCloneParent() bool { return os.Getpid() != 1 }

func haveChildren() bool {
	return unix.Access("/proc/self/task/"+strconv.Itoa(os.Getpid())+"/children", unix.R_OK) == nil
}

// haveSubreaper asks instead of trying: whoever becomes one stays one.
func haveSubreaper() bool {
	var is int32
	return unix.Prctl(unix.PR_GET_CHILD_SUBREAPER, uintptr(unsafe.Pointer(&is)), 0, 0, 0) == nil
}

// haveCloseRange marks descriptors that cannot exist.
func haveCloseRange() bool {
	const none = 1<<32 - 1
	return unix.CloseRange(none, none, unix.CLOSE_RANGE_CLOEXEC) == nil
}

// onOwnThread does it on a thread that nothing else runs on before or after, and that is not the first one: what
// /proc/self says of the process is what its first thread has.
func onOwnThread(do func()) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	if unix.Gettid() != os.Getpid() {
		do()
		return
	}
	// Holding the first thread keeps the next goroutine off it. It can be given back: nothing was done to it.
	placed := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		close(placed)
		do()
	}()
	<-placed
	runtime.UnlockOSThread()
}
