package supervisor_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tend"
)

// memoryNotes are the entries about memory in the history of a service.
func (c *chain) memoryNotes(name string) (texts []string) {
	for _, e := range c.entries(name) {
		if e.Kind == tend.NoteMemory {
			texts = append(texts, e.Text)
		}
	}
	return texts
}

// Each takes 100 MB, by itself or with its children. What it has besides differs: these are Go programs.
func TestTooMuchMemory(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	define := func(name string, most tend.Size, action tend.MemoryAction, words ...string) {
		s := c.definition(name, words...)
		s.MemoryMax, s.MemoryAction = most, action
		s.Backoff = tend.Backoff{Min: tend.Duration(1e9), Max: tend.Duration(1e9)}
		c.add(s)
	}
	own, children := []string{"-memory", "100000000"}, []string{"-memory", "25000000", "-below", "4"}
	define("restarts", 80e6, "", own...)
	define("stops", 80e6, tend.MemoryStop, children...)
	define("warns", 80e6, tend.MemoryWarn, children...)
	define("modest", 500e6, tend.MemoryStop, own...)
	c.start("restarts", "stops", "warns", "modest")
	c.lived("restarts", 2)
	stopped := c.reaches("stops", tend.PhaseFailed)
	if !strings.HasPrefix(stopped.Reason, "took 1") || !strings.HasSuffix(stopped.Reason, "MB of memory, and may have 80MB") {
		t.Errorf("stopped because %q", stopped.Reason)
	}
	c.until("it is warned of", func() error {
		if notes := c.memoryNotes("warns"); len(notes) != 1 || !strings.HasSuffix(notes[0], "and may have 80MB") {
			return fmt.Errorf("the notes are %q", notes)
		}
		return nil
	})
	if notes := c.memoryNotes("restarts"); len(notes) == 0 || !strings.HasSuffix(notes[0], "and may have 80MB") {
		t.Errorf("the notes are %q", notes)
	}
	if runs := c.runs("restarts"); runs[len(runs)-1].Cause != tend.CauseFailure && runs[0].Cause != tend.CauseFailure {
		t.Errorf("the runs are %+v", runs)
	}
	for _, name := range []string{"warns", "modest"} {
		if st := c.status(name); st.State != tend.PhaseRunning {
			t.Errorf("%s: %+v", name, st)
		}
		c.lived(name, 1)
	}
	if notes := c.memoryNotes("modest"); len(notes) > 0 {
		t.Errorf("the notes of the modest are %q", notes)
	}
}

// A supervisor that takes over looks at what runs already.
func TestTooMuchMemoryAfterOurDeath(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.definition("web", "-memory", "100000000", "-late")
	s.MemoryMax, s.MemoryAction = 80e6, tend.MemoryStop
	c.add(s)
	c.start("web")
	before := c.supervisor()
	c.signal(before, syscall.SIGKILL)
	c.until("there is another supervisor", func() error {
		if pids := c.all(); !slices.Contains(slices.Collect(maps.Keys(pids)), before) && c.status("web").State == tend.PhaseRunning {
			return nil
		}
		return fmt.Errorf("not yet")
	})
	c.signal(c.noted("web", "lives")[0], syscall.SIGUSR2)
	c.reaches("web", tend.PhaseFailed)
	c.lived("web", 1)
}
