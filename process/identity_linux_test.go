package process

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tend"
)

func TestHereIsTheSameForAllOfUs(t *testing.T) {
	place, err := Here()
	if err != nil || place.Host == "" || len(place.Boot) != 36 || place.Namespace == 0 {
		t.Fatalf("got %+v, %v", place, err)
	}
}

func TestStatOfAnyName(t *testing.T) {
	text := "42 (a) b (c)) S 1 42 41 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 1234567 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 17 0 0 0 0 0 0 0 0 0 0 0 0 0 9472\n"
	stat, err := parseStat([]byte(text))
	want := Stat{Identity: tend.Identity{PID: 42, Start: 1234567}, PPID: 1, Session: 41, Threads: 3, State: 'S', WaitStatus: 9472, Command: "a) b (c)"}
	if err != nil || stat != want {
		t.Errorf("got %+v, %v\nwant %+v", stat, err, want)
	}
	for _, text := range []string{"", "1", "1 (", "1 (a)", ")("} {
		if _, err := parseStat([]byte(text)); err == nil {
			t.Errorf("%q is a process", text)
		}
	}
}

func TestReadStatOfNobody(t *testing.T) {
	for _, pid := range []int{0, -1, 1 << 30} {
		if _, err := ReadStat(pid); !errors.Is(err, ErrGone) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("process %d: %v", pid, err)
		}
	}
}

func TestReadStatOfOurselves(t *testing.T) {
	stat, err := ReadStat(os.Getpid())
	if err != nil || stat.PPID != os.Getppid() || stat.Dead() || stat.Threads < 2 {
		t.Errorf("got %+v, %v", stat, err)
	}
	if !Alive(stat.Identity) {
		t.Error("we are not alive")
	}
	if uid, err := Owner(os.Getpid()); err != nil || uid != os.Geteuid() {
		t.Errorf("we belong to user %d, %v", uid, err)
	}
	if _, err := Owner(1 << 30); !errors.Is(err, ErrGone) {
		t.Errorf("the owner of nobody: %v", err)
	}
}

func TestExitOf(t *testing.T) {
	for status, want := range map[uint32]tend.Exit{
		0: {}, 0x2500: {Code: 37}, 9: {Signal: "KILL"}, 0x8b: {Signal: "SEGV", Core: true}, 34: {Signal: "RTMIN+0"}, 64: {Signal: "RTMIN+30"},
	} {
		if got := ExitOf(status); got != want {
			t.Errorf("%#x: got %+v, want %+v", status, got, want)
		}
	}
}

// zombie returns one whose parent, which is not us, never reaps it.
func zombie(t *testing.T, script string) tend.Identity {
	t.Helper()
	id := play(t, "negligent", script).hearsPID()
	eventually(t, "a zombie", func() bool {
		stat, err := ReadStat(id.PID)
		return err == nil && stat.Dead()
	})
	return id
}

func TestZombieIsNotAlive(t *testing.T) {
	id := zombie(t, "exit 7")
	if Alive(id) {
		t.Error("it is alive")
	}
	if syscall.Kill(id.PID, 0) != nil {
		t.Error("and yet signal 0 says it is not there")
	}
	if err := Signal(id, "TERM"); !errors.Is(err, ErrGone) {
		t.Errorf("signal: %v", err)
	}
	if line, err := CommandLine(id.PID); err != nil || line != nil {
		t.Errorf("command line %q, %v", line, err)
	}
}

func TestThreadIsNotAProcess(t *testing.T) {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil || len(threads) < 2 {
		t.Fatalf("%v, %v", threads, err)
	}
	for _, thread := range threads {
		tid, _ := strconv.Atoi(thread.Name())
		if tid == os.Getpid() {
			continue
		}
		stat, err := ReadStat(tid)
		if err != nil {
			continue // it ended
		}
		if syscall.Kill(tid, 0) != nil {
			t.Error("signal 0 knows that it is a thread")
		}
		if Alive(stat.Identity) {
			t.Errorf("thread %d is alive", tid)
		}
		if err := Signal(stat.Identity, "WINCH"); !errors.Is(err, ErrGone) {
			t.Errorf("signal to a thread: %v", err)
		}
	}
}

func TestProcessWithoutItsFirstThreadIsAlive(t *testing.T) {
	h := play(t, "headless")
	id := h.hearsPID()
	eventually(t, "the first thread has ended", func() bool {
		stat, err := ReadStat(id.PID)
		return err == nil && stat.State == 'Z'
	})
	if !Alive(id) {
		t.Error("it is not alive")
	}
	w := newWatcher(t)
	if err := w.Add(id, -1); err != nil && !errors.Is(err, ErrUnwatchable) {
		t.Error(err)
	}
	if err := Signal(id, "KILL"); err != nil {
		t.Error(err)
	}
	if exit, err := h.cmd.Process.Wait(); err == nil && exit.String() != "signal: killed" {
		t.Errorf("it ended by %v", exit)
	}
}

