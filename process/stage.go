package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"tend"
)

// The exec stage is our own program, executed in the new process to set what can only be set from inside, before it
// executes the service's program: the pid and the start time stay.
//
// It is called as `STAGE… UMASK DIRECTORY PROGRAM ARGUMENT…`. Each variable NAME=value of the service comes as
// N=NAME=value, N its place: order and doubles are kept, nothing meant for the service (GODEBUG) is obeyed by us, and,
// unlike arguments, nobody else can read it. On descriptor 3 stands a pipe that closes when the program is executed; a
// failure is written to it as "STEP ERRNO". A stage that is killed says nothing: its start counts as done, and its end
// is that of the service.

const (
	reportFD    = 3
	stageStatus = 253 // the exit status of a failed stage, as of a failed exec without one
)

// startStaged starts the process through the stage and waits until the stage is over.
func startStaged(stage []string, spec Spec, files []uintptr) (born, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return born{}, &StartError{Step: StepFork, Path: spec.Path, Err: errors.Unwrap(err)}
	}
	defer r.Close()
	staged := Spec{Path: stage[0], Args: append(append([]string{}, stage...), spec.Umask.String(), spec.Dir, spec.Path), Dir: "/", Cgroup: spec.Cgroup, Own: spec.Own}
	staged.Args = append(staged.Args, spec.Args...)
	for i, entry := range spec.Env {
		staged.Env = append(staged.Env, strconv.Itoa(i)+"="+entry)
	}
	b, err := fork(staged, append(files, w.Fd()), "") // we are in / ourselves
	w.Close()
	if err != nil {
		return born{}, err
	}
	report, err := io.ReadAll(r)
	if err == nil && len(report) == 0 {
		return b, nil
	}
	if b.pidfd >= 0 {
		unix.Close(b.pidfd)
	}
	reapOwn(b.pid)
	return born{}, stageFailure(spec, string(report))
}

// stageFailure reads what a stage wrote.
func stageFailure(spec Spec, report string) error {
	step, number, _ := strings.Cut(report, " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return &StartError{Step: StepExecute, Path: spec.Path, Err: fmt.Errorf("its start was broken off (%q)", report)}
	}
	if step == StepChdir {
		return &StartError{Step: StepChdir, Path: spec.Dir, Err: syscall.Errno(n)}
	}
	return failure(spec, syscall.Errno(n))
}

// ExecStage is the exec stage; args are those after the stage's own command. It only returns on failure, with the exit
// status.
func ExecStage(args []string) int {
	step, err := execStage(args)
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		errno = syscall.EINVAL
	}
	report := os.NewFile(reportFD, "report")
	fmt.Fprintf(report, "%s %d", step, int(errno))
	return stageStatus
}

func execStage(args []string) (step string, err error) {
	if len(args) < 4 {
		return StepExecute, syscall.EINVAL
	}
	runtime.LockOSThread() // the signal mask that execve keeps is this thread's
	CloseInherited()
	if _, err := ResetSignals(); err != nil {
		return StepExecute, err
	}
	umask, err := tend.ParseUmask(args[0])
	if err != nil {
		return StepExecute, err
	}
	unix.Umask(int(umask))
	if err := unix.Chdir(args[1]); err != nil {
		return StepChdir, err
	}
	env := os.Environ()
	for i, entry := range env {
		_, env[i], _ = strings.Cut(entry, "=")
	}
	return StepExecute, syscall.Exec(args[2], args[3:], env)
}
