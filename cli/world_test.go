package cli

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// world is an empty home in which a test runs the program, where a script could not bring about what is wrong.
type world struct {
	t       *testing.T
	home    string
	runtime string
	program string
	user    *syscall.Credential // nil: ours
	environ []string            // more than it has anyway
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir, err := os.MkdirTemp("", "tend") // short: the path of a socket has 108 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("tend") // of testscript.Main: this very test
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, home: filepath.Join(dir, "h"), runtime: filepath.Join(dir, "r"), program: program}
	must(t, os.Mkdir(w.home, 0o755), os.Mkdir(w.runtime, 0o700))
	t.Cleanup(func() {
		defer os.RemoveAll(dir)
		if locks, _ := filepath.Glob(filepath.Join(w.runtime, "*", "keepers.lock")); len(locks) > 0 {
			w.tend("stop", "--all")
			waitUntilLeft(t, w.runtime)
		}
	})
	return w
}

// withoutRoot makes the world that of a user who is not root, to whom permissions mean something.
func (w *world) withoutRoot() *world {
	w.t.Helper()
	if os.Geteuid() != 0 {
		return w
	}
	const nobody = 65534
	w.user = &syscall.Credential{Uid: nobody, Gid: nobody}
	dir := filepath.Dir(w.home)
	must(w.t, os.Chmod(dir, 0o755), os.Chown(w.home, nobody, nobody), os.Chown(w.runtime, nobody, nobody))
	self, err := os.Executable()
	must(w.t, err)
	w.program = filepath.Join(dir, "tend") // where it is, nobody else may look
	// Not by us: whoever forks while we write to it makes it busy for a moment longer; see ETXTBSY in execve(2).
	must(w.t, exec.Command("cp", self, w.program).Run(), os.Chmod(w.program, 0o755))
	return w
}

// database is the path of the default database.
func (w *world) database() string { return filepath.Join(w.home, "server.sqlite") }

func (w *world) command(args ...string) *exec.Cmd {
	cmd := exec.Command(w.program, args...)
	cmd.Dir = w.home
	cmd.Env = []string{"HOME=" + w.home, "TEND_RUNTIME=" + w.runtime, "PATH=" + os.Getenv("PATH"), "TERM=dumb"}
	cmd.Env = append(cmd.Env, w.environ...)
	if w.user != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: w.user}
	}
	return cmd
}

// tend runs a command line and returns all that it wrote, and the exit status.
func (w *world) tend(args ...string) (out, status string) {
	w.t.Helper()
	cmd := w.command(args...)
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = &b, &b
	defer time.AfterFunc(patient, func() {
		if cmd.Process != nil {
			cmd.Process.Kill()
		}
	}).Stop()
	if err := cmd.Run(); err != nil {
		return b.String(), exitCode(err)
	}
	return b.String(), "0"
}

// must runs a command line that has to work, and returns what it wrote.
func (w *world) must(args ...string) string {
	w.t.Helper()
	out, status := w.tend(args...)
	if status != "0" {
		w.t.Fatalf("tend %s: exit status %s\n%s", strings.Join(args, " "), status, out)
	}
	return out
}

// refused runs a command line that must end with the exit status and a message that has all the words in it.
func (w *world) refused(status string, words []string, args ...string) {
	w.t.Helper()
	out, got := w.tend(args...)
	args = slices.Clone(args)
	for i := range args {
		args[i] = args[i][:min(len(args[i]), 60)] // to be read, if it comes to that
	}
	if got != status || !strings.Contains(out, "tend: ") {
		w.t.Errorf("tend %s: exit status %s, not %s\n%s", strings.Join(args, " "), got, status, out)
	}
	for _, word := range words {
		if !strings.Contains(out, word) {
			w.t.Errorf("tend %s does not say %q:\n%s", strings.Join(args, " "), word, out)
		}
	}
}

// dump is all that the database holds.
func (w *world) dump() string {
	w.t.Helper()
	out, err := exec.Command("database", w.database()).CombinedOutput()
	if err != nil {
		w.t.Fatalf("reading the database: %v\n%s", err, out)
	}
	return string(out)
}

// hold has another process carry the statements out on the database and keep the connection, until the returned function
// is called.
func (w *world) hold(statements ...string) (release func()) {
	w.t.Helper()
	cmd := exec.Command("database", append([]string{w.database()}, statements...)...)
	in, err := cmd.StdinPipe()
	must(w.t, err)
	out, err := cmd.StdoutPipe()
	must(w.t, err, cmd.Start())
	said := make([]byte, 4)
	if _, err := io.ReadFull(out, said); err != nil || string(said) != "done" {
		rest, _ := io.ReadAll(out)
		w.t.Fatalf("%v: %s%s: %v", statements, said, rest, err)
	}
	return func() {
		in.Close()
		must(w.t, cmd.Wait())
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
