package task

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tend"
	"tend/process"
)

// This binary is also a process that runs a command and is killed meanwhile.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "run" {
		os.Exit(runForEver(os.Args[2], os.Args[3]))
	}
	if err := process.Subreaper(); err != nil { // whatever loses its parent is ours, as it is a keeper's
		panic(err)
	}
	status := m.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Println("FAIL: goroutines left behind:", err)
		status = 1
	}
	os.Exit(status)
}

func runForEver(dir, line string) int {
	spawner, err := process.NewSpawner()
	if err != nil {
		panic(err)
	}
	r := NewRunner(Host{Start: spawner.Start, Record: filepath.Join(dir, "tasks"), Logf: func(string, ...any) {}})
	_, _ = r.Run(context.Background(), Command{Line: line, Dir: dir, Env: []string{"PATH=" + os.Getenv("PATH")}})
	return 0
}

type world struct {
	*testing.T
	dir    string
	runner *Runner
	spawn  *process.Spawner
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, dir: t.TempDir()}
	var err error
	w.spawn, err = process.NewSpawner()
	w.check(err)
	w.runner = w.newRunner()
	t.Cleanup(func() {
		w.runner.Close()
		w.spawn.Close()
	})
	return w
}

func (w *world) newRunner() *Runner {
	return NewRunner(Host{Start: w.spawn.Start, Record: filepath.Join(w.dir, "tasks"), Logf: w.Logf})
}

func (w *world) command(line string) Command {
	return Command{Line: line, Dir: w.dir, Env: []string{"PATH=" + os.Getenv("PATH"), "TEND_RUN=of-the-service"}, Umask: 0o077}
}

func (w *world) run(c Command) Result {
	w.Helper()
	r, err := w.runner.Run(context.Background(), c)
	w.check(err)
	return r
}

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// eventually waits until it is so.
func (w *world) eventually(what string, so func() bool) {
	w.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("not within 20 s: %s", what)
		}
	}
}

// pid waits until a command has written a pid into the file.
func (w *world) pid(file string) tend.Identity {
	w.Helper()
	var id tend.Identity
	w.eventually(file+" holds a pid", func() bool {
		text, _ := os.ReadFile(filepath.Join(w.dir, file))
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		stat, err := process.ReadStat(pid)
		id = stat.Identity
		return strings.HasSuffix(string(text), "\n") && err == nil
	})
	w.Cleanup(func() { _ = process.Signal(id, "KILL") })
	return id
}

// gone waits until nothing of the process is left, and reaps it where it has fallen to us.
func (w *world) gone(id tend.Identity) {
	w.Helper()
	w.eventually(fmt.Sprintf("process %d is gone", id.PID), func() bool { return process.Ended(id) })
	_, _ = syscall.Wait4(id.PID, nil, syscall.WNOHANG, nil)
}

func (w *world) record() string {
	text, err := os.ReadFile(filepath.Join(w.dir, "tasks"))
	w.check(err)
	return string(text)
}
