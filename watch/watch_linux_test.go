package watch

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tend/keeper"
)

const patience = time.Minute

// world is a tree of files, and what is told of it.
type world struct {
	*testing.T
	dir, runtime string
	set          *Set
	notices      keeper.Notices
	news         chan string

	mu    sync.Mutex
	times []time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, dir: t.TempDir(), runtime: t.TempDir(), news: make(chan string, 100)}
	t.Cleanup(func() { goleak.VerifyNone(t) })
	w.begin()
	t.Cleanup(w.end)
	return w
}

func (w *world) begin() {
	var err error
	w.notices, err = keeper.Watch(w.runtime)
	w.check(err)
	w.set = New(Host{
		Notices: w.notices,
		Changed: func(service, what string, at time.Time) {
			w.mu.Lock()
			w.times = append(w.times, at)
			w.mu.Unlock()
			w.news <- service + ": " + what
		},
		Trouble: func(service, text string) { w.news <- service + "! " + text },
	})
}

func (w *world) end() {
	w.set.Close()
	w.notices.Stop()
}

func (w *world) check(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// want watches the patterns for a service called web, and waits until it does.
func (w *world) want(globs ...string) {
	w.set.Want([]Target{{Service: "web", Directory: w.dir, Globs: globs, Ignore: []string{filepath.Join(w.dir, "own.log")}, Since: time.Now().Add(time.Hour)}})
	w.settled()
}

// settled waits until what is wanted has been taken in: that of another service that has changed then is told.
func (w *world) settled() {
	w.Helper()
	dir := w.TempDir()
	w.write(filepath.Join(dir, "x"))
	w.set.mu.Lock()
	targets := []Target{{Service: "settled", Directory: dir, Globs: []string{"x"}}}
	for _, t := range w.set.wanted {
		if t.Service != "settled" {
			targets = append(targets, t)
		}
	}
	w.set.mu.Unlock()
	w.set.Want(targets)
	w.told("settled: x has changed")
}

func (w *world) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(w.dir, name)
}

func (w *world) write(name string) {
	w.Helper()
	w.check(os.MkdirAll(filepath.Dir(w.path(name)), 0o700))
	w.check(os.WriteFile(w.path(name), []byte(name), 0o600))
}

// told waits for news.
func (w *world) told(want string) {
	w.Helper()
	select {
	case got := <-w.news:
		if got != want {
			w.Fatalf("%q was told, not %q", got, want)
		}
	case <-time.After(patience):
		w.Fatalf("%q was not told", want)
	}
}

// nothing checks that nothing is told of what has happened: of what happens then, it is.
func (w *world) nothing() {
	w.Helper()
	w.settled()
}

func TestChanges(t *testing.T) {
	w := newWorld(t)
	w.write("src/a.py")
	w.write("src/deep/er/b.py")
	w.write("src/.git/c.py")
	w.want("src/**/*.py", "*.conf")
	w.nothing()
	for _, step := range []struct {
		what string
		do   func()
		told string
	}{
		{"written to", func() { w.write("src/a.py") }, "src/a.py has changed"},
		{"at any depth", func() { w.write("src/deep/er/b.py") }, "src/deep/er/b.py has changed"},
		{"several at once", func() { w.write("src/a.py"); w.write("x.conf"); w.write("src/deep/d.py") }, "src/a.py and 2 other files have changed"},
		{"as an editor does it", func() {
			w.write("src/.a.py.swp")
			w.write("src/4913")
			w.check(os.Rename(w.path("src/a.py"), w.path("src/a.py~")))
			w.write("src/a.py")
			w.check(os.Remove(w.path("src/a.py~")))
			w.check(os.Remove(w.path("src/.a.py.swp")))
		}, "src/a.py has changed"},
		{"renamed over it", func() { w.write("src/new"); w.check(os.Rename(w.path("src/new"), w.path("src/a.py"))) }, "src/a.py has changed"},
		{"removed", func() { w.check(os.Remove(w.path("src/a.py"))) }, "src/a.py has changed"},
		{"a link", func() { w.check(os.Symlink("deep", w.path("src/l.py"))) }, "src/l.py has changed"},
		{"another name", func() { w.check(os.Link(w.path("src/deep/d.py"), w.path("src/h.py"))) }, "src/h.py has changed"},
		{"a new directory", func() { w.write("src/n/e/w/f.py") }, "src/n/e/w/f.py has changed"},
		{"and in it", func() { w.write("src/n/e/w/f.py") }, "src/n/e/w/f.py has changed"},
		{"a directory that is moved in", func() {
			w.write("aside/g.py")
			w.check(os.Rename(w.path("aside"), w.path("src/aside")))
		}, "src/aside/g.py has changed"},
		{"and in it", func() { w.write("src/aside/g.py") }, "src/aside/g.py has changed"},
		{"one that is moved out", func() { w.check(os.Rename(w.path("src/aside"), w.path("aside"))) }, "src/aside has changed"},
	} {
		t.Log(step.what)
		step.do()
		w.told("web: " + step.told)
	}
	for _, none := range []string{"src/.git/c.py", "src/x.txt", "y.py", "aside/g.py", "src/.hidden.py", "src/#a.py#"} {
		w.write(none)
	}
	w.check(os.Chmod(w.path("src/deep/d.py"), 0o644))
	f, err := os.OpenFile(w.path("src/deep/d.py"), os.O_RDONLY, 0)
	w.check(err)
	f.Close()
	w.nothing()
}

