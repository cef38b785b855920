package keeper

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"tend/process"
)

// state is what a keeper knows, for the program that it executes in its own place: the process stays the same, with its
// children, its standing as a subreaper and the descriptors that it hands on. The other program may be of another version:
// what it does not know it leaves out, what it is not told is zero.
type state struct {
	Child      int       `json:"child,omitempty"`
	Supervises bool      `json:"supervises,omitempty"`
	Replacing  bool      `json:"replacing,omitempty"`
	Done       bool      `json:"done,omitempty"`
	Started    time.Time `json:"started"`
	StartAt    time.Time `json:"start_at"`
	Crashes    int       `json:"crashes,omitempty"`
	Lifeline   int       `json:"lifeline"`           // descriptor, -1: none
	Upgraded   bool      `json:"upgraded,omitempty"` // what is below is to have this program as well
}

// stateVariable holds it, in JSON.
const stateVariable = "TEND_STATE"

// become executes the program in this very process, which goes on as a keeper of the same child. It returns only if that
// fails; then nothing has changed. What dies meanwhile stays a zombie until the program looks. Signals wait, but for one
// that comes in the last microseconds before.
func (k *keep) become(program string, upgraded bool) error {
	for _, kept := range append(k.inherit.all(), handed{fd: k.lifeline}) {
		if kept.fd >= 0 {
			unix.FcntlInt(uintptr(kept.fd), unix.F_SETFD, 0)
			defer unix.CloseOnExec(kept.fd)
		}
	}
	env, err := k.ownEnvironment(upgraded)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer process.BlockSignals()()
	awaitSignals()
	select {
	case <-k.signals.leave: // as late as can be: what comes after this is lost with the old program
		k.leave()
	default:
	}
	err = syscall.Exec(program, k.config.own(k.leaving), env)
	return fmt.Errorf("executing %s in the place of process %d: %w", program, os.Getpid(), err)
}

// awaitSignals waits until the signals that have come are in their channels: until one that comes after them is. Linux
// delivers those with lower numbers first; see signal(7).
func awaitSignals() {
	last := make(chan os.Signal, 1)
	signal.Notify(last, syscall.SIGWINCH) // which does nothing to a program that does not ask for it
	defer signal.Stop(last)
	_ = syscall.Kill(os.Getpid(), syscall.SIGWINCH)
	select {
	case <-last:
	case <-time.After(time.Second): // rather than never
	}
	time.Sleep(time.Millisecond) // each may have been taken by another thread
}

// ownEnvironment is the environment by which the program takes up where this one was.
func (k *keep) ownEnvironment(upgraded bool) ([]string, error) {
	told, err := json.Marshal(state{
		Child: k.child, Supervises: k.supervises, Replacing: k.replacing, Done: k.done, Started: k.started, StartAt: k.startAt,
		Crashes: k.pauses.crashes, Lifeline: k.lifeline, Upgraded: upgraded,
	})
	if err != nil {
		return nil, fmt.Errorf("telling what is kept: %w", err)
	}
	env := []string{stateVariable + "=" + string(told), process.CleanedEntry}
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); !tellsOfDescriptor(name) && name != stateVariable {
			env = append(env, entry)
		}
	}
	for _, kept := range k.inherit.all() {
		if kept.fd >= 0 {
			env = append(env, numbered(kept.variable, kept.fd))
		}
	}
	return env, nil
}

// takeUp takes up where the program was that was executed in this process before, if there was one.
func (k *keep) takeUp() {
	told := os.Getenv(stateVariable)
	os.Unsetenv(stateVariable)
	s := state{Lifeline: -1}
	if told == "" || json.Unmarshal([]byte(told), &s) != nil {
		return
	}
	k.child, k.supervises, k.done, k.started, k.startAt = s.Child, s.Supervises, s.Done, s.Started, s.StartAt
	k.pauses.crashes, k.lifeline = s.Crashes, s.Lifeline
	if s.Upgraded {
		k.upgradeChild()
	}
	if k.child == 0 {
		return
	}
	if s.Replacing {
		k.giveWay()
	} else if k.leaving {
		k.leave()
	}
}
