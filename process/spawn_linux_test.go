package process

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"tend"
)

var stage = []string{"/proc/self/exe", "exec"}

// childStatus reads a field of /proc/PID/status.
func childStatus(t *testing.T, pid int, field string) string {
	t.Helper()
	words, err := statusField(pid, field)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(words, " ")
}

// A process that is to be our own child is reaped, and its end told of, by our own watcher.
func TestStartOfAnOwnChild(t *testing.T) {
	for name, stage := range map[string][]string{"stage if need be": stage, "no stage": nil} {
		t.Run(name, func(t *testing.T) {
			s := newSpawner(t, stage...)
			child, err := s.Start(Spec{Path: "/bin/sh", Args: []string{"sh", "-c", "exit 7"}, Own: true})
			if err != nil {
				t.Fatal(err)
			}
			if stat, err := ReadStat(child.PID); err != nil || stat.PPID != os.Getpid() {
				t.Errorf("its parent is %d, not %d; %v", stat.PPID, os.Getpid(), err)
			}
			w, err := NewWatcher()
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			if err := w.Add(child.Identity, child.PIDFD); err != nil {
				t.Fatal(err)
			}
			if gone := <-w.Exits(); gone.Identity != child.Identity || gone.Exit == nil || gone.Exit.Code != 7 {
				t.Errorf("%v was told to have ended by %v", gone.Identity, gone.Exit)
			}
		})
	}
}

func TestStartGivesExactlyWhatWasAsked(t *testing.T) {
	for name, stage := range map[string][]string{"stage if need be": stage, "no stage": nil} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			out, err := os.OpenFile(filepath.Join(dir, "out"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			leak, err := syscall.Open("/dev/null", syscall.O_RDONLY, 0) // as if our caller had left it open
			if err != nil {
				t.Fatal(err)
			}
			defer syscall.Close(leak)
			env := []string{"B=2", "A=1", "A=doubled", "GODEBUG=inittrace=1", "EMPTY=", "odd"}
			s := newSpawner(t, stage...)
			before := currentUmask()
			child, err := s.Start(Spec{Path: sleepPath, Args: []string{"my sleep", "1000"}, Dir: dir, Env: env, Umask: 0o027, Stdout: out, Stderr: out})
			if err != nil {
				t.Fatal(err)
			}
			defer endNow(t, child.Identity)
			if after := currentUmask(); after != before {
				t.Errorf("our own umask became %o", after)
			}

			stat, err := ReadStat(child.PID)
			if err != nil {
				t.Fatal(err)
			}
			wantParent := os.Getppid()
			if !Probe().Has("clone_parent") {
				wantParent = os.Getpid()
			}
			if stat.Start != child.Start || stat.PPID != wantParent || stat.Session != child.PID {
				t.Errorf("got %+v of %+v, want parent %d and session %d", stat, child, wantParent, child.PID)
			}
			if late := startsNow(); child.Earliest > child.Start || child.Start > late || late-child.Earliest > 60*ticks {
				t.Errorf("start %d, not between %d and %d", child.Start, child.Earliest, late)
			}
			if (child.PIDFD >= 0) != Probe().Has("pidfd") {
				t.Errorf("pidfd %d", child.PIDFD)
			}
			unix.Close(child.PIDFD)
			text, _ := os.ReadFile(procPath(child.PID, "stat"))
			_, rest, _ := strings.Cut(string(text), ") ")
			if tty := strings.Fields(rest)[7-3]; tty != "0" {
				t.Errorf("terminal %s", tty)
			}
			for field, want := range map[string]string{
				"SigIgn": "0000000000000000", "SigBlk": "0000000000000000", "SigCgt": "0000000000000000", "Umask": "0027",
				"NoNewPrivs": childStatus(t, os.Getpid(), "NoNewPrivs"), "CapEff": childStatus(t, os.Getpid(), "CapEff"),
			} {
				if got := childStatus(t, child.PID, field); got != want {
					t.Errorf("%s is %s, want %s", field, got, want)
				}
			}
			eventually(t, "no descriptor but 0, 1 and 2", func() bool { // the loader opens libraries first
				return slices.Equal(descriptorsOf(child.PID), []string{"0", "1", "2"})
			})
			if target, _ := os.Readlink(procPath(child.PID, "fd/0")); target != "/dev/null" {
				t.Errorf("stdin is %s", target)
			}
			if target, _ := os.Readlink(procPath(child.PID, "fd/1")); target != out.Name() {
				t.Errorf("stdout is %s", target)
			}
			if got, err := WorkingDirectory(child.PID); got != dir {
				t.Errorf("working directory %q, %v", got, err)
			}
			eventually(t, "the environment that was asked for", func() bool { // there is none in the middle of execve(2)
				got, _ := Environ(child.PID)
				return slices.Equal(got, env)
			})
			if got, err := CommandLine(child.PID); !slices.Equal(got, []string{"my sleep", "1000"}) {
				t.Errorf("command line %q, %v", got, err)
			}
		})
	}
}

