package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tend/process"
)

// What a service is born with, read from the kernel.
func TestAServiceIsADaemon(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.up("plain", "--", "sleep", "1000")
	pid := id.PID
	stat, err := process.ReadStat(pid)
	if err != nil || stat.Session != pid {
		t.Errorf("it leads no session: %+v (%v)", stat, err)
	}
	words := strings.Fields(read(t, fmt.Sprintf("/proc/%d/stat", pid)))
	const group, terminal = 4, 6 // fields 5 and 7 of proc_pid_stat(5); sleep is one word
	if words[group] != pidText(id) || words[terminal] != "0" {
		t.Errorf("process group %s, terminal %s", words[group], words[terminal])
	}
	if fds := descriptors(t, pid); !slices.Equal(fds, []string{"0", "1", "2"}) {
		t.Errorf("it has the descriptors %v", fds)
	}
	log := w.database + "-logs/plain.log"
	for fd, want := range map[string]string{"0": "/dev/null", "1": log, "2": log} {
		if got := link(t, pid, "fd/"+fd); got != want {
			t.Errorf("descriptor %s is %s, not %s", fd, got, want)
		}
	}
	for _, fd := range []string{"1", "2"} {
		if flags := flagsOf(t, pid, fd); flags&unix.O_APPEND == 0 || flags&unix.O_ACCMODE != unix.O_WRONLY || flags&unix.O_NONBLOCK != 0 {
			t.Errorf("descriptor %s has the flags %#o", fd, flags)
		}
	}
	if cwd := link(t, pid, "cwd"); cwd != w.work {
		t.Errorf("it is in %s", cwd)
	}
	if strings.Contains(os.Getenv("TEND_WITHOUT"), "clone_parent") {
		return
	}
	// its parent is the inner keeper, and the parent of that the outer one
	inner, _ := process.CommandLine(stat.PPID)
	if len(inner) < 3 || !slices.Equal(inner[:3], []string{"tend", "keep", "--inner"}) {
		t.Errorf("its parent is %q", inner)
	}
	keeper, err := process.ReadStat(stat.PPID)
	if err != nil {
		t.Fatal(err)
	}
	outer, _ := process.CommandLine(keeper.PPID)
	if len(outer) != 3 || !slices.Equal(outer[:2], []string{"tend", "keep"}) {
		t.Errorf("the parent of that is %q", outer)
	}
}

// flagsOf reads how a descriptor of a process was opened.
func flagsOf(t testing.TB, pid int, fd string) int64 {
	t.Helper()
	flags, err := strconv.ParseInt(of(t, pid, "fdinfo/"+fd, "flags")[0], 8, 64)
	if err != nil {
		t.Fatal(err)
	}
	return flags
}

func TestFilesOfAService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	in := write(t, w.work+"/in", "from the file\n", 0o600)
	write(t, w.work+"/out", "before\n", 0o600)
	if err := os.Mkdir(w.work+"/sub", 0o700); err != nil {
		t.Fatal(err)
	}
	id := w.up("files", "-i", "in", "-o", "out", "-e", "err", "-w", "sub", "--", "sh", "-c", `cat; echo to stderr >&2; pwd; exec sleep 1000`)
	command(t, id, "sleep")
	if got := link(t, id.PID, "fd/0"); got != in || flagsOf(t, id.PID, "0")&unix.O_ACCMODE != unix.O_RDONLY {
		t.Errorf("its input is %s", got)
	}
	if got := link(t, id.PID, "cwd"); got != w.work+"/sub" {
		t.Errorf("it is in %s", got)
	}
	for file, want := range map[string]string{"out": "before\nfrom the file\n" + w.work + "/sub\n", "err": "to stderr\n"} {
		if got := read(t, filepath.Join(w.work, file)); got != want {
			t.Errorf("%s has %q, not %q", file, got, want)
		}
	}
	w.down("files")
}

// The caller's umask is the service's, and that of the files made for it.
func TestUmask(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		caller, option, want string
		mode                 os.FileMode
	}{
		"022 of the caller":     {"022", "", "0022", 0o644},
		"077 of the caller":     {"077", "", "0077", 0o600},
		"000 of the caller":     {"000", "", "0000", 0o666},
		"022 asked for":         {"077", "022", "0022", 0o644},
		"077 asked for":         {"000", "077", "0077", 0o600},
		"000 asked for":         {"077", "000", "0000", 0o666},
		"one with owner's bits": {"022", "0277", "0277", 0o400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			words := []string{"sh", "-c", "umask " + test.caller + `; exec "$0" "$@"`, program, "run", "-o", "out"}
			if test.option != "" {
				words = append(words, "--umask", test.option)
			}
			w.by(func(*exec.Cmd) {}, append(words, "mask", "--", "sh", "-c", ": > made; exec sleep 1000")...).ok()
			id := w.running("mask")
			command(t, id, "sleep")
			if got := of(t, id.PID, "status", "Umask"); got[0] != test.want {
				t.Errorf("its umask is %s, not %s", got[0], test.want)
			}
			for _, file := range []string{"out", "made"} {
				info, err := os.Stat(filepath.Join(w.work, file))
				if err != nil || info.Mode().Perm() != test.mode {
					t.Errorf("%s has mode %v, not %v (%v)", file, info.Mode(), test.mode, err)
				}
			}
			w.checkOwnFiles()
		})
	}
}

