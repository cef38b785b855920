package e2e

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tend"
	"tend/process"
)

// alive reports whether the process is there and no zombie.
func alive(id tend.Identity) bool { return !id.IsZero() && process.Alive(id) }

// leave ends a world and fails the test if anything is left of it: a process, a socket, a file that nobody expects.
func (w *world) leave() {
	defer os.RemoveAll(w.dir)
	defer w.tellHistory()
	if _, err := os.Stat(w.database); err == nil {
		if r := w.tend("stop", "--all"); r.status != 0 {
			w.t.Errorf("stopping everything: %s", r)
		}
	}
	deadline := time.Now().Add(patient)
	for _, p := range w.processes() {
		own := p.Command == "tend" && len(p.words) > 0 && p.words[0] == "tend"
		if !own {
			w.t.Errorf("left behind: %s", p)
			kill(p.Identity)
		}
	}
	for left := w.processes(); len(left) > 0; left = w.processes() {
		if time.Now().After(deadline) {
			for _, p := range left {
				w.t.Errorf("does not leave: %s", p)
				kill(p.Identity)
			}
			break
		}
		awaitEnd(w.t, left[0].Identity) // with nothing to do they leave by themselves
	}
	w.checkFiles()
	w.checkTalk()
}

// processes lists what lives of this world, tend's own included: whatever has one of its directories in its
// environment, its arguments, as its working directory, or as that of an open file.
func (w *world) processes() []seen {
	var found []seen
	for _, p := range below(everybody()) {
		if w.concerns(p) {
			found = append(found, p)
		}
	}
	return found
}

func (w *world) concerns(p seen) bool {
	environ, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.PID), "environ"))
	traces := append([]string{string(environ)}, p.words...)
	links, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(p.PID), "fd", "*"))
	for _, l := range append(links, filepath.Join("/proc", strconv.Itoa(p.PID), "cwd")) {
		target, _ := os.Readlink(l)
		traces = append(traces, target)
	}
	return slices.ContainsFunc(traces, func(s string) bool { return strings.Contains(s+"/", w.dir+"/") || strings.Contains(s, w.dir+"\x00") })
}

// ordinary is what tend leaves in the end, and nothing else: no socket, no write-ahead log, no journal of SQLite's.
var ordinary = []string{
	"db/s.sqlite", "db/s.sqlite-logs", "db/s.sqlite-logs/*.log", "db/s.sqlite-logs/*.marks",
	"run/????????????", "run/*/lock", "run/*/start.lock", "run/*/keepers.lock", "run/*/exits", "run/*/tend.log", "run/*/n", "run/*/tasks",
	"work/*", "work/*/*", "work/*/*/*", "work/*/*/*/*",
}

func (w *world) checkFiles() {
	err := filepath.WalkDir(w.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(w.dir, path)
		matches := func(pattern string) bool { ok, _ := filepath.Match(pattern, name); return ok }
		switch {
		case slices.Contains([]string{".", "db", "run", "home", "work"}, name):
		case e.Type()&(fs.ModeSocket|fs.ModeNamedPipe) != 0, !slices.ContainsFunc(slices.Concat(ordinary, w.expected), matches):
			w.t.Errorf("left behind: %s %s", e.Type(), name)
		}
		return w.checkMode(name, e)
	})
	if err != nil {
		w.t.Error(err)
	}
}

// checkMode: nobody else gets into what tend has made.
func (w *world) checkMode(name string, e fs.DirEntry) error {
	info, err := e.Info()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(name, "work") && info.Mode().Perm()&0o077 != 0 {
		w.t.Errorf("%s has mode %s", name, info.Mode())
	}
	return nil
}

// tellHistory shows what tend has written down, for whoever looks into a failure.
func (w *world) tellHistory() {
	if !w.t.Failed() {
		return
	}
	if out, err := exec.Command("sqlite3", w.database, "SELECT at, service, kind, text FROM event").Output(); err == nil {
		w.t.Logf("history:\n%s", out)
	}
}

// checkTalk: what tend's own processes said must not be a crash.
func (w *world) checkTalk() {
	files, _ := filepath.Glob(filepath.Join(w.runtime, "*", "tend.log"))
	for _, f := range files {
		text, _ := os.ReadFile(f)
		for _, bad := range []string{"panic", "goroutine ", "fatal error", "DATA RACE"} {
			if strings.Contains(string(text), bad) && !w.crashes {
				w.t.Errorf("tend.log:\n%s", text)
			}
		}
		if w.t.Failed() && len(text) > 0 {
			w.t.Logf("tend.log:\n%s", text)
		}
	}
}
