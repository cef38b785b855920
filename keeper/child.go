package keeper

import (
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"tend/internal/fault"
	"tend/process"
)

// startIfDue starts the child if there is none, one is wanted, and its pause is over.
func (k *keep) startIfDue() {
	if k.child != 0 || k.done || time.Now().Before(k.startAt) {
		return
	}
	if err := k.start(); err != nil {
		pause := k.pauses.afterFailure()
		k.say("cannot start the child, trying again in %s: %v", pause, err)
		k.startAt = time.Now().Add(pause)
	}
}

// start starts the child: this program again, in a session of its own. The first child gets the ready pipe; later ones
// do not, and this keeper's own copy of it is closed.
func (k *keep) start() error {
	k.rejoin()
	files := []uintptr{0, 1, 2}
	env := k.environment()
	give := func(variable string, fd int) {
		if fd >= 0 {
			env = append(env, numbered(variable, len(files)))
			files = append(files, uintptr(fd))
		}
	}
	give(readyVariable, k.inherit.ready)
	if !k.config.Inner {
		give(chainVariable, k.inherit.chain)
	}
	give(noticeVariable, k.inherit.notice)
	give(shelfInVariable, k.inherit.shelfIn)
	give(shelfOutVariable, k.inherit.shelfOut)
	if !k.config.Inner && !k.config.Detach {
		outer, err := k.newLifeline()
		if err != nil {
			return err
		}
		defer unix.Close(outer)
		give(outerVariable, outer)
	}
	pid, err := syscall.ForkExec(executable(), k.config.child(k.leaving), &syscall.ProcAttr{
		Env: env, Files: files, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return err
	}
	k.child, k.supervises, k.started, k.children = pid, k.config.Inner, time.Now(), true
	k.faultAt(fault.OuterStarted, fault.InnerStarted)
	k.inherit.closeReady()
	return nil
}

// environment is the child's: this keeper's own, but for what tells of descriptors and what only keepers need.
func (k *keep) environment() []string {
	env := []string{numbered(keeperVariable, os.Getpid())}
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		switch {
		case tellsOfDescriptor(name), name == stateVariable, name == keeperVariable:
			continue
		case name == "GOMAXPROCS" && k.config.Inner: // ours: keepers do one thing at a time
			continue
		}
		env = append(env, entry)
	}
	return env
}

// ended takes note that the child has ended.
func (k *keep) ended(status syscall.WaitStatus) {
	pid, lived := k.child, time.Since(k.started)
	k.child, k.replacing, k.remindAt = 0, false, time.Time{}
	if status.Exited() && status.ExitStatus() == 0 {
		k.done = true
		return
	}
	pause := k.pauses.afterEnd(status, lived)
	k.startAt = time.Now().Add(pause)
	again := "at once"
	if pause > 0 {
		again = "in " + pause.String()
	}
	k.say("process %d, tend %s, %s after %s and is started again %s",
		pid, k.kept(), process.ExitOf(uint32(status)), lived.Round(time.Millisecond), again)
}

// kept is the command that the child was started with.
func (k *keep) kept() string {
	if k.supervises {
		return commandSupervise
	}
	return commandKeep
}