func TestSignalReachesNobodyElse(t *testing.T) {
	s := newSpawner(t, stage...)
	child := start(t, s, "exec sleep 1000")
	for _, wrong := range []tend.Identity{
		{PID: child.PID, Start: child.Start - 1}, {PID: child.PID, Start: child.Start + 1}, {PID: child.PID},
		{PID: 0, Start: child.Start}, {PID: -child.PID, Start: child.Start}, {PID: 1}, {PID: 1 << 30, Start: 1},
	} {
		if err := Signal(wrong, "KILL"); !errors.Is(err, ErrGone) {
			t.Errorf("%+v: %v", wrong, err)
		}
		if Alive(wrong) && wrong.PID != 1 {
			t.Errorf("%+v is alive", wrong)
		}
	}
	if !Alive(child.Identity) {
		t.Fatal("somebody else was killed")
	}
	if err := Signal(child.Identity, "NONE"); err == nil || !strings.Contains(err.Error(), "there is no signal SIGNONE") {
		t.Errorf("got %v", err)
	}
	if err := Signal(child.Identity, "TERM"); err != nil {
		t.Error(err)
	}
	eventually(t, "it ends", func() bool { return !Alive(child.Identity) })
	if err := Signal(child.Identity, "TERM"); !errors.Is(err, ErrGone) {
		t.Errorf("signal to a dead one: %v", err)
	}
	unix.Close(child.PIDFD)
}

func TestSignalToSomebodyElsesProcess(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to become somebody else")
	}
	id := identify(t, os.Getppid())
	script := "Signal to our own keeper, as somebody else"
	cmd := exec.Command("/proc/self/exe", "role:signaller", strconv.Itoa(id.PID), strconv.FormatUint(id.Start, 10))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Dir = "/"
	out, err := cmd.CombinedOutput()
	if want := "sending SIGWINCH to process " + strconv.Itoa(id.PID) + ": operation not permitted true\n"; string(out) != want {
		t.Errorf("%s: got %q, %v; want %q", script, out, err, want)
	}
}

// signaller sends SIGWINCH to a process and says how it went.
func signaller(args []string) int {
	pid, _ := strconv.Atoi(args[0])
	start, _ := strconv.ParseUint(args[1], 10, 64)
	err := Signal(tend.Identity{PID: pid, Start: start}, "WINCH")
	say(err, errors.Is(err, syscall.EPERM))
	return 0
}

func TestChildren(t *testing.T) {
	h := play(t, "negligent", "exec sleep 1000")
	id := h.hearsPID()
	end(t, id)
	if got, err := Children(h.cmd.Process.Pid); err != nil || !slices.Equal(got, []int{id.PID}) {
		t.Errorf("got %v, %v", got, err)
	}
	dead := play(t, "negligent", "exit 3")
	id = dead.hearsPID()
	eventually(t, "a zombie", func() bool { stat, err := ReadStat(id.PID); return err == nil && stat.Dead() })
	if got, err := Children(dead.cmd.Process.Pid); err != nil || !slices.Equal(got, []int{id.PID}) {
		t.Errorf("got %v, %v: zombies are children", got, err)
	}
	if got, err := Children(1 << 30); len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestCloseInherited(t *testing.T) {
	fd, err := syscall.Open("/dev/null", syscall.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	CloseInherited()
	for _, fd := range []int{0, 1, 2, fd} {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if want := fd >= 3; err != nil || flags&unix.FD_CLOEXEC != 0 != want {
			t.Errorf("descriptor %d: flags %d, %v", fd, flags, err)
		}
	}
}

func TestMachineID(t *testing.T) {
	file := filepath.Join(t.TempDir(), "machine-id")
	for text, want := range map[string]string{
		"3d1219c7c4c5404aaa1f6d2a48adfda4\n": "3d1219c7", "uninitialized\n": "", "": "", "\n": "",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := machineID(file+".missing", file); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestAContainerIsFoundAgain(t *testing.T) {
	old, young, host := inContainer("3fa/12345678"), inContainer("9bc"), "laptop/12345678"
	if !(tend.Place{Host: old}).SameHost(tend.Place{Host: young}) || (tend.Place{Host: old}).SameHost(tend.Place{Host: host}) {
		t.Errorf("%s, %s and %s", old, young, host)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("unshare", "--user", "--pid", "--fork", "--mount-proc", self, "role:place").Output()
	if err != nil {
		t.Skipf("no pid namespace to be had: %v", err)
	}
	if !strings.HasSuffix(strings.TrimSpace(string(out)), "/container") {
		t.Errorf("in a container: %s", out)
	}
}
