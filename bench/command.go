package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// commands measures what a short command costs against a Go program that does nothing, in turn. The services run.
func commands(t *table, h *home, dir string, s size) {
	source, empty := filepath.Join(dir, "empty.go"), filepath.Join(dir, "empty")
	check(os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600))
	build(empty, source)
	against := func(what string, wanted float64, args ...string) {
		progress("tend %s, %d times", args[0], s.runs)
		var ours, nothing []time.Duration
		for run := range s.runs + 2 {
			a, b := lasts(h.command(args...)), lasts(exec.Command(empty))
			if run >= 2 { // before that, files may not be in memory yet
				ours, nothing = append(ours, a), append(nothing, b)
			}
		}
		t.compare(what, median(ours), median(nothing), "empty Go program", wanted)
	}
	of := fmt.Sprintf(" of %d", s.many)
	against("tend --version", 3, "--version")
	against("tend status NAME, one"+of+" that run", 5, "status", name(s.many/2))
	against("tend list"+of+" that run", 0, "list")
}

// lasts runs a command to its end and returns how long that took.
func lasts(cmd *exec.Cmd) time.Duration {
	begun := time.Now()
	check(cmd.Run())
	return time.Since(begun)
}
