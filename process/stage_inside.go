package process

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ExecStage is the exec stage; args are those after the stage's own command. It only returns on failure, with the exit
// status.
func ExecStage(args []string) int {
	runtime.LockOSThread() // what execve keeps of a thread (signal mask, priority) is this one's
	CloseInherited()
	if len(args) < 4 {
		return stageStatus // nobody knows whom to tell
	}
	plan, err := parseStagePlan(args[0])
	if err != nil || plan.report < 3 {
		return stageStatus
	}
	step, err := plan.execute(args[1], args[2], args[3:])
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		errno = syscall.EINVAL
	}
	report := os.NewFile(uintptr(plan.report), "report")
	fmt.Fprintf(report, "%s %d", step, int(errno))
	return stageStatus
}

// execute becomes the program.
func (p stagePlan) execute(dir, program string, args []string) (step string, err error) {
	for _, fd := range p.files {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
			return StepExecute, err
		}
	}
	if _, err := ResetSignals(); err != nil {
		return StepExecute, err
	}
	unix.Umask(int(p.umask))
	if err := unix.Chdir(dir); err != nil {
		return StepChdir, err
	}
	settings, err := p.limits.settings()
	if err != nil {
		return StepExecute, err
	}
	bounds, err := p.limits.bounds()
	if err != nil {
		return StepExecute, err
	}
	for _, s := range settings {
		if err := s.set(); err != nil {
			return s.step, err
		}
	}
	err = become(p.report, program, args, p.environment(), bounds)
	var failed *StartError
	if errors.As(err, &failed) {
		return failed.Path, err
	}
	return StepExecute, err
}

// environment is that of the service: as it was sent, with what only its process knows.
func (p stagePlan) environment() []string {
	env := os.Environ()
	for i, entry := range env {
		_, env[i], _ = strings.Cut(entry, "=")
	}
	pid := strconv.Itoa(os.Getpid())
	if p.listenPID {
		env = replaced(env, "LISTEN_PID", pid)
	}
	if id, ok := ownPIDFDInode(); p.pidfdInode && ok {
		env = replaced(env, "LISTEN_PIDFDID", strconv.FormatUint(id, 10))
	}
	if p.watchdogPID {
		env = replaced(env, "WATCHDOG_PID", pid)
	}
	return env
}

// replaced sets a variable that may be there already.
func replaced(env []string, name, value string) []string {
	env = slices.DeleteFunc(env, func(entry string) bool { return strings.HasPrefix(entry, name+"=") })
	return append(env, name+"="+value)
}
