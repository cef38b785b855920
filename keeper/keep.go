package keeper

import (
	"context"
	"errors"
	"log"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"tend"
	"tend/internal/fault"
)

// Keep is `tend keep`. It returns the exit status: 0 when its child has ended on purpose and nothing is left to wait
// for. It changes the whole process: working directory, umask, signals, descriptors. Nothing else must run in it.
// When ctx is done it returns at once and leaves everything below it as it is.
func Keep(ctx context.Context, c Config) int {
	// A program that was executed in the place of another has its signals blocked, see become: they are caught first, and
	// unblocked on this thread, from which all children are made.
	if os.Getenv(stateVariable) != "" {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	signals := catch()
	k, err := begin(c)
	if err != nil {
		log.Printf("%s keeper: %v", c.role(), err)
		return tend.ExitStatus(err)
	}
	if c.Detach {
		if err := k.start(); err != nil {
			k.say("cannot start the outer keeper: %v", err)
			return 1
		}
		return 0
	}
	k.signals = signals
	return k.loop(ctx)
}

// signals are those that a keeper acts on.
type signals struct{ deaths, leave, gone, upgrade chan os.Signal }

// catch catches all signals that could end this process.
func catch() signals {
	s := signals{make(chan os.Signal, 1), make(chan os.Signal, 1), make(chan os.Signal, 1), make(chan os.Signal, 1)}
	signal.Notify(s.deaths, syscall.SIGCHLD)
	signal.Notify(s.leave, syscall.SIGTERM)
	signal.Notify(s.gone, syscall.SIGHUP)
	signal.Notify(s.upgrade, syscall.SIGUSR2)
	// Caught and dropped. Ignoring them would hand that on to every child; see signal(7). SIGXFSZ makes a write to the
	// journal that exceeds a limit fail like any other.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGQUIT, syscall.SIGPIPE,
		syscall.SIGUSR1, syscall.SIGALRM, syscall.SIGXFSZ, syscall.SIGXCPU)
	return s
}

// keep is one keeper at work. All of it belongs to the goroutine that runs loop.
type keep struct {
	config  Config
	inherit inheritance
	signals signals

	directory int // descriptor of the runtime directory, locked; -1: there is none

	outer     int             // pid of the keeper above an inner one, 0 where there is none
	outerGone <-chan struct{} // closed when that is gone, or just going
	outerAt   time.Time       // when it is asked again whether it is gone; zero: it need not be
	outerAsks int             // how often it was asked
	outerEnd  *os.File        // end of the lifeline to read; closed when nobody refers to it any more
	lifeline  int             // an outer keeper's end of the present child's lifeline; -1: there is none

	child      int  // pid, 0 while there is none
	supervises bool // the child is a supervisor, not a keeper
	replacing  bool // the child is to give way to another
	started    time.Time
	startAt    time.Time // when the child is due to be started, where child is 0
	pauses     pauses
	done       bool // the child ended on purpose

	leaving   bool
	remindAt  time.Time // when the child is told to leave, or to give way, again; zero: it need not be
	reminders time.Duration

	buryAt   time.Time // when the journal is tried again; zero: it is in order
	failures int       // of the journal, in a row

	children bool // something is below this keeper
}

// loop is the keeper: it sleeps until a signal comes or something is due, and then looks at everything.
func (k *keep) loop(ctx context.Context) int {
	due := time.NewTimer(0)
	for {
		k.promoteIfDue()
		k.wake()
		k.bury()
		k.remindIfDue()
		if k.over() {
			return 0
		}
		k.arm(due)
		select {
		case <-ctx.Done():
			return 1
		case <-k.signals.deaths:
		case <-due.C:
		case <-k.outerGone:
			k.outerGone, k.outerAt = nil, time.Now()
		case <-k.signals.leave:
			k.leave()
		case <-k.signals.gone:
			k.rejoin()
			k.rejoinAbove()
		case <-k.signals.upgrade:
			k.upgrade()
		}
	}
}

// over reports whether there is nothing left to do. An inner keeper leaves what is below it to the outer one, so that
// the chain's lock is free as soon as the chain can start nothing any more.
func (k *keep) over() bool {
	if !k.done {
		return false
	}
	k.inherit.closeChain()
	return !k.children || k.leaving || k.outer != 0 && k.outer == os.Getppid()
}

// arm sets the timer to what is due next.
func (k *keep) arm(due *time.Timer) {
	next := k.buryAt
	if k.child == 0 && !k.done {
		next = earlier(next, k.startAt)
	}
	if next = earlier(earlier(next, k.remindAt), k.outerAt); next.IsZero() {
		due.Stop()
		return
	}
	due.Reset(time.Until(next))
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// leave passes on that everything is to be stopped, now and to every child that is still to come.
func (k *keep) leave() {
	if !k.leaving {
		k.say("told to leave")
		say(k.inherit.chain, chainLeaves)
	}
	k.leaving, k.startAt = true, time.Now()
	if k.child != 0 {
		k.reminders = firstReminder
		k.remind()
	}
}

// wake has the child go on if somebody has stopped it: SIGCHLD tells of that too.
func (k *keep) wake() {
	if k.child != 0 && stopped(k.child) {
		k.say("process %d, tend %s, was stopped and is to go on", k.child, k.kept())
		_ = syscall.Kill(k.child, syscall.SIGCONT)
	}
}

func (k *keep) remindIfDue() {
	if !k.remindAt.IsZero() && !time.Now().Before(k.remindAt) {
		k.reminders = min(2*k.reminders, longestPause)
		k.remind()
	}
}

// remind tells the child to leave, or to give way. The pid is the child's own, because nobody but this goroutine reaps it.
func (k *keep) remind() {
	tell := syscall.SIGTERM // to a keeper: leave; to a supervisor: give way
	if k.supervises && !k.replacing {
		tell = syscall.SIGUSR1
	}
	if err := syscall.Kill(k.child, tell); err != nil && !errors.Is(err, syscall.ESRCH) {
		k.say("cannot send %v to process %d: %v", tell, k.child, err)
	}
	k.remindAt = time.Now().Add(k.reminders)
}

func (k *keep) say(format string, args ...any) {
	log.Printf("%s keeper %d: "+format, append([]any{k.config.role(), os.Getpid()}, args...)...)
}

// faultAt is fault.At for the point of this keeper's role.
func (k *keep) faultAt(outer, inner fault.Point) {
	if k.config.Inner {
		fault.At(inner)
	} else {
		fault.At(outer)
	}
}
