package cli

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tend/internal/fault"
)

// dying has the next command of tend die at the point.
func (w *world) dying(p fault.Point) {
	w.t.Helper()
	dir := filepath.Join(filepath.Dir(w.home), "f")
	must(w.t, os.MkdirAll(dir, 0o700), fault.Arm(dir, p, ""))
	if !strings.Contains(strings.Join(w.environ, " "), fault.Variable) {
		w.environ = append(w.environ, fault.Variable+"="+dir)
	}
}

// TestRenameKilled: a rename that is killed when the log has moved already, and nothing else counts, is done by asking again.
func TestRenameKilled(t *testing.T) {
	w := newWorld(t)
	w.must("run", "web", "--", "sh", "-c", "echo hello; exec sleep 1000")
	w.must("stop", "web")
	before := w.dump()
	w.dying(fault.CommandRenaming)
	if out, status := w.tend("rename", "web", "shop"); status != "137" {
		t.Fatalf("exit status %s\n%s", status, out)
	}
	if after := w.dump(); after != before {
		t.Fatalf("before\n%s\nafter\n%s", before, after)
	}
	w.must("rename", "web", "shop")
	if out := w.must("logs", "--raw", "shop"); out != "hello\n" {
		t.Errorf("%q", out)
	}
	if out := w.must("list", "--columns", "name"); out != "NAME\nshop\n" {
		t.Errorf("%q", out)
	}
}

// TestApplyKilled: of an apply that is killed when the definitions have changed, all have, and nothing is touched; giving it
// again changes nothing.
func TestApplyKilled(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.home, "tend.toml")
	must(t, os.WriteFile(file, []byte("[services.db]\ncommand = 'sleep 1000'\n[services.web]\ncommand = 'sleep 1000'\n"), 0o600))
	w.must("apply", "--yes", file)
	pids := w.must("list", "--columns", "pid", "db", "web")
	must(t, os.WriteFile(file, []byte("[services.db]\ncommand = 'sleep 1000'\n[services.web]\ncommand = 'sleep 1001'\n[services.new]\ncommand = 'sleep 1002'\n"), 0o600))
	w.dying(fault.CommandWritten)
	if out, status := w.tend("apply", "--yes", file); status != "137" {
		t.Fatalf("exit status %s\n%s", status, out)
	}
	if out := w.must("export"); !strings.Contains(out, "sleep 1001") || !strings.Contains(out, "sleep 1002") {
		t.Errorf("what was written is gone:\n%s", out)
	}
	if out := w.must("apply", "--yes", file); out != "= 3 unchanged\n" {
		t.Errorf("%s", out)
	}
	if again := w.must("list", "--columns", "pid", "db", "web"); again != pids {
		t.Errorf("they were %s and are %s", pids, again)
	}
}

// TestApplyRollsBack: where the database refuses, everything is as it was, and what was stopped for it runs again.
func TestApplyRollsBack(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.home, "tend.toml")
	w.must("run", "old", "--", "sleep", "1000")
	w.must("run", "db", "--", "sleep", "1000")
	must(t, os.WriteFile(file, []byte("[services.db]\ncommand = 'sleep 1001'\n[services.web]\ncommand = 'sleep 1000'\n"), 0o600))
	w.hold("CREATE TRIGGER no BEFORE INSERT ON process BEGIN SELECT raise(ABORT, 'not today'); END")()
	definitions, pid := w.must("export"), w.must("list", "--columns", "pid", "db")
	w.refused("1", []string{"not today"}, "apply", "--yes", "--prune", file)
	if after := w.must("export"); after != definitions {
		t.Errorf("before\n%s\nafter\n%s", definitions, after)
	}
	if after := w.must("list", "--columns", "pid", "db"); after != pid {
		t.Errorf("db was %s and is %s", pid, after)
	}
	if out := w.must("list", "--columns", "name,state"); out != "NAME\tSTATE\ndb\trunning\nold\trunning\n" {
		t.Errorf("%s", out)
	}
}

// TestApplyMeetsAnother: where somebody changes a definition between the plan and its being carried out, nothing of it is, and
// what was stopped for it runs again.
func TestApplyMeetsAnother(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(w.home, "tend.toml")
	w.must("run", "db", "--", "sleep", "1000")
	w.must("run", "slow", "--shell", "--", "trap 'while [ ! -e enough ]; do sleep 0.01; done; exit' TERM; while :; do sleep 0.01; done")
	must(t, os.WriteFile(file, []byte("[services.db]\ncommand = 'sleep 1001'\n"), 0o600))
	cmd := w.command("apply", "--yes", "--prune", file)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	must(t, err, cmd.Start())
	defer time.AfterFunc(patient, func() { cmd.Process.Kill() }).Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "sending SIGTERM") {
	}
	w.must("set", "db", "--description", "mine")
	before := w.must("export")
	must(t, os.WriteFile(filepath.Join(w.home, "enough"), nil, 0o600))
	for lines.Scan() {
	}
	if status := exitCode(cmd.Wait()); status != "75" || !strings.Contains(said.String(), "db was changed by somebody else just now, and nothing was changed") {
		t.Errorf("exit status %s\n%s", status, said.String())
	}
	if after := w.must("export"); after != before {
		t.Errorf("before\n%s\nafter\n%s", before, after)
	}
	if out := w.must("list", "--columns", "name,state"); out != "NAME\tSTATE\ndb\trunning\nslow\trunning\n" {
		t.Errorf("%s", out)
	}
}
