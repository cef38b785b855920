package fault

import (
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
)

// TestMain lets this binary be the process that comes to a point.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && slices.Contains(Points(), Point(os.Args[1])) {
		At(Point(os.Args[1]))
		os.Exit(7)
	}
	os.Exit(m.Run())
}

// comes has a process come to the point and returns how it ended.
func comes(t *testing.T, p Point, env ...string) syscall.WaitStatus {
	t.Helper()
	c := exec.Command("/proc/self/exe", string(p))
	c.Env = env
	_ = c.Run()
	return c.ProcessState.Sys().(syscall.WaitStatus)
}

func TestPointStrikesOnceForEachFile(t *testing.T) {
	dir := t.TempDir()
	env := Variable + "=" + dir
	for range 2 {
		if err := Arm(dir, SupervisorSpawned, ""); err != nil {
			t.Fatal(err)
		}
		if end := comes(t, SupervisorSpawning, env); end.ExitStatus() != 7 {
			t.Errorf("at another point it %v", end)
		}
		if end := comes(t, SupervisorSpawned); end.ExitStatus() != 7 {
			t.Errorf("without the variable it %v", end)
		}
		if !Armed(dir, SupervisorSpawned) {
			t.Error("it is not armed any more")
		}
		if end := comes(t, SupervisorSpawned, env); end.Signal() != syscall.SIGKILL {
			t.Errorf("at the point it %v", end)
		}
		if end := comes(t, SupervisorSpawned, env); end.ExitStatus() != 7 {
			t.Errorf("the second time it %v", end)
		}
	}
}

func TestPointGivesTheSignalOfTheFile(t *testing.T) {
	dir := t.TempDir()
	if err := Arm(dir, OuterReaped, "TERM\n"); err != nil {
		t.Fatal(err)
	}
	if end := comes(t, OuterReaped, Variable+"="+dir); end.Signal() != syscall.SIGTERM {
		t.Errorf("it %v", end)
	}
}

func TestDisarm(t *testing.T) {
	dir := t.TempDir()
	if err := Arm(dir, OuterReaped, ""); err != nil {
		t.Fatal(err)
	}
	Disarm(dir, OuterReaped)
	if Armed(dir, OuterReaped) {
		t.Error("it is armed")
	}
}
