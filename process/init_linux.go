package process

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// handedOn are the signals that process 1 hands on to the program that it runs: those by which somebody outside asks a
// container for something.
var handedOn = []os.Signal{
	syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH,
}

// RunAsInit is what process 1 of a container is for: it runs the program as its child, hands signals on to it, and reaps
// whatever falls to it. It returns how the program ended; one that was killed by SIGKILL is run again, since nobody asks for
// the end of a container in that way. It must be the only thing that this process does: it takes the end of every child.
func RunAsInit(path string, args, env []string) (syscall.WaitStatus, error) {
	signals := make(chan os.Signal, 32)
	signal.Notify(signals, append([]os.Signal{syscall.SIGCHLD}, handedOn...)...)
	defer signal.Stop(signals)
	for {
		pid, err := syscall.ForkExec(path, args, &syscall.ProcAttr{Env: env, Files: []uintptr{0, 1, 2}, Sys: foreground()})
		if err != nil {
			return 0, fmt.Errorf("running %s: %w", path, err)
		}
		status := attend(pid, signals)
		if !status.Signaled() || status.Signal() != syscall.SIGKILL {
			return status, nil
		}
	}
}

// foreground puts the program into a process group of its own, which is the foreground of the terminal if there is one: what
// is typed there is for it alone, and is not handed on a second time.
func foreground() *syscall.SysProcAttr {
	sys := &syscall.SysProcAttr{Setpgid: true}
	if _, err := unix.IoctlGetInt(0, unix.TIOCGPGRP); err == nil {
		sys.Foreground, sys.Ctty = true, 0
	}
	return sys
}

// attend reaps until the program has ended, and says how.
func attend(pid int, signals <-chan os.Signal) syscall.WaitStatus {
	for {
		for {
			var status syscall.WaitStatus
			ended, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
			if ended == pid {
				return status
			}
			if errors.Is(err, syscall.EINTR) {
				continue
			}
			if err != nil || ended == 0 {
				break
			}
		}
		if s := <-signals; s != syscall.SIGCHLD {
			_ = syscall.Kill(pid, s.(syscall.Signal)) // it is our child, and not reaped: the pid is its own
		}
	}
}
