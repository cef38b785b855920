package process

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"tend"
)

// Spec is what a process is to be, exactly: nothing comes from us but what stands here.
type Spec struct {
	Path                  string   // the program, as LookPath found it
	Args                  []string // all of them, the program's name included
	Dir                   string   // absolute; "" is /
	Env                   []string // NAME=value
	Umask                 tend.Umask
	Stdin, Stdout, Stderr *os.File // nil is /dev/null
	Cgroup                *os.File // the directory of one to be born into; nil is ours
	Own                   bool     // it is to be our own child: its death is ours to see, and our death may be its own

	// Files are further descriptors: Files[i] becomes 3+i, nil leaves that number closed. Whether they block stays as it is.
	Files []*os.File

	// What only the process itself can know or set goes through the exec stage.
	ListenPID   bool // LISTEN_PID, and LISTEN_PIDFDID where pidfds have inodes, are added to Env: see sd_listen_fds(3)
	WatchdogPID bool // WATCHDOG_PID is added to Env: see sd_watchdog_enabled(3)
	Limits      Limits
}

// needsStage reports whether something of it can only be done from inside.
func (s *Spec) needsStage() bool { return s.ListenPID || s.WatchdogPID || !s.Limits.IsZero() }

// Child is a process that was started. Start is 0 when it had ended and was reaped before it could be asked: how it
// ended then stands behind the pidfd, and in the exit journal, under its pid and a start that is not before Earliest.
type Child struct {
	tend.Identity
	PIDFD    int    // the caller's to close, or to give to a Watcher; -1 where there is none
	Earliest uint64 // Start is not less, nor is that of any process that is given the pid later
	InCgroup bool   // it was born into the cgroup of its Spec; a kernel that refuses that is no reason not to start
}

// ErrClosed is returned by a Spawner after Close.
var ErrClosed = errors.New("the spawner is closed")

// Spawner starts processes. On Linux they become children of our parent, unless their Spec says otherwise, so that our death is nothing to them and the
// keeper learns how they end; where the kernel refuses that (we are process 1 of a container) and elsewhere they
// are our own, and the Watcher reaps them. Each is the leader of a session without terminal, with default signal
// dispositions, nothing blocked, no descriptors but 0, 1, 2 and those of its Spec, and the limit of open files that we were
// started with.
//
// An exec that fails leaves a process that ended with status 253, which our parent reaps and may journal.
//
// When we are killed in the middle of a start, the child goes on by itself. It has its run's mark from birth. Until its
// execve returns it shows our environment, but it also holds a copy of every descriptor of ours until then: where there
// are no marks, a supervisor that has waited for the lock of the one before, and looks then, does not miss it either.
type Spawner struct {
	stage    []string // how our own exec stage is called; empty: it must not be used
	requests chan request
	closed   chan struct{} // closed by Close
	ended    chan struct{} // closed when the thread is through
	close    sync.Once
	null     *os.File // stands in for files that a Spec does not name; owned by the Spawner

	// Set once, before the first request.
	ownDirectory bool // the thread that forks has umask and working directory for itself
	staged       bool // everything goes through the exec stage
}

type request struct {
	spec   Spec
	answer chan answer
}

type answer struct {
	child Child
	err   error
}

// NewSpawner returns a Spawner. The stage is the command that ends in ExecStage, for example {"/proc/self/exe",
// "exec"}: it is used for a Spec that has what can only be set from inside, where the kernel does not let one thread have
// an umask of its own, and where signals are ignored in this process. Without a stage such a Spec is refused, and the umask
// of the whole process is changed for the moment of a start, there.
func NewSpawner(stage ...string) (*Spawner, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	CloseInherited()
	s := &Spawner{stage: stage, requests: make(chan request), closed: make(chan struct{}), ended: make(chan struct{}), null: null}
	ready := make(chan error)
	go onOwnThread(func() {
		var err error
		s.ownDirectory, err = prepareThread()
		ready <- err
		if err == nil {
			s.serve()
		}
	})
	if err := <-ready; err != nil {
		null.Close()
		return nil, fmt.Errorf("preparing to start processes: %w", err)
	}
	return s, nil
}

// Start starts a process. It returns when the program was executed; the error is a *StartError or ErrClosed.
func (s *Spawner) Start(spec Spec) (Child, error) {
	r := request{spec, make(chan answer, 1)}
	select {
	case s.requests <- r:
	case <-s.closed:
		return Child{PIDFD: -1}, ErrClosed
	}
	a := <-r.answer
	return a.child, a.err
}

// Close ends the thread that starts processes. A start under way is finished first.
func (s *Spawner) Close() {
	s.close.Do(func() { close(s.closed) })
	<-s.ended
}

