package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tend"
)

// world is where one test lives: a home, a database, a runtime directory, and a directory to work in, which is the
// current one. All of it goes when the test ends; see leave.
type world struct {
	t        testing.TB
	dir      string // holds all below
	home     string
	work     string
	database string
	runtime  string
	environ  []string // of the commands
	crashes  bool     // of tend's own processes are part of the test
	launcher []string // stands before every command of tend, where not empty
	expected []string // patterns below dir of what may be there in the end, besides what tend makes
}

// newWorld makes a world. Its path is short: that of a socket has 108 bytes at most.
func newWorld(t testing.TB) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "e2e")
	if err != nil {
		t.Fatal(err)
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: dir, home: dir + "/home", work: dir + "/work", database: dir + "/db/s.sqlite", runtime: dir + "/run"}
	for _, d := range []string{w.home, w.work, filepath.Dir(w.database), w.runtime} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	w.environ = []string{
		"HOME=" + w.home, "SERVER_FILE=" + w.database, "TEND_RUNTIME=" + w.runtime,
		"PATH=" + os.Getenv("PATH") + ":/usr/sbin:/sbin", "LANG=C.UTF-8", "TERM=dumb",
	}
	if without := os.Getenv("TEND_WITHOUT"); without != "" { // all of this can be done without the newer mechanisms
		w.environ = append(w.environ, "TEND_WITHOUT="+without)
	}
	t.Cleanup(w.leave)
	return w
}

// result is what came of a command.
type result struct {
	t              testing.TB
	command        string
	stdout, stderr string
	status         int
}

// tend runs a command as the user of this world.
func (w *world) tend(args ...string) result {
	w.t.Helper()
	return w.by(func(*exec.Cmd) {}, slices.Concat(w.launcher, []string{program}, args)...)
}

// by runs a command line that ends in tend, prepared further by the function.
func (w *world) by(prepare func(*exec.Cmd), words ...string) result {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patient)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = w.environ, w.work, &stdout, &stderr
	cmd.WaitDelay = patient // somebody below who keeps our pipe must be seen as that
	prepare(cmd)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatalf("%q: %v\n%s%s", words, err, &stdout, &stderr)
	}
	r := result{w.t, strings.Join(words, " "), stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	if r.status < 0 || strings.Contains(r.stderr, "goroutine ") {
		w.t.Fatalf("%s", r)
	}
	return r
}

func (r result) String() string {
	return fmt.Sprintf("%s: status %d\nstdout:\n%sstderr:\n%s", r.command, r.status, r.stdout, r.stderr)
}

// ok demands that it worked.
func (r result) ok() result { r.t.Helper(); return r.is(0) }

// is demands an exit status.
func (r result) is(status int) result {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("not status %d: %s", status, r)
	}
	return r
}

// says demands that its standard output is these lines.
func (r result) says(lines ...string) result {
	r.t.Helper()
	if want := strings.Join(lines, "\n") + "\n"; r.stdout != want {
		r.t.Errorf("%s: it says\n%snot\n%s", r.command, r.stdout, want)
	}
	return r
}

// complains demands all of the texts in its standard error.
func (r result) complains(texts ...string) result {
	r.t.Helper()
	for _, text := range texts {
		if !strings.Contains(r.stderr, text) {
			r.t.Errorf("%s: it does not complain of %q:\n%s", r.command, text, r.stderr)
		}
	}
	return r
}

// list is the answer of list --json and status --json.
type list struct {
	Version  int           `json:"version"`
	Services []tend.Status `json:"services"`
}

// status tells how a service stands.
func (w *world) status(name string) tend.Status {
	w.t.Helper()
	r := w.tend("status", "--json", name)
	var l list
	if err := json.Unmarshal([]byte(r.stdout), &l); err != nil || len(l.Services) != 1 {
		w.t.Fatalf("%v: %s", err, r)
	}
	s := l.Services[0]
	if want := map[bool]int{true: 0, false: 3}[s.State == tend.PhaseRunning]; r.status != want {
		w.t.Errorf("%s is %s and the exit status %d", name, s.State, r.status)
	}
	return s
}

// becomes waits until a service stands so.
func (w *world) becomes(name, what string, holds func(tend.Status) bool) (s tend.Status) {
	w.t.Helper()
	defer func() {
		if w.t.Failed() {
			w.t.Logf("%s is %+v", name, s)
		}
	}()
	eventually(w.t, name+" "+what, func() bool { s = w.status(name); return holds(s) })
	return s
}

// running returns the main process of a service, which must run.
func (w *world) running(name string) tend.Identity {
	w.t.Helper()
	s := w.status(name)
	if s.State != tend.PhaseRunning || s.PID == 0 {
		w.t.Fatalf("%s is %s with pid %d, not running\n%s", name, s.State, s.PID, w.tend("status", name))
	}
	return identify(w.t, s.PID)
}

// up adds a service, with options before its name, starts it, and returns its main process.
func (w *world) up(name string, words ...string) tend.Identity {
	w.t.Helper()
	r := w.tend(slices.Concat([]string{"run"}, words[:options(words)], []string{name}, words[options(words):])...).ok()
	r.stdout = listening().ReplaceAllString(r.stdout, "") // by now, or not yet
	r.says("Added "+name, "Starting "+name+" ...", "... started "+name)
	return w.running(name)
}

// listening is what a start says of ports.
func listening() *regexp.Regexp { return regexp.MustCompile(`(?m), listening on .*$`) }

// options is how many of the words stand before the --.
func options(words []string) int { return max(0, slices.Index(words, "--")) }

// down stops a service and sees its process gone.
func (w *world) down(name string) result {
	w.t.Helper()
	s := w.status(name)
	id := tend.Identity{}
	if s.PID != 0 {
		id = identify(w.t, s.PID)
	}
	r := w.tend("stop", name).ok()
	if !strings.HasSuffix(r.stdout, "... "+name+" is stopped\n") {
		w.t.Errorf("%s", r)
	}
	if alive(id) {
		w.t.Errorf("%s is said to be stopped, and process %d lives", name, id.PID)
	}
	if s := w.status(name); s.State != tend.PhaseStopped || s.PID != 0 || s.Wanted {
		w.t.Errorf("after stop %s is %s, wanted %v, pid %d", name, s.State, s.Wanted, s.PID)
	}
	return r
}

// port returns a port of the loopback that nobody listens at.
func port(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
