package keeper

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"tend/process"
)

const programName = "tend"

// What processes of a chain hand to their children by the environment.
const (
	readyVariable    = "TEND_READY_FD"    // number of the descriptor that the supervisor reports on
	chainVariable    = "TEND_KEEPERS_FD"  // number of the descriptor that holds the chain's lock
	outerVariable    = "TEND_OUTER_FD"    // number of the inner keeper's end of the lifeline; see lifeline.go
	noticeVariable   = "TEND_NOTICE_FD"   // number of the inotify instance; see notice_linux.go
	shelfInVariable  = "TEND_SHELF_IN_FD" // numbers of the two ends of the shelf; see shelf_linux.go
	shelfOutVariable = "TEND_SHELF_OUT_FD"
	keeperVariable   = "TEND_KEEPER" // pid of the keeper that started this process
)

// garbage is how many bytes of it a keeper may collect before it is cleared away.
const garbage = 2 << 20

// limitMemory has garbage collected by its amount only. The usual way would be to do so every two minutes as well, when
// nothing has happened at all.
func limitMemory() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	debug.SetMemoryLimit(int64(m.Sys-m.HeapReleased) + garbage)
	debug.SetGCPercent(-1)
}

// inheritance is what a keeper was given by whoever started it. A descriptor is -1 where there is none.
type inheritance struct {
	ready  int
	chain  int
	outer  int // end of the lifeline to read
	notice int // what the supervisor watches the runtime directory by

	shelfIn, shelfOut int // the ends of the shelf
}

// handed is a descriptor that is handed to a child by a variable.
type handed struct {
	variable string
	fd       int
}

// all returns everything that was inherited, or would be.
func (i *inheritance) all() []handed {
	return []handed{
		{readyVariable, i.ready}, {chainVariable, i.chain}, {outerVariable, i.outer}, {noticeVariable, i.notice},
		{shelfInVariable, i.shelfIn}, {shelfOutVariable, i.shelfOut},
	}
}

// tellsOfDescriptor reports whether the variable is one of those that tell a child its descriptors.
func tellsOfDescriptor(variable string) bool {
	return slices.ContainsFunc((&inheritance{}).all(), func(h handed) bool { return h.variable == variable })
}

// begin makes this process a keeper, or, where it has been one before it executed this program, takes up where that was.
func begin(c Config) (*keep, error) {
	if err := process.Clean(); err != nil { // first: it may execute the program anew
		return nil, fmt.Errorf("cleaning the signals: %w", err)
	}
	process.CloseInherited()
	process.Unmark() // tend may have been called from within a service, and is no part of it
	if c.Detach {
		process.LeaveRun()
	}
	NameProcess()
	syscall.Umask(0o077)
	limitMemory()
	k := &keep{config: c, leaving: c.Leave, lifeline: -1, directory: -1}
	k.inherit = inheritance{ready: inherited(readyVariable), chain: inherited(chainVariable), outer: -1, notice: inherited(noticeVariable),
		shelfIn: inherited(shelfInVariable), shelfOut: inherited(shelfOutVariable)}
	if err := os.Chdir("/"); err != nil {
		return nil, fmt.Errorf("changing to /: %w", err)
	}
	k.takeUp()
	if c.Inner {
		alive := false
		if k.outer, alive = Parent(); k.outer != 0 && !alive {
			k.outerAt = time.Now()
		}
		k.inherit.outer = inherited(outerVariable)
		k.outerGone, k.outerEnd = endOf(k.inherit.outer)
	}
	if c.Detach {
		return k, nil
	}
	if process.SwitchedOff("subreaper") {
		k.say("what loses its parent below this keeper is lost to it: TEND_WITHOUT says so")
	} else if err := process.Subreaper(); err != nil {
		k.say("what loses its parent below this keeper is lost to it: %v", err)
	}
	if k.inherit.chain < 0 {
		lock, err := openLock(keepersLock(c.Dir))
		if err != nil {
			return nil, err
		}
		if err := lock.shared(); err != nil {
			return nil, err
		}
		k.inherit.chain = lock.fd
	}
	if k.inherit.notice < 0 {
		k.inherit.notice, _ = newNoticeFD() // without one, the supervisor tries for itself, and says so
	}
	if k.inherit.shelfIn < 0 || k.inherit.shelfOut < 0 {
		k.inherit.shelfIn, k.inherit.shelfOut = newShelf() // without one, the supervisor does without as well
	}
	k.holdDirectory()
	return k, nil
}

// Parent returns the pid of the keeper that started this process, 0 if none did, and whether it still is the parent.
// It does not depend on when it is asked: a keeper that died before is found out as well.
func Parent() (pid int, alive bool) {
	pid, err := strconv.Atoi(os.Getenv(keeperVariable))
	if err != nil {
		return 0, false
	}
	return pid, pid == os.Getppid()
}

// inherited returns the descriptor whose number the variable holds, if it is open.
func inherited(variable string) int {
	fd, err := strconv.Atoi(os.Getenv(variable))
	if err != nil || fd < 3 {
		return -1
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil {
		return -1
	}
	return fd
}

func numbered(variable string, n int) string { return variable + "=" + strconv.Itoa(n) }

func (i *inheritance) closeReady() { closeOnce(&i.ready) }

func (i *inheritance) closeChain() { closeOnce(&i.chain) }

func closeOnce(fd *int) {
	if *fd >= 0 {
		unix.Close(*fd)
		*fd = -1
	}
}
