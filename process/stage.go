package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"tend"
)

// The exec stage is our own program, executed in the new process to set what can only be set from inside, before it
// executes the service's program: the pid and the start time stay.
//
// It is called as `STAGE… PLAN DIRECTORY PROGRAM ARGUMENT…`. Each variable NAME=value of the service comes as
// N=NAME=value, N its place: order and doubles are kept, nothing meant for the service (GODEBUG) is obeyed by us, and,
// unlike arguments, nobody else can read it. Its descriptors have their numbers already. On the number after them stands a
// pipe that closes when the program is executed; a failure is written to it as "STEP ERRNO". A stage that is killed says
// nothing: its start counts as done, and its end is that of the service.

// stagePlan is what a stage is to do, as words KEY=VALUE with blanks between them: whoever writes it and whoever reads it are
// of one program.
type stagePlan struct {
	umask       tend.Umask
	report      int   // the descriptor of the pipe
	files       []int // the descriptors of the service, but for the first three
	listenPID   bool
	pidfdInode  bool // with the listenPID
	watchdogPID bool
	limits      Limits
}

func (p stagePlan) String() string {
	words := []string{"umask=" + p.umask.String(), "report=" + strconv.Itoa(p.report)}
	for _, fd := range p.files {
		words = append(words, "file="+strconv.Itoa(fd))
	}
	for word, wanted := range p.switches() {
		if *wanted {
			words = append(words, word)
		}
	}
	return strings.Join(append(words, p.limits.words()...), " ")
}

func (p *stagePlan) switches() map[string]*bool {
	return map[string]*bool{"listen_pid": &p.listenPID, "listen_pidfdid": &p.pidfdInode, "watchdog_pid": &p.watchdogPID}
}

func parseStagePlan(text string) (p stagePlan, err error) {
	for _, word := range strings.Fields(text) {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "umask":
			p.umask, err = tend.ParseUmask(value)
		case "report":
			p.report, err = strconv.Atoi(value)
		case "file":
			var fd int
			fd, err = strconv.Atoi(value)
			p.files = append(p.files, fd)
		case "nice", "oom_score_adj", "ionice", "cpus", "limit":
			err = p.limits.add(key, value)
		default:
			wanted := p.switches()[word]
			if wanted == nil {
				return p, fmt.Errorf("%q is not a word of a plan", word)
			}
			*wanted = true
		}
		if err != nil {
			return p, err
		}
	}
	return p, nil
}

const stageStatus = 253 // the exit status of a failed stage, as of a failed exec without one

// startStaged starts the process through the stage and waits until the stage is over.
func startStaged(stage []string, spec Spec, files []uintptr) (born, error) {
	if err := spec.Limits.valid(); err != nil {
		return born{}, err
	}
	if len(stage) == 0 {
		return born{}, &StartError{Step: StepExecute, Path: spec.Path, Err: errors.New("there is no exec stage")}
	}
	r, w, err := os.Pipe()
	if err != nil {
		return born{}, &StartError{Step: StepFork, Path: spec.Path, Err: errors.Unwrap(err)}
	}
	defer r.Close()
	b, err := fork(staged(stage, spec, files), append(files, w.Fd()), "") // we are in / ourselves
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

// staged is the process as it is begun.
func staged(stage []string, spec Spec, files []uintptr) Spec {
	plan := stagePlan{umask: spec.Umask, report: len(files), listenPID: spec.ListenPID, watchdogPID: spec.WatchdogPID}
	plan.limits = spec.Limits
	plan.pidfdInode = spec.ListenPID && Probe().Has("pidfd")
	for fd := 3; fd < len(files); fd++ {
		if files[fd] != noDescriptor {
			plan.files = append(plan.files, fd)
		}
	}
	arguments := append([]string{"tend"}, stage[1:]...) // as our other processes are called
	arguments = append(arguments, plan.String(), spec.Dir, spec.Path)
	staged := Spec{Path: stage[0], Args: append(arguments, spec.Args...), Dir: "/", Cgroup: spec.Cgroup, Own: spec.Own}
	for i, entry := range spec.Env {
		staged.Env = append(staged.Env, strconv.Itoa(i)+"="+entry)
	}
	return staged
}

// stageFailure reads what a stage wrote.
func stageFailure(spec Spec, report string) error {
	at := max(0, strings.LastIndexByte(report, ' '))
	n, err := strconv.Atoi(strings.TrimSpace(report[at:]))
	if err != nil {
		return &StartError{Step: StepExecute, Path: spec.Path, Err: fmt.Errorf("its start was broken off (%q)", report)}
	}
	switch step := report[:at]; step {
	case StepExecute:
		return failure(spec, syscall.Errno(n))
	case StepChdir:
		return &StartError{Step: StepChdir, Path: spec.Dir, Err: syscall.Errno(n)}
	default:
		return refused(step, syscall.Errno(n))
	}
}
