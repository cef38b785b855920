// Package readme types what a newcomer types who reads the README.
package readme

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "tend/cli" // another program is another result: none is taken from the cache
	"tend/internal/testenv"
)

// patient is how long anything may take, the building of tend excepted, before the test gives up.
const patient = time.Minute

func TestEverythingThatIsTyped(t *testing.T) {
	testenv.Need(t, "bash", "go", "python3")
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	r := parse(t, string(text))
	if r.test != "go test ./..." { // .ci/run reads it, and this test would run itself
		t.Errorf("the test command is %q", r.test)
	}
	n := newNewcomer(t)

	if got := n.mustType(r.main); got != r.shown {
		t.Errorf("%s\nsays\n%s\nand the README shows\n%s", r.main, got, r.shown)
	}
	if !slices.Equal(strings.Fields(firstLine(n.mustType("tend list"))), strings.Fields(r.columns)) {
		t.Errorf("tend list has not the columns %s", r.columns)
	}
	for _, line := range r.commands {
		switch {
		case strings.Contains(line, " 8000") && !free(8000):
			if testenv.InCI() {
				t.Fatal("port 8000 is taken")
			}
			port := strconv.Itoa(freePort(t))
			t.Logf("port 8000 is taken, %s runs on %s", line, port)
			n.mustType(strings.Replace(line, "8000", port, 1))
		case strings.HasPrefix(line, "tend logs -f "):
			n.watch(line)
		default:
			n.mustType(line)
		}
	}
	n.mustType("tend stop --all")
	n.finish()
}

// read is what the README has for a newcomer to type.
type read struct {
	main, shown string   // the first command, and what is to be seen
	columns     string   // of the list, as shown
	commands    []string // the rest; what removes comes last
	test        string
}

// parse reads the part of the README that is for newcomers: all before the second heading, "What is different".
func parse(t *testing.T, text string) read {
	t.Helper()
	text, _, _ = strings.Cut(text, "\n## ")
	block := func(marker string) (first, second string) {
		_, rest, found := strings.Cut(text, "<!-- "+marker+" -->\n```sh\n")
		if !found {
			t.Fatalf("the README has no command after <!-- %s -->", marker)
		}
		first, rest, _ = strings.Cut(rest, "\n```\n")
		if after, ok := strings.CutPrefix(rest, "\n```\n"); ok {
			second, _, _ = strings.Cut(after, "```\n")
		}
		return first, second
	}
	var r read
	r.main, r.shown = block("main command")
	r.test, _ = block("test command")
	if m := regexp.MustCompile(`(?m)^\$ tend list\n(.*)$`).FindStringSubmatch(text); m != nil {
		r.columns = m[1]
	}
	var last []string
	for _, m := range regexp.MustCompile("(?m)^\\$ (.*)$|`((?:tend|source) [^`]*)`").FindAllStringSubmatch(text, -1) {
		line := m[1] + m[2]
		if strings.HasPrefix(line, "tend remove") {
			last = append(last, line)
		} else {
			r.commands = append(r.commands, line)
		}
	}
	r.commands = append(r.commands, last...)
	if len(r.commands) < 9 {
		t.Fatalf("only %d commands were found: %q", len(r.commands), r.commands)
	}
	return r
}

// newcomer has an empty home, Go, and the clone as the current directory.
type newcomer struct {
	t       *testing.T
	home    string
	runtime string
	environ []string
}

func newNewcomer(t *testing.T) *newcomer {
	t.Helper()
	runtime, err := os.MkdirTemp("", "tend") // short: the path of a socket has 108 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	n := &newcomer{t: t, home: t.TempDir(), runtime: runtime}
	paths := filepath.Join(n.home, "go")
	n.environ = append(os.Environ(), "HOME="+n.home, "TEND_RUNTIME="+runtime, "SERVER_FILE=",
		"GOPATH="+paths, "GOBIN=", "PATH="+filepath.Join(paths, "bin")+":"+os.Getenv("PATH"))
	for _, name := range []string{"GOMODCACHE", "GOCACHE", "GOPROXY"} { // the machine's: nothing is to be downloaded
		value, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		n.environ = append(n.environ, name+"="+strings.TrimSpace(string(value)))
	}
	t.Cleanup(func() {
		if t.Failed() {
			n.command("tend stop --all").Run()
		}
		os.RemoveAll(runtime)
	})
	return n
}

// command is the line as a shell runs it.
func (n *newcomer) command(line string) *exec.Cmd {
	cmd := exec.Command("bash", "-c", line)
	cmd.Dir, cmd.Env = filepath.Join("..", ".."), n.environ
	return cmd
}

// mustType runs the line, which must work, and returns what it wrote to standard output.
func (n *newcomer) mustType(line string) string {
	n.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := n.command(line)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		n.t.Fatalf("%s: %v\n%s%s", line, err, stdout.String(), stderr.String())
	}
	n.t.Logf("$ %s\n%s%s", line, stdout.String(), stderr.String())
	return stdout.String()
}

// watch runs a line that goes on by itself, and ends it with Ctrl-C as soon as it shows what is written to the log.
func (n *newcomer) watch(line string) {
	n.t.Helper()
	words := strings.Fields(line)
	name := words[len(words)-1]
	log, err := os.OpenFile(filepath.Join(n.home, "server.sqlite-logs", name+".log"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		n.t.Fatal(err)
	}
	defer log.Close()
	if _, err := log.WriteString("what it writes\n"); err != nil {
		n.t.Fatal(err)
	}
	cmd := n.command("exec " + line)
	out, err := cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	defer time.AfterFunc(patient, func() { cmd.Process.Kill() }).Stop()
	var seen []byte
	for block := make([]byte, 4096); !bytes.Contains(seen, []byte("what it writes\n")); {
		count, err := out.Read(block)
		if seen = append(seen, block[:count]...); err != nil {
			n.t.Fatalf("%s shows only %q: %v", line, seen, err)
		}
	}
	cmd.Process.Signal(os.Interrupt)
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGINT {
		n.t.Errorf("%s: Ctrl-C does not end it: %v", line, err)
	}
}

// finish waits until tend has left, and sees that no process is left.
func (n *newcomer) finish() {
	n.t.Helper()
	locks, _ := filepath.Glob(filepath.Join(n.runtime, "*", "keepers.lock"))
	for _, path := range locks {
		lock, err := os.Open(path)
		if err != nil {
			n.t.Fatal(err)
		}
		free := make(chan error, 1)
		go func() { free <- syscall.Flock(int(lock.Fd()), syscall.LOCK_EX) }()
		select {
		case <-free:
			lock.Close()
		case <-time.After(patient):
			n.t.Errorf("a keeper has not left: %s is locked", path)
		}
	}
	deadline := time.Now().Add(patient) // a keeper lets the lock go in its last moments, and not after them
	for len(n.left()) > 0 && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond) // they are nobody's child here: nothing tells us
	}
	if left := n.left(); len(left) > 0 {
		n.t.Errorf("left behind: %q", left)
	}
}

// left are the processes that have this home.
func (n *newcomer) left() []string {
	var found []string
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range processes {
		environ, _ := os.ReadFile(filepath.Join(dir, "environ"))
		if bytes.Contains(environ, []byte(n.home)) {
			words, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
			found = append(found, filepath.Base(dir)+" "+string(words))
		}
	}
	return found
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// free reports whether nobody listens on the port.
func free(port int) bool {
	l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
