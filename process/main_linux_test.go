package process

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tend"
)

// The tests run as the child of a keeper, as the supervisor does: a Spawner's children are the keeper's, which reaps
// them at once. It is a subreaper too, and when the tests have ended it ends red on whatever they left behind.

const insideVariable = "PROCESS_TEST_INSIDE"

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == "exec":
		os.Exit(ExecStage(os.Args[2:]))
	case len(os.Args) > 1 && strings.HasPrefix(os.Args[1], "role:"):
		os.Exit(roles[strings.TrimPrefix(os.Args[1], "role:")](os.Args[2:]))
	case os.Getenv(insideVariable) != "":
		os.Unsetenv(insideVariable)
		os.Exit(m.Run())
	}
	os.Exit(keepTests())
}

// keepTests is the keeper of the tests.
func keepTests() int {
	runtime.LockOSThread() // or the parent death signal would come when this thread ends
	if err := Subreaper(); err != nil {
		fmt.Println(err)
		return 1
	}
	tests := exec.Command("/proc/self/exe", os.Args[1:]...)
	tests.Stdin, tests.Stdout, tests.Stderr = os.Stdin, os.Stdout, os.Stderr
	tests.Env = append(os.Environ(), insideVariable+"=1")
	tests.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGQUIT) // theirs to obey
	if err := tests.Start(); err != nil {
		fmt.Println(err)
		return 1
	}
	status := reapUntil(tests.Process.Pid)
	return max(status, killLeftovers())
}

// reapUntil reaps everything until the process ends, and returns its exit status.
func reapUntil(pid int) int {
	for {
		var status syscall.WaitStatus
		reaped, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.ECHILD:
			return 1
		case reaped == pid && status.Signaled():
			return 1
		case reaped == pid:
			return status.ExitStatus()
		}
	}
}

// killLeftovers ends what the tests left behind.
func killLeftovers() int {
	status := 0
	for {
		left, err := Children(os.Getpid())
		if err != nil || len(left) == 0 {
			return status
		}
		for _, pid := range left {
			if stat, err := ReadStat(pid); err == nil && !stat.Dead() {
				line, _ := CommandLine(pid)
				fmt.Printf("FAIL: left behind: process %d: %q\n", pid, line)
				status = 1
				unix.Kill(pid, unix.SIGKILL)
			}
			syscall.Wait4(pid, nil, 0, nil)
		}
	}
}

// roles are what the test program does when it is called as something else.
var roles = map[string]func(args []string) int{
	"negligent": negligent,
	"parent":    parent,
	"keeper":    keeperRole,
	"spawner":   spawnerRole,
	"dirty":     dirtyRole,
	"headless":  headless,
	"signaller": signaller,
	"watcher":   watcher,
	"begetter":  begetter,
	"place":     placeRole,
	"limited":   limitedRole,
	"hog":       hogRole,
}

// say tells the test something; hear waits until the test closes our stdin.
func say(words ...any) { fmt.Println(words...) }
func hear()            { io.Copy(io.Discard, os.Stdin) }

// placeRole says where it is.
func placeRole([]string) int {
	place, err := Here()
	if err != nil {
		return 1
	}
	say(place.Host)
	return 0
}

// negligent starts `sh -c ARG` and never reaps it.
func negligent(args []string) int {
	cmd := exec.Command("sh", "-c", args[0])
	if err := cmd.Start(); err != nil {
		return 1
	}
	say(cmd.Process.Pid)
	hear()
	return 0
}

// parent starts `sh -c ARG`, and at the first line of input lets it end and reaps it.
func parent(args []string) int {
	r, w, _ := os.Pipe()
	cmd := exec.Command("sh", "-c", args[0])
	cmd.Stdin = r
	if err := cmd.Start(); err != nil {
		return 1
	}
	say(cmd.Process.Pid)
	bufio.NewReader(os.Stdin).ReadString('\n')
	w.Close()
	cmd.Wait()
	say("reaped")
	hear()
	return 0
}

// keeperRole keeps a spawner.
func keeperRole(args []string) int {
	if err := Subreaper(); err != nil {
		return 1
	}
	cmd := exec.Command("/proc/self/exe", append([]string{"role:spawner"}, args...)...)
	cmd.Stdout = os.Stdout
	if err := cmd.Start(); err != nil {
		return 1
	}
	reapUntil(cmd.Process.Pid)
	say("supervisor gone")
	hear()
	return 0
}

