package supervisor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tend"
	"tend/internal/fault"
	"tend/logs"
	"tend/store"
)

// told are the events that a hook has written into a file, by id, and how often each.
func (c *chain) toldEvents(file string) (events []tend.HookEvent, times map[int64]int) {
	c.Helper()
	text, _ := os.ReadFile(file)
	times = map[int64]int{}
	for line := range strings.Lines(string(text)) {
		var e tend.HookEvent
		if !strings.HasSuffix(line, "\n") {
			break
		}
		c.check(json.Unmarshal([]byte(line), &e))
		if times[e.ID]++; times[e.ID] == 1 {
			events = append(events, e)
		}
	}
	return events, times
}

// Every event that is wanted is told, in order, also those around the deaths of the supervisor and the last one, after which
// it leaves; and none twice but where it died in between.
func TestHooksAreToldOfEverything(t *testing.T) {
	t.Parallel()
	faults := t.TempDir()
	c := newChain(t, fault.Variable+"="+faults)
	s := c.definition("web")
	file := filepath.Join(c.files, "told")
	s.OnEvent = []string{"cat >>" + file}
	s.EventKinds = []string{"all"}
	c.add(s)
	c.launch()
	c.check(fault.Arm(faults, fault.HookTold, ""))
	c.start("web")
	for range 3 {
		c.do(tend.CommandRestart, "web")
		c.check(fault.Arm(faults, fault.SupervisorCommitted, ""))
		c.signal(c.supervisor(), syscall.SIGKILL)
	}
	c.do(tend.CommandStop, "web")
	c.until("everything is told", func() error {
		wanted, at := map[int64]tend.NoteKind{}, int64(0)
		for _, e := range c.entries("web") {
			wanted[e.ID] = e.Kind
		}
		events, _ := c.toldEvents(file)
		for _, e := range events {
			if e.ID < at {
				t.Fatalf("event %d comes after %d", e.ID, at)
			}
			at = e.ID
			if wanted[e.ID] != e.Event || e.Service != "web" || e.Version != tend.HookVersion {
				t.Fatalf("%+v is told of %v", e, wanted[e.ID])
			}
			delete(wanted, e.ID)
		}
		if len(wanted) > 0 {
			return fmt.Errorf("%v is not told", wanted)
		}
		return nil
	})
	c.nothingLeft()
}

// The hooks of a service that is removed, or of a copy that is one too many, are told of its last stop, although nobody else
// keeps the supervisor.
func TestHooksAreToldOfTheLastStop(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.definition("web")
	file := filepath.Join(c.files, "told")
	s.OnEvent, s.Instances, s.CommandLine = []string{"cat >>" + file}, 2, "sleep 1000"
	c.add(s)
	c.launch()
	c.start("web")
	told := func(label string) {
		t.Helper()
		c.until("the stop of "+label+" is told", func() error {
			events, _ := c.toldEvents(file)
			for _, e := range events {
				if e.Service == label && e.Event == tend.NoteStopped {
					return nil
				}
			}
			return fmt.Errorf("there are %v", events)
		})
	}
	s.Instances = 1
	c.change(s)
	c.do(tend.CommandScale, "web")
	told("web@1")
	_, err := c.try(tend.Request{Command: tend.CommandRemove, Words: []string{"web"}, Stop: true})
	c.check(err)
	told("web")
	c.nothingLeft()
	for _, name := range []string{"web", "web@1"} {
		if _, err := os.Stat(logs.HooksPath(c.database, name)); !os.IsNotExist(err) {
			t.Errorf("a cursor of %s is left: %v", name, err)
		}
	}
}

// A hook that fails is shown, and told of once.
func TestAHookThatFails(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.definition("web")
	s.OnEvent = []string{"echo no route to host; exit 3", "https://127.0.0.1:1/secret"}
	c.add(s)
	c.launch()
	c.start("web")
	c.do(tend.CommandRestart, "web")
	c.until("it is shown", func() error {
		if st := c.status("web"); len(st.Troubles) != 1 {
			return fmt.Errorf("%q", st.Troubles)
		} else if fmt.Sprint(st.Definition.OnEvent, st.Troubles) != strings.ReplaceAll(fmt.Sprint(st.Definition.OnEvent, st.Troubles), "secret", "") {
			t.Fatalf("a secret is shown: %+v", st)
		}
		return nil
	})
	said := 0
	for _, e := range c.entries("web") {
		if e.Kind == tend.NoteHook {
			said++
		}
	}
	if said == 0 || said > 2 { // one for each
		t.Errorf("it is told of %d times", said)
	}
}

// The cursors of a service go with it, also where it is removed while nobody supervises.
func TestCursorsFollowTheService(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	for _, name := range []string{"web", "old", "other"} {
		s := c.definition(name)
		s.OnEvent = []string{"true"}
		c.add(s)
	}
	c.launch()
	c.start("web", "old", "other")
	file := func(name string) error { _, err := os.Stat(logs.HooksPath(c.database, name)); return err }
	for _, name := range []string{"web", "old", "other"} {
		if err := file(name); err != nil {
			t.Error(err)
		}
	}
	c.do(tend.CommandStop, "old", "other")
	c.do(tend.CommandRemove, "old")
	c.until("the cursor is gone", func() error {
		if file("old") == nil {
			return errors.New("it is there")
		}
		return nil
	})
	c.killAtOnce(c.outer(), c.inner(), c.supervisor())
	c.db(func(db *store.Store) error { return db.Remove(context.Background(), "other") })
	c.launch()
	c.status("web")
	c.until("the other one is gone", func() error {
		if file("other") == nil {
			return errors.New("it is there")
		}
		return nil
	})
	if err := file("web"); err != nil {
		t.Error(err)
	}
}
