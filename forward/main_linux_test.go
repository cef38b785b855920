package forward

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tend/process"
)

// This binary is also a supervisor that does nothing but forward, to be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "forward" {
		os.Exit(forwardForEver(os.Args[2], os.Args[3]))
	}
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		f.Value.Set("16") // they wait most of the time
	}
	status := m.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Println("FAIL: goroutines left behind:", err)
		status = 1
	}
	os.Exit(status)
}

func forwardForEver(dir, to string) int {
	h, _, err := newHost()
	if err != nil {
		panic(err)
	}
	s := New(h)
	s.Want([]Target{target(dir, to)})
	for range time.Tick(5 * time.Millisecond) { // stands in for who is told by the kernel
		s.Grown(filepath.Join(dir, "web.log"))
	}
	return 0
}

func newHost() (Host, *process.Spawner, error) {
	spawner, err := process.NewSpawner()
	if err != nil {
		return Host{}, nil, err
	}
	place, err := process.Here()
	return Host{
		Place: place, Start: spawner.Start, Stderr: os.Stderr,
		Note: func(string, Note) {}, Logf: func(string, ...any) {},
	}, spawner, err
}

func target(dir, to string) Target {
	log := filepath.Join(dir, "web.log")
	return Target{Service: "web", Log: log, Cursor: log + ".sent", To: to, Dir: dir, Env: []string{"PATH=" + os.Getenv("PATH"), "TEND_SERVICE=web"}, Umask: 0o077}
}

// world is one log that is sent.
type world struct {
	*testing.T
	dir string
	set *Set
	log *os.File
	to  Target

	mu    sync.Mutex
	notes []string
}

func newWorld(t *testing.T, to string) *world {
	t.Helper()
	t.Parallel()
	h, spawner, err := newHost()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{T: t, dir: t.TempDir()}
	h.Note = func(_ string, n Note) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if n.Text != "" {
			w.notes = append(w.notes, fmt.Sprint(n.Text, " ", n.Waiting))
		}
	}
	h.Logf = t.Logf
	w.to = target(w.dir, to)
	w.log, err = os.OpenFile(w.to.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	w.check(err)
	w.set = New(h)
	t.Cleanup(func() {
		w.set.Halt()
		spawner.Close()
		w.log.Close()
	})
	return w
}

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) begin() { w.set.Want([]Target{w.to}) }

// lines are the lines n to m.
func lines(n, m int) string {
	var text strings.Builder
	for ; n <= m; n++ {
		fmt.Fprintln(&text, "line", n)
	}
	return text.String()
}

func (w *world) write(n, m int) {
	w.Helper()
	w.say(lines(n, m))
}

func (w *world) say(text string) {
	w.Helper()
	_, err := w.log.WriteString(text)
	w.check(err)
	w.set.Grown(w.to.Log)
}

func (w *world) file(name string) string { return filepath.Join(w.dir, name) }

func (w *world) read(name string) string {
	text, _ := os.ReadFile(w.file(name))
	return string(text)
}

// until waits for what must happen.
func (w *world) until(what string, holds func() bool) {
	w.Helper()
	until(w.T, what, holds)
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for begun := time.Now(); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
}

// gets waits until the file has these lines, each once.
func (w *world) gets(name string, n, m int) {
	w.Helper()
	want := lines(n, m)
	w.until(fmt.Sprintf("%s has lines to %d", name, m), func() bool { return len(w.read(name)) >= len(want) })
	if got := w.read(name); got != want {
		w.Fatalf("%s is\n%.200q…, it should be\n%.200q…", name, got, want)
	}
}

func (w *world) noted() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string{}, w.notes...)
}

// rest has everything sent and everybody end.
func (w *world) rest() {
	w.Helper()
	again := make(chan struct{}, 100)
	again <- struct{}{}
	for enough := time.After(30 * time.Second); ; {
		select {
		case <-again:
			if w.set.Rest(func() { again <- struct{}{} }) {
				return
			}
		case <-enough:
			w.Fatal("it does not come to rest")
		}
	}
}

func (w *world) cursor() int64 {
	first, _, _ := strings.Cut(w.read("web.log.sent"), "\n")
	n, _ := strconv.ParseInt(first, 10, 64)
	return n
}

func self(args ...string) *exec.Cmd { return exec.Command("/proc/self/exe", args...) }
