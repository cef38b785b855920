package main

import (
	"fmt"
	"hash/fnv"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tend"
	"tend/process"
)

// The roles that this program plays besides its own, as its first argument says.
const (
	roleService = "service" // KIND DIR: a service
	roleLeaf    = "leaf"    // part of a service's tree
	roleFork    = "fork"    // starts a leaf in a session of its own, and ends
	roleWriter  = "writer"  // DIR NUMBER: one of several that write a service's lines
)

// play plays the role that the arguments name, if they name one.
func play(args []string) (status int, played bool) {
	if file := os.Getenv(bystanderVariable); file != "" {
		return beBystander(file), true
	}
	if len(args) == 0 {
		return 0, false
	}
	switch args[0] {
	case roleService:
		return beService(args[1], args[2]), true
	case roleLeaf:
		rest()
	case roleFork:
		return beFork(), true
	case roleWriter:
		return beWriter(args[1], args[2]), true
	}
	return 0, false
}

// rest lives on until a signal ends it.
func rest() {
	for {
		time.Sleep(time.Hour)
	}
}

// run is one run of a service, seen from within.
type run struct {
	kind, dir   string
	service, id string
	lock        *os.File // held by it and whatever it starts
	holder      string   // what is written in it
	told        chan os.Signal
}

// secondCopy is the exit status of a run that finds another one alive.
const secondCopy = 99

// beService is a service of that kind.
func beService(kind, dir string) int {
	r := &run{kind: kind, dir: dir, service: os.Getenv("TEND_SERVICE"), id: os.Getenv("TEND_RUN"), told: make(chan os.Signal, 16)}
	if n, err := strconv.Atoi(os.Getenv("TEND_INSTANCE")); err == nil {
		r.service = tend.CopyName(r.service, n)
	}
	signal.Notify(r.told, syscall.SIGTERM)
	if err := r.begin(); err != nil {
		r.violate("%v", err)
		return secondCopy
	}
	switch kind {
	case "chatty", "timed":
		err := r.startWriters()
		if err != nil {
			r.violate("it cannot start its writers: %v", err)
		}
	case "brief":
		if err := r.writeFew(); err != nil {
			r.violate("it cannot write: %v", err)
		}
		return r.exit(7)
	case "tree":
		if err := r.grow(); err != nil {
			r.violate("it cannot start its tree: %v", err)
		}
	case "once":
		if err := r.writeFew(); err != nil {
			r.violate("it cannot write: %v", err)
		}
		return r.live(time.Duration(r.chance()%300)*time.Millisecond, true)
	case "telling":
		r.tell(r.inherit())
	case "linked":
		r.checkNeeds()
		r.tell(false)
	case "serving":
		return r.serve()
	case "job":
		return r.live(time.Duration(r.chance()%1500)*time.Millisecond, true)
	case "short", "failing":
		return r.live(50*time.Millisecond+time.Duration(r.chance()%350)*time.Millisecond, true)
	case "crashing":
		return r.live(0, true)
	}
	return r.live(0, false)
}

// begin takes the service's lock and writes the beginning of the run down. It never waits: whoever has the lock is
// another copy.
func (r *run) begin() error {
	lock, err := os.OpenFile(lockPath(r.dir, r.service), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder := make([]byte, 100)
		n, _ := lock.ReadAt(holder, 0)
		return fmt.Errorf("two copies: the lock is held by a process of the run %q", holder[:n])
	}
	r.lock = lock
	stat, err := process.ReadStat(os.Getpid())
	if err != nil {
		return err
	}
	path := recordPath(r.dir, r.service, r.id)
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("the run was begun twice")
	}
	r.holder = fmt.Sprintf("%s %d %d", r.id, stat.PID, stat.Start)
	holder := r.holder + "\n"
	if _, err := lock.WriteAt([]byte(holder), 0); err != nil {
		return err
	}
	if err := lock.Truncate(int64(len(holder))); err != nil {
		return err
	}
	return appendLine(path, "begin %d %d %d", stat.PID, stat.Start, time.Now().UnixNano())
}

// live lives until it is told to end, or for that long, and ends in the way that the run's id and kind decide.
func (r *run) live(long time.Duration, byItself bool) int {
	var over <-chan time.Time
	if byItself {
		over = time.After(long)
	}
	for {
		select {
		case <-r.told:
			r.note("told %d", time.Now().UnixNano())
			switch r.kind {
			case "linked":
				r.checkNeeded()
			case "stubborn":
				continue
			case "tree":
				return r.exit(0)
			case "chatty", "timed":
				return r.exit(5)
			}
			return r.die(syscall.SIGTERM)
		case <-over:
			return r.endByItself()
		}
	}
}

// endByItself ends in one of several ways, which of them the run's id decides.
func (r *run) endByItself() int {
	if r.kind == "crashing" {
		return r.exit(7)
	}
	switch n := r.chance() / 1000 % 10; {
	case n == 0:
		return r.exit(0)
	case n < 4:
		return r.exit(3)
	case n < 6:
		return r.exit(255)
	case n < 8:
		return r.die(syscall.SIGKILL)
	default:
		return r.die(syscall.SIGHUP)
	}
}

// chance is a number that is different for each run.
func (r *run) chance() uint32 {
	h := fnv.New32a()
	h.Write([]byte(r.id))
	return h.Sum32()
}

func (r *run) exit(status int) int {
	r.note("exit %d %d", status, time.Now().UnixNano())
	return status
}

// die ends by a signal.
func (r *run) die(s syscall.Signal) int {
	r.note("signal %s %d", unix.SignalName(s)[3:], time.Now().UnixNano())
	signal.Reset(s)
	_ = syscall.Kill(os.Getpid(), s)
	rest()
	return 0
}

func (r *run) note(format string, args ...any) {
	if err := appendLine(recordPath(r.dir, r.service, r.id), format, args...); err != nil {
		r.violate("it cannot write its record: %v", err)
	}
}

func (r *run) violate(format string, args ...any) {
	_ = appendLine(violationsPath(r.dir), "%s, run %s, process %d: %s", r.service, r.id, os.Getpid(), fmt.Sprintf(format, args...))
}