// descriptorsOf lists the open descriptors of a process.
func descriptorsOf(pid int) (numbers []string) {
	fds, _ := os.ReadDir(procPath(pid, "fd"))
	for _, fd := range fds {
		numbers = append(numbers, fd.Name())
	}
	return numbers
}

// currentUmask reads the mask of the process without setting it.
func currentUmask() int {
	words, _ := statusField(os.Getpid(), "Umask")
	n, _ := strconv.ParseInt(words[0], 8, 32)
	return int(n)
}

func TestStartsAtOnceKeepTheirUmasks(t *testing.T) {
	s := newSpawner(t, stage...)
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			umask := tend.Umask(i * 8)
			child, err := s.Start(Spec{Path: sleepPath, Args: []string{"sleep", "1000"}, Umask: umask})
			if err != nil {
				t.Error(err)
				return
			}
			defer unix.Close(child.PIDFD)
			defer endNow(t, child.Identity)
			if got := childStatus(t, child.PID, "Umask"); got != "0"+umask.String() {
				t.Errorf("umask is %s, want %s", got, umask)
			}
		})
	}
	group.Wait()
}

func TestStartSaysWhatFailedAndOnWhat(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := write("plain", "#!/bin/sh\n", 0o644)
	junk := write("junk", "no header", 0o755)
	lost := write("lost", "#!/no/such/python -u\n", 0o755)
	crlf := write("crlf", "#!/bin/sh\r\n", 0o755)
	tests := []struct {
		path, dir, want string
		cause           error
		step            string
	}{
		{"/no/such/program", "/", `cannot execute "/no/such/program": no such file or directory`, syscall.ENOENT, StepExecute},
		{dir, "/", `cannot execute "` + dir + `": it is a directory`, syscall.EISDIR, StepExecute},
		{plain, "/", `cannot execute "` + plain + `": permission denied (its mode is -rw-r--r--; chmod +x makes a program of it)`, syscall.EACCES, StepExecute},
		{junk, "/", `cannot execute "` + junk + `": it is neither a program for this machine nor a script that begins with #!`, syscall.ENOEXEC, StepExecute},
		{lost, "/", `cannot execute "` + lost + `": its interpreter "/no/such/python" does not exist`, syscall.ENOENT, StepExecute},
		{crlf, "/", `cannot execute "` + crlf + `": its first line ends in CR LF; it must end in LF alone`, syscall.ENOENT, StepExecute},
		{"/bin/sh", dir + "/none", `cannot enter the directory "` + dir + `/none": no such file or directory`, syscall.ENOENT, StepChdir},
		{"/bin/sh", plain, `cannot enter the directory "` + plain + `": not a directory`, syscall.ENOTDIR, StepChdir},
	}
	for name, stage := range map[string][]string{"stage if need be": stage, "no stage": nil} {
		s := newSpawner(t, stage...)
		for _, test := range tests {
			t.Run(name+"/"+filepath.Base(test.path)+" in "+filepath.Base(test.dir), func(t *testing.T) {
				child, err := s.Start(Spec{Path: test.path, Args: []string{"x"}, Dir: test.dir})
				var failed *StartError
				if !errors.As(err, &failed) || child.PIDFD != -1 {
					t.Fatalf("got %+v, %v", child, err)
				}
				if err.Error() != test.want {
					t.Errorf("got  %s\nwant %s", err, test.want)
				}
				if failed.Step != test.step || Temporary(failed) {
					t.Errorf("got step %q, temporary %v", failed.Step, Temporary(failed))
				}
				if !errors.Is(err, test.cause) {
					t.Errorf("not %v: %v", test.cause, err)
				}
			})
		}
	}
}

func TestStartTooLittleOfEverythingIsTemporary(t *testing.T) {
	for _, errno := range []error{syscall.EAGAIN, syscall.EMFILE, syscall.ENOMEM} {
		if failed := failure(Spec{Path: "/bin/true"}, errno); failed.Step != StepFork || !Temporary(failed) {
			t.Errorf("%v: %+v", errno, failed)
		}
	}
	busy := filepath.Join(t.TempDir(), "busy") // being written: ETXTBSY
	f, err := os.OpenFile(busy, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, err = newSpawner(t, stage...).Start(Spec{Path: busy, Args: []string{"busy"}})
	var failed *StartError
	if !errors.As(err, &failed) || !Temporary(failed) || failed.Step != StepExecute {
		t.Errorf("got %v", err)
	}
}

func TestStartOfOneThatEndsAtOnce(t *testing.T) {
	s := newSpawner(t, stage...)
	for range 50 {
		child, err := s.Start(Spec{Path: "/bin/true", Args: []string{"true"}})
		if err != nil || child.PID == 0 {
			t.Fatalf("got %+v, %v", child, err)
		}
		unix.Close(child.PIDFD)
		reapOwn(child.PID)
	}
}

func TestStartKeepsNoDescriptorThatOthersNeed(t *testing.T) {
	needsPIDFD(t)
	s := newSpawner(t, stage...)
	var before unix.Rlimit
	if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, nil, &before); err != nil {
		t.Fatal(err)
	}
	few := before
	few.Cur = uint64(len(descriptorsOf(os.Getpid())) + 32)
	if err := unix.Prlimit(0, unix.RLIMIT_NOFILE, &few, nil); err != nil {
		t.Fatal(err)
	}
	defer unix.Prlimit(0, unix.RLIMIT_NOFILE, &before, nil)
	kept := 0
	for range few.Cur {
		child, err := s.Start(Spec{Path: "/bin/sleep", Args: []string{"sleep", "1000"}})
		if err != nil {
			t.Fatalf("after %d with a pidfd: %v", kept, err)
		}
		end(t, child.Identity)
		if child.PIDFD >= 0 {
			defer unix.Close(child.PIDFD)
			kept++
		}
	}
	if kept == 0 {
		t.Error("none has a pidfd")
	}
}

