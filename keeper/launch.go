package keeper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"tend"
	"tend/internal/fault"
	"tend/process"
)

// restartTime is how long Launch waits for the next supervisor where the first one died before it had reported:
// enough for one that was killed and is back at once, not for one that crashes again and again.
const restartTime = 2 * time.Second

// launches is how many chains Launch starts at most: one that is gone before its supervisor was ready was killed, or
// cannot even begin.
const launches = 5

// passedOn are the variables that tend's own processes keep of the caller's environment. TEND_RUN and its like are not
// among them: tend may have been called from within a service, and its own processes are no part of that.
var passedOn = []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR", "SQLITE_TMPDIR", "GOCOVERDIR",
	"SERVER_FILE", "TEND_RUNTIME", "TEND_WITHOUT", fault.Variable}

// Launch sees to it that a supervisor answers: it returns when one accepts connections at Socket(dir), and starts
// keepers and supervisor where there are none. dir is Directory's answer, env the caller's environment, in which
// SERVER_FILE must be absolute. However many call it at a time, one chain is started. An error is what the supervisor itself
// reported, or tells what became of it. Descriptors that this process inherited are closed on execution from here on.
func Launch(ctx context.Context, dir string, env []string) error {
	return LaunchWith(ctx, dir, env, nil)
}

// LaunchWith is Launch for a supervisor that has lost its keepers, and hands their shelf down to the ones that it starts.
func LaunchWith(ctx context.Context, dir string, env []string, shelf *Shelf) error {
	if Answers(ctx, dir) {
		return nil
	}
	if err := remakeDirectory(dir); err != nil { // somebody may just have removed it
		return err
	}
	one, err := openLock(startLock(dir))
	if err != nil {
		return err
	}
	turn, err := awaitOr(ctx, dir, one) // whoever has it may be stopped, with the chain started already
	if turn == nil {
		return err
	}
	defer turn.Close()
	for started := 1; ; {
		if Answers(ctx, dir) {
			return nil
		}
		chain, err := claim(ctx, dir)
		if err != nil {
			return err
		}
		if chain != nil {
			err := start(ctx, dir, *chain, env, shelf)
			if !errors.Is(err, errChainGone) || started == launches || hasLeft(dir) {
				return err
			}
			started++ // somebody has killed all of it
			continue
		}
		// A chain lives: its supervisor is just being replaced, or the chain is leaving.
		if err := await(ctx, dir); !errors.Is(err, errChainGone) {
			return err
		}
	}
}

// claim returns the chain's lock, shared, if no keeper lives; nil if one does. Nobody else can come in between
// exclusive and shared, because only one Launch is here at a time, and no keeper is without the lock.
func claim(ctx context.Context, dir string) (*lock, error) {
	for recalled := false; ; recalled = true {
		l, err := openLock(keepersLock(dir))
		if err != nil {
			return nil, err
		}
		free, err := l.try()
		if free && !recalled && said(l.fd) == "" { // a new file: keepers may be about to take it, or not know that theirs is gone
			l.Close()
			recall(ctx, dir)
			continue
		}
		if free {
			say(l.fd, chainStarted)
			err = l.shared()
		}
		if !free || err != nil {
			l.Close()
			return nil, err
		}
		return &l, nil
	}
}

// start starts a chain, whose lock it hands over to it, and waits until its supervisor has reported.
func start(ctx context.Context, dir string, chain lock, env []string, shelf *Shelf) error {
	said, err := os.OpenFile(TendLog(dir), os.O_WRONLY|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		chain.Close()
		return WithRoomHint(fmt.Errorf("opening the log of tend's own processes: %w", err), dir)
	}
	defer said.Close()
	before, _ := said.Seek(0, 2) // size, so that only what is new is shown
	ready, err := execute(dir, chain, said, env, shelf)
	chain.Close() // the keepers have it now
	if err != nil {
		return tend.Errorf(tend.CodeFailed, "starting the keepers: %w", err)
	}
	defer ready.Close()
	err = awaitReport(ctx, ready)
	if errors.Is(err, errNoReport) {
		err = secondChance(ctx, dir, before)
	}
	if ctx.Err() != nil && err != nil {
		return tooLate(ctx, dir)
	}
	return err
}

// execute starts the outer keeper by way of one that ends at once, so that it is nobody's child and nobody's
// descendant, and returns the end of the ready pipe to read.
func execute(dir string, chain lock, said *os.File, env []string, shelf *Shelf) (*os.File, error) {
	process.CloseInherited()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	ready, report, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer report.Close()
	env = keepersEnvironment(env)
	files := []uintptr{null.Fd(), said.Fd(), said.Fd(), report.Fd(), uintptr(chain.fd)}
	for _, end := range shelf.ends() {
		env = append(env, numbered(end.variable, len(files)))
		files = append(files, uintptr(end.fd))
	}
	pid, err := syscall.ForkExec(executable(), []string{programName, commandKeep, flagDetach, dir}, &syscall.ProcAttr{
		Dir:   "/",
		Env:   env,
		Files: files,
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		ready.Close()
		return nil, err
	}
	for {
		if _, err := syscall.Wait4(pid, nil, 0, nil); !errors.Is(err, syscall.EINTR) {
			return ready, nil // how it ended shows in the ready pipe
		}
	}
}

func keepersEnvironment(env []string) []string {
	var kept []string
	for _, entry := range env {
		if name, _, _ := strings.Cut(entry, "="); slices.Contains(passedOn, name) {
			kept = append(kept, entry)
		}
	}
	return append(kept, "GOMAXPROCS=1", numbered(readyVariable, 3), numbered(chainVariable, 4))
}

// secondChance deals with a first supervisor that died without a word: the keepers start another, unless they have
// died as well.
func secondChance(ctx context.Context, dir string, before int64) error {
	waiting, cancel := context.WithTimeout(ctx, restartTime)
	defer cancel()
	err := await(waiting, dir)
	if err == nil || ctx.Err() != nil {
		return err
	}
	words := lastLines(TendLog(dir), before, 8)
	if words == "" {
		words = "it said nothing"
	}
	return errors.Join(tend.Errorf(tend.CodeFailed, "the supervisor ended before it was ready: %s", words).
		WithHint("more is in %s", TendLog(dir)), err)
}

// lastLines returns up to n last lines of a file, behind the offset.
func lastLines(path string, offset int64, n int) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	const most = 8 << 10
	size, _ := file.Seek(0, 2)
	b := make([]byte, max(0, min(size-offset, most)))
	read, _ := unix.Pread(int(file.Fd()), b, size-int64(len(b)))
	lines := strings.Split(strings.TrimSpace(string(b[:max(0, read)])), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
