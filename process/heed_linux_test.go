package process

import (
	"bufio"
	"os/exec"
	"testing"

	"tend"
)

// TestWouldEnd asks a program that handles one signal, ignores another, and does neither with the rest.
func TestWouldEnd(t *testing.T) {
	cmd := exec.Command("/bin/sh", "-c", `trap "" USR1; trap : HUP; echo ready; read line`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); _ = cmd.Wait() }()
	if !bufio.NewScanner(out).Scan() {
		t.Fatal("it said nothing")
	}
	stat, err := ReadStat(cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for signal, want := range map[string]bool{"HUP": false, "USR1": false, "USR2": true, "ALRM": true, "WINCH": false, "CONT": false, "NONE": false} {
		if got := WouldEnd(stat.Identity, signal); got != want {
			t.Errorf("SIG%s: %v", signal, got)
		}
	}
	if WouldEnd(tend.Identity{PID: stat.PID, Start: stat.Start + 1}, "USR2") {
		t.Error("another process of that pid was asked")
	}
}
