package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tend"
	"tend/keeper"
	"tend/process"
)

// world is a user of tend: a home, a database, a runtime directory, and a directory of fault points.
type world struct {
	dir         string // holds all below; its path is short, since that of a socket has 108 bytes at most
	tend        string // the program under test
	self        string // this program, as its services are started from it
	database    string
	faults      string
	runtime     string // directory of the chain
	servicesDir string // what services write into
	environ     []string
}

// newWorld makes one in the directory, which exists. The programs are shared by several worlds.
func newWorld(dir, tendProgram, self, without string) (*world, error) {
	w := &world{
		dir: dir, tend: tendProgram, self: self, database: filepath.Join(dir, "db", "s.sqlite"),
		faults: filepath.Join(dir, "fault"), servicesDir: filepath.Join(dir, "svc"),
	}
	base := filepath.Join(dir, "run")
	for _, d := range []string{filepath.Dir(w.database), w.faults, base, filepath.Join(dir, "home"), w.servicesDir} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	if err := makeServiceDirectory(w.servicesDir); err != nil {
		return nil, err
	}
	w.environ = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Join(dir, "home"), "LANG=C.UTF-8",
		"SERVER_FILE=" + w.database, "TEND_RUNTIME=" + base, "TEND_FAULT=" + w.faults,
	}
	if without != "" {
		w.environ = append(w.environ, "TEND_WITHOUT="+without)
	}
	// Where the chain lives is tend's to say: ask it the way that a command does.
	before, had := os.LookupEnv("TEND_RUNTIME")
	defer restore("TEND_RUNTIME", before, had)
	os.Setenv("TEND_RUNTIME", base)
	var err error
	w.runtime, err = keeper.Directory(w.database)
	return w, err
}

func restore(name, value string, had bool) {
	if had {
		os.Setenv(name, value)
	} else {
		os.Unsetenv(name)
	}
}

// result is what came of a command.
type result struct {
	args           []string
	stdout, stderr string
	status         int // -1: it was killed
	begun, ended   time.Time
}

func (r result) String() string {
	text := fmt.Sprintf("tend %s: status %d after %s", strings.Join(r.args, " "), r.status, r.ended.Sub(r.begun).Round(time.Millisecond))
	for _, out := range []string{r.stdout, r.stderr} {
		for line := range strings.Lines(out) {
			text += "\n    | " + strings.TrimRight(line, "\n")
		}
	}
	return text
}

// patience is how long a command may take before that is a violation: longer than any stop.
const patience = 30 * time.Second

// run runs a command of tend to its end.
func (w *world) run(args ...string) result {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, w.tend, args...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = w.environ, w.dir, &stdout, &stderr
	cmd.WaitDelay = time.Second
	r := result{args: args, begun: time.Now()}
	err := cmd.Run()
	r.ended, r.stdout, r.stderr, r.status = time.Now(), stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.stderr += err.Error()
	}
	return r
}

// copyProgram copies an executable, so that our processes can be told from all others by it.
func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// processesOf lists the living processes that run one of the programs.
func processesOf(programs ...string) []process.Stat {
	var found []process.Stat
	all, _ := process.All()
	for _, stat := range all {
		if !runsOne(stat.PID, programs) {
			continue
		}
		if now, ok := alive(stat.Identity); ok {
			found = append(found, now)
		}
	}
	return found
}

func runsOne(pid int, programs []string) bool {
	exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	if err != nil {
		return false
	}
	for _, program := range programs {
		if strings.TrimSuffix(exe, " (deleted)") == program {
			return true
		}
	}
	return false
}

// describe says what a process is.
func describe(stat process.Stat) string {
	words, _ := process.CommandLine(stat.PID)
	return fmt.Sprintf("process %d (parent %d, %c): %s", stat.PID, stat.PPID, stat.State, strings.Join(words, " "))
}

// endAll kills what is left, by identity.
func endAll(left []process.Stat) {
	for _, stat := range left {
		_ = process.Signal(stat.Identity, "KILL")
	}
}

// alive reports whether the process lives; it is process.Alive with one read less.
func alive(id tend.Identity) (stat process.Stat, ok bool) {
	stat, err := process.ReadStat(id.PID)
	return stat, err == nil && stat.Identity == id && !stat.Dead()
}

// lockFree reports whether no process of the service's tree lives, by its lock.
func lockFree(dir, service string) bool {
	f, err := os.OpenFile(lockPath(dir, service), os.O_RDWR, 0)
	if err != nil {
		return true // it was never begun
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil
}

// holder reads who has the service's lock, or had it last.
func holder(dir, service string) (run string, id tend.Identity, ok bool) {
	text, err := os.ReadFile(lockPath(dir, service))
	if err != nil {
		return "", tend.Identity{}, false
	}
	n, _ := fmt.Sscanf(string(text), "%s %d %d\n", &run, &id.PID, &id.Start)
	return run, id, n == 3
}