// serve answers requests, on the one thread that forks.
func (s *Spawner) serve() {
	defer close(s.ended)
	defer s.null.Close()
	s.staged = len(s.stage) > 0 && (!s.ownDirectory || ignoresSignals())
	for {
		select {
		case r := <-s.requests:
			child, err := s.start(r.spec)
			r.answer <- answer{child, err}
		case <-s.closed:
			return
		}
	}
}

func (s *Spawner) start(spec Spec) (Child, error) {
	if spec.Dir == "" {
		spec.Dir = "/"
	}
	files, err := s.descriptors(spec)
	if err != nil {
		return Child{PIDFD: -1}, &StartError{Step: StepFork, Path: spec.Path, Err: err}
	}
	defer runtime.KeepAlive(spec)
	if spec.Cgroup != nil {
		prepareBirth()
	}
	defer bearMark(spec.Env)()
	var b born
	earliest := startsNow()
	if s.staged || spec.needsStage() {
		b, err = startStaged(s.stage, spec, files)
	} else {
		b, err = s.startDirectly(spec, files)
	}
	if err != nil {
		return Child{PIDFD: -1}, err
	}
	id := tend.Identity{PID: b.pid, Start: startOf(b.pid, &b.pidfd)}
	return Child{Identity: id, PIDFD: b.pidfd, Earliest: earliest, InCgroup: b.inCgroup}, nil
}

// noDescriptor stands for a number that is to be closed in the new process.
const noDescriptor = ^uintptr(0)

// descriptors are those that the process is to have, by its own numbers.
func (s *Spawner) descriptors(spec Spec) (files []uintptr, err error) {
	for _, f := range []*os.File{spec.Stdin, spec.Stdout, spec.Stderr} {
		if f == nil {
			f = s.null
		}
		files = append(files, f.Fd()) // also makes it block, which every program expects
	}
	for i, f := range spec.Files {
		fd := noDescriptor
		if f != nil { // Fd would have a socket block that others share
			if fd, err = rawDescriptor(f); err != nil {
				return nil, fmt.Errorf("descriptor %d: %w", 3+i, err)
			}
		}
		files = append(files, fd)
	}
	return files, nil
}

// rawDescriptor returns the number of a file, which goes on blocking, or not, as it did. It is good while the file is open.
func rawDescriptor(f *os.File) (fd uintptr, err error) {
	raw, err := f.SyscallConn()
	if err == nil {
		err = raw.Control(func(n uintptr) { fd = n })
	}
	return fd, err
}

// born is a process that was made.
type born struct {
	pid, pidfd int // the latter -1 where there is none
	inCgroup   bool
}

// startDirectly sets the umask and enters the directory before the fork.
func (s *Spawner) startDirectly(spec Spec, files []uintptr) (born, error) {
	before := unix.Umask(int(spec.Umask))
	if !s.ownDirectory {
		defer unix.Umask(before)
		if err := unix.Access(spec.Dir+"/.", unix.X_OK); err != nil { // fork cannot tell which of its steps failed
			return born{}, &StartError{Step: StepChdir, Path: spec.Dir, Err: err}
		}
		return fork(spec, files, spec.Dir)
	}
	if err := unix.Chdir(spec.Dir); err != nil {
		return born{}, &StartError{Step: StepChdir, Path: spec.Dir, Err: err}
	}
	defer unix.Chdir("/") // so that we do not keep a file system from being unmounted
	return fork(spec, files, "")
}

// fork makes the process and executes the program in it. Without a dir it begins where the thread is.
func fork(spec Spec, files []uintptr, dir string) (born, error) {
	b := born{pidfd: -1}
	attr := syscall.ProcAttr{Dir: dir, Env: spec.Env, Files: files, Sys: childAttributes(&b.pidfd, spec.Own)}
	if spec.Cgroup != nil && dir == "" {
		child, refused, err := forkInto(spec.Cgroup, spec, files, attr.Sys)
		if err != nil {
			return born{}, failure(spec, err)
		}
		if !refused {
			return child, nil
		}
	}
	var err error
	if b.pid, err = syscall.ForkExec(spec.Path, spec.Args, &attr); err != nil {
		return born{}, failure(spec, err)
	}
	return b, nil
}

// failure tells the errors of making a process from those of becoming the program, as well as the kernel lets one.
func failure(spec Spec, err error) *StartError {
	switch {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.ENOMEM), errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return &StartError{Step: StepFork, Path: spec.Path, Err: err}
	case errors.Is(err, syscall.EBADF): // from dup3(2), of a number that the limit does not allow
		return &StartError{Step: StepFork, Path: spec.Path, Err: syscall.EMFILE}
	}
	return &StartError{Step: StepExecute, Path: spec.Path, Err: explain(from(spec.Dir, spec.Path), err)}
}
