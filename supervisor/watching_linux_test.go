package supervisor_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tend"
)

// watched defines a service that is restarted for the files in its directory that end in .py.
func (c *chain) watched(name string, words ...string) tend.Service {
	s := c.definition(name, words...)
	s.WorkingDirectory, s.Watch = c.place(name), []string{"**/*.py"}
	return s
}

func (c *chain) write(name, file string) {
	c.Helper()
	path := filepath.Join(c.place(name), file)
	c.check(os.MkdirAll(filepath.Dir(path), 0o700))
	c.check(os.WriteFile(path, nil, 0o600))
}

// another waits for another run than those before, and returns all.
func (c *chain) another(name string, before int) (runs []tend.Run) {
	c.Helper()
	c.until("there is another run", func() error {
		if runs = c.runs(name); len(runs) <= before || runs[0].ReadyAt.IsZero() {
			return fmt.Errorf("there are %d", len(runs))
		}
		return nil
	})
	return runs
}

// Copies are restarted one after the other when a file of theirs has changed.
func TestWatchedCopiesAreRestartedOneByOne(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.copies("web", 3)
	s.WorkingDirectory, s.Watch = c.place("web"), []string{"**/*.py"}
	c.add(s)
	c.launch()
	c.start("web")
	c.write("web", "app.py")
	eachCopy("web", 3, func(_, key, place string) {
		runs := c.another(key, 1)
		same(c, "cause of the last run of "+key, runs[0].Cause, tend.CauseWatch)
		c.lived(place, 2)
	})
	c.oneByOne()
}

// A change restarts a service, once for a burst, and the history says for which file. What nobody supervised is noticed by
// the next one who does, and so is what happens under a supervisor that has only just come.
func TestWatch(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.add(c.watched("web"))
	c.write("web", "old.py")
	c.launch()
	c.start("web")
	c.write("web", "app.py")
	c.write("web", "pages/index.py")
	runs := c.another("web", 1)
	if len(runs) != 2 || runs[0].Cause != tend.CauseWatch {
		t.Errorf("runs: %+v", runs)
	}
	if !slices.ContainsFunc(c.entries("web"), func(e tend.Entry) bool {
		return e.Kind == tend.NoteWatched && e.Text == "app.py and 1 other file have changed"
	}) {
		t.Errorf("the history: %+v", c.entries("web"))
	}
	c.signal(c.supervisor(), syscall.SIGSTOP) // it sees nothing any more
	c.write("web", "pages/index.py")
	c.signal(c.supervisor(), syscall.SIGKILL)
	c.another("web", 2)
	c.write("web", "pages/more.py")
	runs = c.another("web", 3)
	if len(runs) != 4 {
		t.Errorf("there were %d runs", len(runs))
	}
	c.lived("web", 4)
}

// What has failed or ended is started when a file changes, without a pause; what was stopped is not.
func TestWatchOfWhatDoesNotRun(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	failing := c.watched("failing", "-fail", "-code", "3")
	failing.GiveUpAfter = 1
	pausing := c.watched("pausing", "-fail", "-code", "3")
	pausing.Backoff = tend.Backoff{Min: tend.Duration(time.Hour), Max: tend.Duration(time.Hour)}
	ending := c.watched("ending", "-fail", "-code", "0")
	for _, s := range []tend.Service{failing, pausing, ending, c.watched("stopped")} {
		c.add(s)
	}
	c.launch()
	c.do(tend.CommandStart)
	c.do(tend.CommandStop, "stopped")
	c.reaches("failing", tend.PhaseFailed)
	c.reaches("pausing", tend.PhaseBackoff)
	c.reaches("ending", tend.PhaseExited)
	before := map[string]int{}
	for _, name := range []string{"failing", "pausing", "ending", "stopped"} {
		before[name] = len(c.runs(name))
	}
	for name := range before {
		c.write(name, "app.py")
	}
	for _, name := range []string{"failing", "pausing", "ending"} {
		c.until(name+" runs again", func() error {
			if runs := c.runs(name); len(runs) == before[name] || runs[len(runs)-before[name]-1].Cause != tend.CauseWatch {
				return fmt.Errorf("%+v", runs)
			}
			return nil
		})
	}
	if runs := c.runs("stopped"); len(runs) != before["stopped"] {
		t.Errorf("what was stopped runs: %+v", runs)
	}
}

// A service that writes a file as it ends is restarted for a change of another, and not for its own.
func TestWatchOfWhatTheServiceWrites(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.watched("web")
	s.Shell, s.CommandLine = true, `trap 'echo x >state.py; exit' TERM; while :; do sleep 0.05; done`
	s.StopCommand = ""
	c.add(s)
	c.launch()
	c.start("web")
	c.write("web", "app.py")
	c.another("web", 1)
	c.write("web", "app.py")
	c.another("web", 2)
	changed := 0
	for _, e := range c.entries("web") {
		if e.Kind == tend.NoteWatched {
			changed++
		}
	}
	if runs := c.runs("web"); len(runs) != 3 || changed != 2 {
		t.Errorf("%d runs, for %d changes", len(runs), changed)
	}
}

// A service that changes its own files in every run is restarted for that more and more seldom, which is told of; whoever starts it by hand
// does not wait.
func TestWatchOfWhatTheServiceWritesInEveryRun(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.watched("web")
	s.Shell, s.CommandLine = true, `sleep 0.1; echo x >state.py; exec sleep 1000`
	s.HealthyAfter, s.Backoff = tend.Duration(time.Minute), tend.Backoff{Min: tend.Duration(time.Hour), Max: tend.Duration(time.Hour)}
	c.add(s)
	c.launch()
	c.start("web")
	c.until("it has to wait", func() error {
		if st := c.status("web"); len(st.Troubles) != 1 || !strings.HasPrefix(st.Troubles[0], "state.py has changed, as after each of its last ") {
			return fmt.Errorf("%q %+v", st.Troubles, c.entries(st.Name))
		}
		return nil
	})
	runs := len(c.runs("web"))
	if runs > 8 {
		t.Errorf("there were %d runs", runs)
	}
	c.do(tend.CommandRestart, "web")
	c.another("web", runs)

	fails := c.watched("fails")
	fails.Shell, fails.CommandLine = true, `sleep 0.1; echo x >state.py; exit 1`
	fails.HealthyAfter, fails.Backoff = s.HealthyAfter, s.Backoff
	c.add(fails)
	c.do(tend.CommandStart, "fails")
	c.until("it has to wait", func() error {
		if st := c.status("fails"); len(st.Troubles) != 1 || st.State != tend.PhaseBackoff {
			return fmt.Errorf("%q %+v", st.Troubles, c.entries(st.Name))
		}
		return nil
	})
}