// The directory need not be there, and may go and come.
func TestDirectoriesThatComeAndGo(t *testing.T) {
	w := newWorld(t)
	w.want("a/b/*.txt")
	w.write("a/b/x.txt")
	w.told("web: a/b/x.txt has changed")
	w.check(os.RemoveAll(w.path("a")))
	w.told("web: a/b/x.txt has changed")
	w.settled()
	w.write("a/b/y.txt")
	w.told("web: a/b/y.txt has changed")
	w.write("a/b/y.txt")
	w.told("web: a/b/y.txt has changed")
	w.check(os.Rename(w.path("a"), w.path("c")))
	w.told("web: a has changed")
	w.write("c/b/y.txt")
	w.nothing()
}

// What a service writes itself, and what is being written and not whole yet, is no news; nor is a file that was only opened.
func TestWhatDoesNotCount(t *testing.T) {
	w := newWorld(t)
	w.write("data")
	w.want("**")
	w.write("own.log")
	w.write("own.log.1")
	w.nothing()
	f, err := os.OpenFile(w.path("big"), os.O_WRONLY|os.O_CREATE, 0o600)
	w.check(err)
	_, err = f.WriteString("half")
	w.check(err)
	w.nothing()
	w.check(f.Close())
	w.told("web: big has changed")
	before := time.Now()
	time.Sleep(20 * time.Millisecond) // the clock of a file system is coarse
	f, err = os.OpenFile(w.path("data"), os.O_RDWR, 0o600)
	w.check(err)
	w.check(f.Close())
	w.told("web: data has changed")
	if at := w.times[len(w.times)-1]; !at.Before(before) {
		t.Errorf("a file that was opened and closed has changed at %s, after %s", at, before)
	}
}

// What changed while nobody watched is told by the next one that does; what was there before the service began is not.
func TestWhatNobodySaw(t *testing.T) {
	w := newWorld(t)
	w.write("src/old.py")
	old := time.Now().Add(-time.Hour)
	w.check(os.Chtimes(w.path("src/old.py"), old, old))
	w.write("src/new.py")
	late := time.Now().Add(time.Hour)
	w.write("src/future.py")
	w.check(os.Chtimes(w.path("src/future.py"), late, late))
	w.set.Want([]Target{{Service: "web", Directory: w.dir, Globs: []string{"src"}, Since: time.Now().Add(-time.Minute)}})
	w.told("web: src/new.py has changed")
	w.nothing()
}

// Where nobody wants anything there is no goroutine, and nothing is watched; and it begins again.
func TestNothingIsWatched(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.want("*.py")
		w.write("a.py")
		w.told("web: a.py has changed")
		w.set.Want(nil)
		w.set.mu.Lock()
		running := w.set.running
		w.set.mu.Unlock()
		if running != nil {
			<-running
		}
		if len(w.set.ids) != 0 || len(w.set.paths) != 0 || len(w.set.services) != 0 {
			t.Fatalf("still watched: %v", w.set.ids)
		}
		w.write("a.py")
	}
	if len(w.news) != 0 {
		t.Error(<-w.news)
	}
}

// Where the kernel refuses, that is told in words.
func TestNoNotices(t *testing.T) {
	w := newWorld(t)
	w.set.host.Notices = keeper.Notices{}
	w.set.Want([]Target{{Service: "web", Directory: w.dir, Globs: []string{"*"}}})
	w.told("web! its files are not watched: nothing tells of changes of files here")
}

// So much happens at once that some of it is lost.
func TestManyChanges(t *testing.T) {
	w := newWorld(t)
	w.set.Want([]Target{{Service: "web", Directory: w.dir, Globs: []string{"**"}, Since: time.Now()}})
	w.settled()
	for i := range 6000 {
		w.write(fmt.Sprintf("d%d/f%d", i%7, i))
	}
	select {
	case <-w.news:
	case <-time.After(patience):
		t.Fatal("nothing was told")
	}
}