// checkOwnFiles: whatever the caller's umask, what tend makes for itself is closed to others.
func (w *world) checkOwnFiles() {
	for _, pattern := range []string{"db/*", "db/*/*", "run/*", "run/*/*"} {
		files, _ := filepath.Glob(filepath.Join(w.dir, pattern))
		for _, f := range files {
			if info, err := os.Lstat(f); err == nil && info.Mode().Perm()&0o077 != 0 {
				w.t.Errorf("%s has mode %v", f, info.Mode())
			}
		}
	}
}

// Called as by nohup, from a program with signals blocked and files open, twice: the second caller finds tend running.
func TestNothingIsInheritedFromTheCaller(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	open, err := os.Create(w.work + "/open")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	w.tend("add", "first", "--", "sleep", "1000").ok()
	w.tend("add", "second", "--", "sleep", "1000").ok()
	w.environ = append(w.environ, "LEAK=1", "LD_LEAK=1", "TEND_RUN=somebody-else's", "TEND_READY_FD=5", "TEND_KEEPERS_FD=6", "TEND_SERVICE=x")
	for _, name := range []string{"first", "second"} {
		blocked(t, func() {
			if r := w.by(func(*exec.Cmd) {}, "grep", "SigBlk", "/proc/self/status"); strings.HasSuffix(r.stdout, "\t0000000000000000\n") {
				t.Errorf("the caller blocks nothing: %s", r)
			}
			w.by(func(cmd *exec.Cmd) { cmd.ExtraFiles = []*os.File{open, open, open, open, open} },
				"sh", "-c", `trap "" HUP PIPE INT QUIT USR1 TSTP; exec "$0" "$@"`, program, "start", name).ok()
		})
		id := w.running(name)
		for _, set := range []string{"SigIgn", "SigBlk", "SigPnd"} {
			if got := of(t, id.PID, "status", set)[0]; strings.Trim(got, "0") != "" {
				t.Errorf("%s: %s is %s", name, set, got)
			}
		}
		if fds := descriptors(t, id.PID); !slices.Equal(fds, []string{"0", "1", "2"}) {
			t.Errorf("%s has the descriptors %v", name, fds)
		}
		if env := strings.Join(environment(t, id.PID), " "); strings.Contains(env, "LEAK") || strings.Contains(env, "_FD") || strings.Contains(env, "somebody") {
			t.Errorf("%s has the environment %s", name, env)
		}
	}
	for _, p := range w.processes() { // neither do tend's own processes hold the caller's files
		for _, fd := range descriptors(t, p.PID) {
			if target, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", p.PID, fd)); strings.HasPrefix(target, w.work+"/") || strings.HasPrefix(target, "pipe:") && fd <= "2" && len(fd) == 1 {
				t.Errorf("%s holds %s as descriptor %s", p, target, fd)
			}
		}
	}
}

// blocked does it with most signals blocked, as its children inherit it.
func blocked(t testing.TB, do func()) {
	t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.Sigset_t
	all := unix.Sigset_t{}
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGTERM, syscall.SIGCHLD, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGINT, syscall.SIGPIPE} {
		all.Val[0] |= 1 << (uint(s) - 1)
	}
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &all, &before); err != nil {
		t.Fatal(err)
	}
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)
	do()
}

// environment returns the environment of a process, sorted.
func environment(t testing.TB, pid int) []string {
	t.Helper()
	env, err := process.Environ(pid)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(env)
	return env
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	passed := []string{"USER=joe", "LOGNAME=joe", "SHELL=/bin/sh", "LC_ALL=C", "LC_TIME=de_DE.UTF-8", "TZ=Europe/Berlin", "VIRTUAL_ENV=/v", "PWD=/x", "LEAK=1", "SECRET=2"}
	path := w.environ[slices.IndexFunc(w.environ, func(e string) bool { return strings.HasPrefix(e, "PATH=") })]
	base := w.environ
	w.environ = append(w.environ, passed...)
	w.tend("add", "env", "--env", "MINE=a b=c", "--env", "SECRET", "--env", "TZ=UTC", "--", "sleep", "1000").ok()
	w.environ = append(slices.Clone(base), "LEAK=2", "TZ=Asia/Tokyo", "LC_ALL=ja_JP.UTF-8", "VIRTUAL_ENV=/other", "SECRET=3") // of who starts it
	w.tend("start", "env").ok()
	id, s := w.running("env"), w.status("env")
	want := []string{
		"HOME=" + w.home, path, "LANG=C.UTF-8", "USER=joe", "LOGNAME=joe", "SHELL=/bin/sh", "LC_ALL=C", "LC_TIME=de_DE.UTF-8",
		"TZ=UTC", "VIRTUAL_ENV=/v", "MINE=a b=c", "SECRET=2", "TEND_SERVICE=env", "TEND_INSTANCE=0", "TEND_RUN=" + s.Run,
	}
	slices.Sort(want)
	if got := environment(t, id.PID); !slices.Equal(got, want) {
		t.Errorf("its environment is\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if shown := w.tend("status", "env").ok().stdout; strings.Contains(shown, "SECRET=2") {
		t.Errorf("the secret is shown:\n%s", shown)
	}
}

// The Go runtime raises the soft limit on open files for itself; a service gets the caller's.
func TestOpenFilesLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tend("add", "files", "--", "sleep", "1000").ok()
	w.by(func(*exec.Cmd) {}, "sh", "-c", `ulimit -Sn 333; exec "$0" "$@"`, program, "start", "files").ok()
	id := w.running("files")
	if got := of(t, id.PID, "limits", "Max open files"); got[0] != "333" {
		t.Errorf("its limits of open files are %v", got)
	}
}
