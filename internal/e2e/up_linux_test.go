package e2e

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tend"
	"tend/internal/testenv"
)

// container is tend up as process 1 of a pid namespace.
type container struct {
	*world
	cmd    *exec.Cmd
	output string // the file with what it wrote to its standard output
	ended  chan error
}

func (w *world) container(file string) *container {
	w.t.Helper()
	testenv.NeedRoot(w.t)
	testenv.Need(w.t, "unshare")
	c := &container{world: w, output: filepath.Join(w.work, "output"), ended: make(chan error, 1)}
	c.cmd = exec.Command("unshare", "--pid", "--fork", "--mount-proc", "--kill-child", program, "up", file)
	out, err := os.Create(c.output)
	if err != nil {
		w.t.Fatal(err)
	}
	defer out.Close()
	c.cmd.Dir, c.cmd.Env, c.cmd.Stdout, c.cmd.Stderr = w.work, w.environ, out, os.Stderr
	if err := c.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.cmd.Process.Kill() }) // and with it process 1, and all
	go func() { c.ended <- c.cmd.Wait() }()
	return c
}

// says waits until a service has written that.
func (c *container) says(text string) {
	c.t.Helper()
	eventually(c.t, "a service says "+text, func() bool {
		all, err := os.ReadFile(c.output)
		return err == nil && strings.Contains(string(all), text)
	})
}

// ups are process 1 and the one that does its work.
func (c *container) ups() (one, worker tend.Identity) {
	for _, p := range below(c.cmd.Process.Pid) {
		switch {
		case len(p.words) < 2 || p.words[1] != "up":
		case p.PPID == c.cmd.Process.Pid:
			one = p.Identity
		case p.PPID == one.PID:
			worker = p.Identity
		}
	}
	return one, worker
}

func (c *container) status() int {
	c.t.Helper()
	err := <-c.ended
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		c.t.Fatal(err)
	}
	return 0
}

func (w *world) file(name, text string) string {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.work, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return name
}

// As process 1, up reaps whom nobody else does, outlives the death of the process that does its work and of all others of
// tend without a service noticing, and stops everything on SIGTERM.
func TestUpAsProcessOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.crashes = true
	c := w.container(w.file("tend.toml", `
[services.orphans]
shell = true
command = '''
echo begun
trap 'echo bye; exit 0' TERM
while :; do (setsid sh -c 'exit 3' &); sleep 0.1; done'''
`))
	c.says("begun")
	eventually(t, "tend is complete", func() bool { return len(w.chain()) == 3 })
	one, worker := c.ups()
	kill(worker)
	awaitEnd(t, worker)
	eventually(t, "another process does the work", func() bool { _, now := c.ups(); return !now.IsZero() && now != worker })
	w.tendDies()
	eventually(t, "tend is complete again", func() bool { return len(w.chain()) == 3 })
	if err := syscall.Kill(one.PID, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status := c.status(); status != 0 {
		t.Errorf("the exit status is %d", status)
	}
	text, err := os.ReadFile(c.output)
	if got := strings.Count(string(text), "begun"); err != nil || got != 1 || !strings.Contains(string(text), "bye") {
		t.Errorf("%v; it has begun %d times:\n%s", err, got, text)
	}
}

// The exit status of what failed is that of the container, and nothing of the others is left.
func TestUpAsProcessOneFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.container(w.file("Procfile", "bad: sleep 0.3; exit 9\ngood: exec sleep 1000\n"))
	if status := c.status(); status != 9 {
		t.Errorf("the exit status is %d", status)
	}
	if left := slices.DeleteFunc(w.processes(), func(p seen) bool { return p.Command == "tend" }); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
