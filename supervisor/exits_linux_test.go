package supervisor

import (
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"tend"
	"tend/process"
)

// A keeper that is dead has no children: what a service has left behind is another's child by now, and must be looked for.
func TestADeadKeeperDoesNotSayThatNobodyIsLeft(t *testing.T) {
	keeper := exec.Command("sleep", "1000")
	if err := keeper.Start(); err != nil {
		t.Fatal(err)
	}
	stat, err := process.ReadStat(keeper.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	s := &Supervisor{self: os.Getpid(), parent: stat.Identity, mains: map[tend.Identity]*service{}}
	if !s.noStrays(stat.Identity, nil) {
		t.Error("it lives, and has no children")
	}
	_ = keeper.Process.Kill()
	if err := unix.Waitid(unix.P_PID, stat.PID, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil { // it stays a zombie
		t.Fatal(err)
	}
	if s.noStrays(stat.Identity, nil) {
		t.Error("it is dead, and still asked")
	}
	_ = keeper.Wait()
	if s.noStrays(stat.Identity, nil) {
		t.Error("it is gone, and still asked")
	}
}
