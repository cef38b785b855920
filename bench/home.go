package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const sleep = "/bin/sleep" // what every service runs

// A home is a tend of its own: its program, database and runtime directory.
type home struct {
	dir     string
	program string
	mark    string // argument of every service, which no other process on the machine has
}

func newHome(program string, number int) *home {
	dir, err := os.MkdirTemp("", "tend-bench-")
	check(err)
	// sleep takes fractions of a second, which are a good place for a mark.
	return &home{dir: dir, program: program, mark: fmt.Sprintf("1000000.%d%d", os.Getpid(), number)}
}

// argument is that of service i: the mark and the number.
func (h *home) argument(i int) string { return fmt.Sprintf("%s%04d", h.mark, i) }

func (h *home) command(args ...string) *exec.Cmd {
	cmd := exec.Command(h.program, args...)
	cmd.Dir = h.dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + h.dir,
		"SERVER_FILE=" + filepath.Join(h.dir, "server.sqlite"), "TEND_RUNTIME=" + filepath.Join(h.dir, "run"),
	}
	return cmd
}

// tend runs a command to its end and returns how long it took.
func (h *home) tend(args ...string) time.Duration {
	cmd := h.command(args...)
	var said strings.Builder
	cmd.Stderr = &said
	begun := time.Now()
	if err := cmd.Run(); err != nil {
		check(fmt.Errorf("tend %s: %w\n%s", strings.Join(args, " "), err, said.String()))
	}
	return time.Since(begun)
}

// fill adds n services.
func (h *home) fill(n int) {
	for i := range n {
		h.tend("add", name(i), "--", sleep, h.argument(i))
	}
}

func name(i int) string { return fmt.Sprintf("service-%04d", i) }

// services lists the services that run, and nothing but them.
func (h *home) services() []running {
	return processes(func(p running) bool {
		return len(p.words) == 2 && strings.HasPrefix(p.words[1], h.mark) && p.program != h.program
	})
}

// chain lists the processes of tend itself.
func (h *home) chain() []running {
	return processes(func(p running) bool { return p.program == h.program || p.program == h.program+" (deleted)" })
}

// leave ends what is left, by its pid, and removes the home. It is also called after a failure, so it fails at nothing.
func (h *home) leave() {
	_ = h.command("stop", "--all").Run()
	for _, p := range append(h.chain(), h.services()...) {
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
	}
	_ = os.RemoveAll(h.dir)
}

// idle waits until nothing of tend is left: a tend with nothing to do has no process.
func (h *home) idle() {
	for end := time.Now().Add(20 * time.Second); len(h.chain()) > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			check(fmt.Errorf("%d processes of tend are still there, 20 s after the last service was stopped", len(h.chain())))
		}
	}
}