// spawnerRole starts a sleep by a Spawner and stays: [clean] [stage].
func spawnerRole(args []string) int {
	var stage []string
	for _, arg := range args {
		switch arg {
		case "clean":
			if err := Clean(); err != nil {
				say(err)
				return 1
			}
		case "stage":
			stage = []string{"/proc/self/exe", "exec"}
		}
	}
	s, err := NewSpawner(stage...)
	if err != nil {
		say(err)
		return 1
	}
	child, err := s.Start(Spec{Path: sleepPath, Args: []string{"sleep", "1000"}})
	if err != nil {
		say(err)
		return 1
	}
	say(child.PID, child.Start, os.Getpid(), os.Getppid(), os.Getenv("PROCESS_TEST_WORD"))
	hear()
	unix.Pause() // when there was no stdin: until killed
	return 0
}

// init keeps headless on the first thread: what was locked by then stays there.
func init() {
	if len(os.Args) > 1 && os.Args[1] == "role:headless" {
		runtime.LockOSThread()
	}
}

// headless ends its first thread and lives on.
func headless([]string) int {
	go func() {
		hear()
		os.Exit(0)
	}()
	say(os.Getpid())
	syscall.Syscall(syscall.SYS_EXIT, 0, 0, 0)
	return 1
}

const sleepPath = "/bin/sleep"

// helper is the test program in another role.
type helper struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Reader
}

// play starts the test program in a role; it ends with the test.
func play(t *testing.T, role string, args ...string) *helper {
	t.Helper()
	return playAs(t, nil, role, args...)
}

func playAs(t *testing.T, env []string, role string, args ...string) *helper {
	t.Helper()
	h := &helper{t: t, cmd: exec.Command("/proc/self/exe", append([]string{"role:" + role}, args...)...)}
	h.cmd.Env = append(os.Environ(), env...)
	h.cmd.Stderr = os.Stderr
	h.stdin, _ = h.cmd.StdinPipe()
	out, _ := h.cmd.StdoutPipe()
	h.out = bufio.NewReader(out)
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.end)
	return h
}

func (h *helper) end() {
	h.stdin.Close()
	h.cmd.Process.Kill()
	h.cmd.Wait()
}

// hears returns the words of the next line.
func (h *helper) hears() []string {
	h.t.Helper()
	line, err := h.out.ReadString('\n')
	if err != nil {
		h.t.Fatalf("%v: %q, %v", h.cmd.Args, line, err)
	}
	return strings.Fields(line)
}

// hearsPID returns the identity of the process whose pid the next line begins with.
func (h *helper) hearsPID() tend.Identity {
	h.t.Helper()
	words := h.hears()
	pid, err := strconv.Atoi(words[0])
	if err != nil {
		h.t.Fatalf("not a pid: %q", words)
	}
	return identify(h.t, pid)
}

func identify(t *testing.T, pid int) tend.Identity {
	t.Helper()
	stat, err := ReadStat(pid)
	if err != nil {
		t.Fatal(err)
	}
	return stat.Identity
}

// eventually waits for what nothing announces.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// newSpawner returns a Spawner that ends with the test.
func newSpawner(t testing.TB, stage ...string) *Spawner {
	t.Helper()
	s, err := NewSpawner(stage...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// start starts `sh -c SCRIPT` and ends it with the test.
func start(t testing.TB, s *Spawner, script string, env ...string) Child {
	t.Helper()
	child, err := s.Start(Spec{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: append(os.Environ(), env...)})
	if err != nil {
		t.Fatal(err)
	}
	end(t, child.Identity)
	return child
}

// end ends the process with the test.
func end(t testing.TB, id tend.Identity) {
	t.Cleanup(func() { endNow(t, id) })
}

// endNow ends the process and waits until it has ended.
func endNow(t testing.TB, id tend.Identity) {
	t.Helper()
	Signal(id, "KILL")
	eventually(t, "a killed process ends", func() bool { return !Alive(id) })
	reapOwn(id.PID)
}
