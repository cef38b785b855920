package cli

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tend/keeper"
	"tend/process"
)

// patient is how long anything may take before a test gives up.
const patient = time.Minute

// leave stops what the script has started, and sees to it that tend's own processes have gone before the files go.
func leave(t *testing.T, env *testscript.Env, runtime string) {
	defer os.RemoveAll(runtime)
	locks, _ := filepath.Glob(filepath.Join(runtime, "*", "keepers.lock"))
	if len(locks) == 0 {
		return // nothing was ever launched
	}
	stop := exec.Command(filepath.Join(filepath.SplitList(env.Getenv("PATH"))[0], "tend"), "stop", "--all")
	stop.Env, stop.Dir = env.Vars, env.WorkDir
	if out, err := stop.CombinedOutput(); err != nil {
		t.Errorf("stopping everything: %v\n%s", err, out)
	}
	waitUntilLeft(t, runtime)
}

// waitUntilLeft waits until the keepers that use the runtime directory have left.
func waitUntilLeft(t *testing.T, runtime string) {
	locks, _ := filepath.Glob(filepath.Join(runtime, "*", "keepers.lock"))
	for _, path := range locks {
		lock, err := os.Open(path)
		if err != nil {
			continue
		}
		free := make(chan error, 1)
		go func() { free <- syscall.Flock(int(lock.Fd()), syscall.LOCK_EX) }()
		select {
		case <-free:
			lock.Close()
		case <-time.After(patient):
			t.Errorf("a keeper has not left: %s is locked", path)
		}
	}
}

// commandInterrupt runs `interrupt [STATUS] WORD OUT COMMAND…`: it presses Ctrl-C when the command has said the word, and
// keeps what it wrote to standard error in the file OUT. The exit status must be that one, 130 if none is given.
func commandInterrupt(ts *testscript.TestScript, neg bool, args []string) {
	want := "130"
	if len(args) > 0 && strings.Trim(args[0], "0123456789") == "" {
		want, args = args[0], args[1:]
	}
	if neg || len(args) < 3 {
		ts.Fatalf("usage: interrupt [status] word out command…")
	}
	path, err := exec.LookPath(filepath.Join(filepath.SplitList(ts.Getenv("PATH"))[0], args[2]))
	ts.Check(err)
	var stderr bytes.Buffer
	cmd := exec.Command(path, args[3:]...)
	cmd.Dir, cmd.Stderr = ts.MkAbs("."), &stderr
	for _, name := range []string{"HOME", "SERVER_FILE", "TEND_RUNTIME", "PATH", "TERM"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	stdout, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	defer time.AfterFunc(patient, func() { cmd.Process.Kill() }).Stop()
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if strings.Contains(lines.Text(), args[0]) {
			ts.Check(cmd.Process.Signal(os.Interrupt))
			break
		}
	}
	_, _ = io.Copy(io.Discard, stdout) // what it still says must not keep it from ending
	if got := exitCode(cmd.Wait()); got != want {
		ts.Fatalf("the exit status is %s, not %s\n%s", got, want, stderr.String())
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), stderr.Bytes(), 0o644))
}

// commandKillTend kills all of tend's own processes that serve this script, and waits for their end.
func commandKillTend(ts *testscript.TestScript, _ bool, _ []string) {
	runtime := ts.Getenv("TEND_RUNTIME")
	processes, err := filepath.Glob("/proc/[0-9]*")
	ts.Check(err)
	for round := range 2 { // a keeper may start another process while the first round goes on
		for _, dir := range processes {
			words, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
			pid, _ := strconv.Atoi(filepath.Base(dir))
			if strings.HasPrefix(string(words), "tend\x00") && strings.Contains(string(words), runtime) {
				ts.Check(syscall.Kill(pid, syscall.SIGKILL))
				ts.Logf("round %d: killed %s", round, strings.ReplaceAll(string(words), "\x00", " "))
			}
		}
		processes, _ = filepath.Glob("/proc/[0-9]*")
	}
}

// commandStopTend stops all of tend's own processes that serve this script by SIGSTOP, from the outer keeper down: it would
// have the others go on.
func commandStopTend(ts *testscript.TestScript, _ bool, _ []string) {
	dirs, err := filepath.Glob(filepath.Join(ts.Getenv("TEND_RUNTIME"), "*"))
	ts.Check(err)
	for _, role := range []string{"outer keeper", "inner keeper", "supervisor"} {
		all, err := keeper.Find(dirs[0])
		ts.Check(err)
		for _, p := range all {
			if p.Role == role {
				ts.Check(process.Signal(p.Identity, "STOP"))
			}
		}
	}
}

// exitCode is the exit status as a shell sees it.
func exitCode(err error) string {
	if err == nil {
		return "0"
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			return strconv.Itoa(128 + int(status.Signal())) // as shells say it
		}
		return strconv.Itoa(exit.ExitCode())
	}
	return err.Error()
}
