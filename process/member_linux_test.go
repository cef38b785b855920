package process

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// Whoever claims that a process is one of its own is not believed before it is looked at.
func TestMember(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip(err)
	}
	s := newSpawner(t, stage...)
	run := "run-of-" + t.Name()
	child := start(t, s, "setsid sleep 1002 & env -i sleep 1003 & exec sleep 1001", "TEND_RUN="+run)
	defer unix.Close(child.PIDFD)
	other := start(t, s, "exec sleep 1004", "TEND_RUN=another")
	defer unix.Close(other.PIDFD)
	t.Cleanup(func() {
		endTree(t, child.Identity, run)
		endTree(t, other.Identity, "another")
	})
	eventually(t, "all are there", func() bool { return len(commandsOf(t, child.Identity, run)) == 3 })
	all, err := Scan()
	if err != nil {
		t.Fatal(err)
	}
	living, _ := all.Tree(child.Identity, run)
	for _, id := range living {
		if got, err := Member(id.PID, child.Identity, run); err != nil || got != id {
			t.Errorf("process %d is %+v, %v", id.PID, got, err)
		}
	}
	gone := start(t, s, "exit 0", "TEND_RUN="+run)
	defer unix.Close(gone.PIDFD)
	eventually(t, "it has ended", func() bool { return Ended(gone.Identity) })
	if _, err := Member(gone.PID, child.Identity, run); !errors.Is(err, ErrGone) {
		t.Errorf("one that has ended: %v", err)
	}
	for what, pid := range map[string]int{"ourselves": os.Getpid(), "our parent": os.Getppid(), "init": 1, "another run": other.PID} {
		if id, err := Member(pid, child.Identity, run); err == nil {
			t.Errorf("%s is a member: %+v", what, id)
		}
	}
	if id, err := Member(living[0].PID, other.Identity, "another"); err == nil {
		t.Errorf("of another run, it is a member of this: %+v", id)
	}
}
