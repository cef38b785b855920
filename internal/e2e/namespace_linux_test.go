package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tend"
	"tend/internal/testenv"
	"tend/process"
)

// In a pid namespace of their own, tests have a process 1 to choose, and pids to give away. This program is started there
// as process 1, and starts itself once more for the tests whose names begin with TestInside.

// insideVariable tells a test where it is: "reaping" or "negligent", after what process 1 does.
const insideVariable = "E2E_INSIDE"

// inside is what process 1 does here, "" outside of such a namespace.
func inside() string { return os.Getenv(insideVariable) }

// everybody is the process that all others descend from as far as a test can see.
func everybody() int {
	if inside() != "" {
		return 1
	}
	return os.Getpid()
}

// runInside runs one of the tests in a pid namespace.
func runInside(t *testing.T, test, one string) {
	t.Helper()
	testenv.NeedRoot(t)
	cmd := exec.Command("/proc/self/exe", "one", one, "-test.v", "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), insideVariable+"="+one, "E2E_PROGRAM="+program)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+test) {
		t.Errorf("%v\n%s", err, out)
	}
}

// one is this test program as process 1: it reaps everybody, or nobody but the tests.
func one(args []string) int {
	err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
	if err == nil {
		err = unix.Mount("proc", "/proc", "proc", 0, "")
	}
	if err != nil {
		fmt.Println("mounting /proc:", err)
		return 1
	}
	tests := exec.Command("/proc/self/exe", args[1:]...)
	tests.Stdout, tests.Stderr = os.Stdout, os.Stderr
	if err := tests.Start(); err != nil {
		fmt.Println(err)
		return 1
	}
	whom := tests.Process.Pid
	if args[0] == "reaping" {
		whom = -1
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(whom, &status, 0, nil)
		if pid == tests.Process.Pid {
			return status.ExitStatus()
		}
		if err != nil && err != syscall.EINTR {
			return 1
		}
	}
}

func needInside(t *testing.T) {
	t.Helper()
	if inside() == "" {
		t.Skip("runs in a pid namespace, by another test")
	}
}

func TestKillsBelowAProcess1ThatReaps(t *testing.T) {
	t.Parallel()
	runInside(t, "TestInsideKills", "reaping")
}

func TestKillsBelowAProcess1ThatDoesNotReap(t *testing.T) {
	t.Parallel()
	runInside(t, "TestInsideKills", "negligent")
}

// Where process 1 reaps and no keeper is left to write it down, the status of who ends is gone with it, and tend says so.
func TestInsideKills(t *testing.T) {
	needInside(t)
	for _, without := range []string{"", "pidfd,pidfd_exit"} {
		w := newWorld(t)
		w.environ = append(w.environ, "TEND_WITHOUT="+without)
		f := newFleet(w)
		f.survives(func(victims string) bool {
			return inside() == "reaping" && strings.Contains(victims, "inner outer")
		})
		f.obeys()
	}
}

func TestPIDsGivenAwayAgain(t *testing.T) {
	t.Parallel()
	runInside(t, "TestInsidePIDsAreGivenAwayAgain", "reaping")
}

// stranger is a process that has the pid of one that is gone, notes whatever signal it gets, and leads a session if asked to.
func (w *world) stranger(pid int) tend.Identity {
	w.t.Helper()
	file := filepath.Join(w.work, "signals")
	for range 50 { // somebody else may be quicker
		if err := os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(pid-1)), 0); err != nil {
			w.t.Fatal(err)
		}
		self, err := os.Executable()
		if err != nil {
			w.t.Fatal(err)
		}
		cmd := exec.Command(self, "witness", file)
		cmd.Dir, cmd.Env = "/", []string{"PATH=" + os.Getenv("PATH")}
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := cmd.Start(); err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		if cmd.Process.Pid == pid {
			id := identify(w.t, pid)
			eventually(w.t, "the stranger is ready", func() bool {
				text, _ := os.ReadFile(file)
				return strings.Contains(string(text), fmt.Sprint("ready ", pid))
			})
			return id
		}
	}
	w.t.Logf("pid %d is not to be had: a thread has it, perhaps one of ours", pid)
	return tend.Identity{}
}

// witness is this test program as a process that writes down which signals it gets.
func witness(args []string) int {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals)
	f, err := os.OpenFile(args[0], os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return 1
	}
	fmt.Fprintln(f, "ready", os.Getpid())
	for s := range signals {
		if s != syscall.SIGURG { // the runtime's own
			fmt.Fprintln(f, os.Getpid(), s)
		}
	}
	return 0
}

// unharmed demands that the stranger lives and has got no signal.
func (w *world) unharmed(stranger tend.Identity) {
	w.t.Helper()
	for line := range strings.Lines(read(w.t, filepath.Join(w.work, "signals"))) {
		if !strings.HasPrefix(line, "ready ") {
			w.t.Errorf("a stranger got a signal: %s", line)
		}
	}
	if !alive(stranger) {
		w.t.Errorf("stranger %d is dead", stranger.PID)
	}
}

func TestInsidePIDsAreGivenAwayAgain(t *testing.T) {
	needInside(t)
	if _, err := os.Stat("/proc/sys/kernel/ns_last_pid"); err != nil {
		testenv.Missing(t, "the kernel has no ns_last_pid")
	}
	for _, without := range []string{"", "pidfd,pidfd_exit", "mark"} {
		w := newWorld(t)
		w.environ = append(w.environ, "TEND_WITHOUT="+without)
		w.expected = append(w.expected, "work/signals")
		w.obedient("gone", 7)
		w.tend("run", "tree", "--", "sh", "-c", "(setsid sleep 1002 &); exec sleep 1000").ok()
		w.tend("start", "gone").ok()
		gone, tree := w.running("gone"), w.running("tree")
		chain := w.wholeChain()
		w.tendDies()
		usr1(gone)
		kill(tree)
		awaitEnd(t, gone)
		awaitEnd(t, tree)
		free := []int{gone.PID, tree.PID, chain["outer"].PID, chain["inner"].PID, chain["supervisor"].PID}
		for _, pid := range free {
			eventually(t, "it is reaped", func() bool { _, err := process.ReadStat(pid); return err != nil })
		}
		var strangers []tend.Identity
		for _, pid := range slices.Backward(slices.Sorted(slices.Values(free))) { // their threads take the numbers that follow
			if stranger := w.stranger(pid); !stranger.IsZero() {
				strangers = append(strangers, stranger)
			}
		}
		if len(strangers) == 0 {
			t.Error("no pid was to be had")
		}
		s := w.status("gone")
		if s.State.Live() || s.PID != 0 || s.LastExit == nil || !s.LastExit.Unknown {
			t.Errorf("without %q, the pid of a service is a stranger's: %s as process %d, %v", without, s.State, s.PID, s.LastExit)
		}
		w.becomes("tree", "runs again", func(s tend.Status) bool { return s.State == tend.PhaseRunning && s.PID != tree.PID })
		w.tend("restart", "tree").ok()
		w.tend("start", "gone").ok()
		w.tend("stop", "--all").ok()
		for _, stranger := range strangers {
			w.unharmed(stranger)
		}
	}
}