func TestStartAfterClose(t *testing.T) {
	s := newSpawner(t)
	s.Close()
	s.Close()
	if _, err := s.Start(Spec{Path: "/bin/true"}); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

// dirtyRole becomes the worst of parents and executes the role in args.
func dirtyRole(args []string) int {
	runtime.LockOSThread()
	action := sigaction{handler: ignored}
	for signal := 1; signal <= lastSignal; signal++ {
		if signal != int(syscall.SIGKILL) && signal != int(syscall.SIGSTOP) {
			unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(&action)), 0, sigsetSize, 0, 0)
		}
	}
	var some unix.Sigset_t
	for _, signal := range []int{int(syscall.SIGUSR1), int(syscall.SIGTERM), 40, 64} {
		some.Val[0] |= 1 << (signal - 1)
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &some, nil); err != nil {
		return 1
	}
	var limit unix.Rlimit
	unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	limit.Cur = 512
	syscall.Setrlimit(syscall.RLIMIT_NOFILE, (*syscall.Rlimit)(&limit)) // so that exec passes it on
	say(syscall.Exec("/proc/self/exe", append([]string{os.Args[0]}, args...), os.Environ()))
	return 1
}

func TestStartUnderTheWorstOfParents(t *testing.T) {
	for _, args := range [][]string{{"clean"}, {"stage"}, {"clean", "stage"}} {
		t.Run(strings.Join(args, " and "), func(t *testing.T) {
			h := playAs(t, []string{"PROCESS_TEST_WORD=kept"}, "dirty", append([]string{"role:spawner"}, args...)...)
			words := h.hears()
			pid, err := strconv.Atoi(words[0])
			if err != nil {
				t.Fatalf("%q", words)
			}
			id := identify(t, pid)
			end(t, id)
			if words[len(words)-1] != "kept" {
				t.Errorf("the environment is lost: %q", words)
			}
			for field, want := range map[string]string{"SigIgn": "0000000000000000", "SigBlk": "0000000000000000"} {
				if got := childStatus(t, pid, field); got != want {
					t.Errorf("%s is %s, want %s", field, got, want)
				}
			}
			limits, _ := os.ReadFile(procPath(pid, "limits"))
			for line := range strings.Lines(string(limits)) {
				if rest, ok := strings.CutPrefix(line, "Max open files"); ok && strings.Fields(rest)[0] != "512" {
					t.Errorf("soft limit of open files: %s", rest)
				}
			}
		})
	}
}

func TestChildrenOfASupervisorSurviveIt(t *testing.T) {
	if !Probe().Has("clone_parent") {
		t.Skip("children are the supervisor's own")
	}
	h := play(t, "keeper")
	words := h.hears()
	pid, _ := strconv.Atoi(words[0])
	supervisor, _ := strconv.Atoi(words[2])
	child := identify(t, pid)
	end(t, child)
	if strconv.FormatUint(child.Start, 10) != words[1] {
		t.Errorf("start %d, reported as %s", child.Start, words[1])
	}
	if err := Signal(identify(t, supervisor), "KILL"); err != nil {
		t.Fatal(err)
	}
	h.hears() // the keeper has reaped it
	if stat, err := ReadStat(pid); err != nil || stat.Identity != child || stat.PPID != h.cmd.Process.Pid {
		t.Errorf("got %+v, %v; want parent %d", stat, err, h.cmd.Process.Pid)
	}
	if children, err := Children(h.cmd.Process.Pid); !slices.Equal(children, []int{pid}) {
		t.Errorf("the keeper's children are %v, %v", children, err)
	}
}

func BenchmarkStart(b *testing.B)       { benchmarkStart(b, Spec{}) }
func BenchmarkStartStaged(b *testing.B) { benchmarkStart(b, Spec{ListenPID: true}) }

func benchmarkStart(b *testing.B, spec Spec) {
	s := newSpawner(b, stage...)
	spec.Path, spec.Args, spec.Env, spec.Umask = "/bin/true", []string{"true"}, os.Environ(), 0o022
	for b.Loop() {
		child, err := s.Start(spec)
		if err != nil {
			b.Fatal(err)
		}
		unix.Close(child.PIDFD)
	}
}

// BenchmarkForkExec is the limit: nothing but the start.
func BenchmarkForkExec(b *testing.B) {
	attr := syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_PARENT}}
	for b.Loop() {
		if _, err := syscall.ForkExec("/bin/true", []string{"true"}, &attr); err != nil {
			b.Fatal(err)
		}
	}
}
