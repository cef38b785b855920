package supervisor_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tend"
	"tend/internal/fault"
	"tend/store"
)

// A stop command has the service's environment and knows its pid. The signals come when it has ended, and whoever stops
// the service sees that; a command that fails changes nothing.
func TestStopCommand(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.definition("web")
	s.StopCommand = `echo "$TEND_SERVICE $TEND_PID $CHAIN $TEND_RUN" >command && exit 3`
	s.WorkingDirectory = c.place("web")
	c.add(s)
	c.launch()
	c.start("web")
	st := c.status("web")
	news, err := c.try(tend.Request{Command: tend.CommandStop, Words: []string{"web"}})
	c.check(err)
	var kinds []tend.ProgressKind
	for _, p := range news {
		kinds = append(kinds, p.Kind)
	}
	want := []tend.ProgressKind{tend.ProgressStopping, tend.ProgressStopCommand, tend.ProgressSignal, tend.ProgressStopped}
	if !slices.Equal(kinds, want) {
		t.Errorf("the news of the stop: %v", kinds)
	}
	said, _ := os.ReadFile(filepath.Join(c.place("web"), "command"))
	if !strings.HasPrefix(string(said), fmt.Sprintf("web %d %s TASK", st.PID, c.database)) {
		t.Errorf("the command has seen %q, the service is process %d", said, st.PID)
	}
	if !slices.ContainsFunc(c.entries("web"), func(e tend.Entry) bool {
		return e.Kind == tend.NoteStopping && e.Text == "its stop command exited with status 3"
	}) {
		t.Error("the history does not say that the command failed")
	}
}

// A stop command that takes too long is ended, and the history says so, although the stop does not wait for that.
func TestStopCommandThatTakesTooLong(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.definition("web")
	s.StopCommand, s.StopCommandTimeout = "sleep 1000", tend.Duration(100*time.Millisecond)
	c.add(s)
	c.add(c.definition("other")) // for which the supervisor stays
	c.launch()
	c.start("web", "other")
	if p := c.do(tend.CommandStop, "web")["web"]; p.Kind != tend.ProgressStopped {
		t.Fatalf("stop: %+v", p)
	}
	c.until("the history says what became of the command", func() error {
		if !slices.ContainsFunc(c.entries("web"), func(e tend.Entry) bool { return strings.HasPrefix(e.Text, "its stop command ") }) {
			return errors.New("it does not")
		}
		return nil
	})
}

// A service that ends by its stop command is sent nothing, and no other run begins before the command has ended as well.
func TestStopCommandThatEndsTheService(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.definition("web")
	s.StopCommand, s.WorkingDirectory = `kill -USR1 $TEND_PID; while ! test -e go; do sleep 0.01; done`, c.place("web")
	c.add(s)
	c.launch()
	c.start("web")
	pid := c.status("web").PID
	done := make(chan []tend.Progress, 1)
	go func() {
		news, _ := c.try(tend.Request{Command: tend.CommandRestart, Words: []string{"web"}})
		done <- news
	}()
	c.until("it has ended", func() error {
		if st := c.status("web"); st.State != tend.PhaseStopping || st.PID != 0 {
			return fmt.Errorf("%s, %d", st.State, st.PID)
		}
		return nil
	})
	c.lived("web", 1)
	c.check(os.WriteFile(filepath.Join(c.place("web"), "go"), nil, 0o600))
	if p := last(<-done)["web"]; p.Kind != tend.ProgressStarted || p.PID == pid {
		t.Errorf("%+v", p)
	}
	if n := len(c.noted("web", "terms")); n != 0 {
		t.Errorf("%d signals were sent", n)
	}
}

// When the supervisor is killed in the middle, the command is not run twice, nor does it go on; the service is sent its
// signals when the time of the command is over, and not before.
func TestStopCommandDiesWithTheSupervisor(t *testing.T) {
	t.Parallel()
	faults := t.TempDir()
	c := newChain(t, fault.Variable+"="+faults)
	s := c.definition("web")
	s.StopCommand, s.WorkingDirectory = `echo $$ >>command; sleep 1000`, c.place("web")
	s.StopCommandTimeout = tend.Duration(3 * time.Second)
	c.add(s)
	c.launch()
	c.start("web")
	began := time.Now()
	done := make(chan []tend.Progress, 1)
	go func() {
		news, _ := c.try(tend.Request{Command: tend.CommandStop, Words: []string{"web"}})
		done <- news
	}()
	c.until("the command runs", func() error {
		if len(c.noted("web", "command")) == 0 {
			return fmt.Errorf("it does not")
		}
		return nil
	})
	c.signal(c.supervisor(), syscall.SIGKILL)
	if p := last(<-done)["web"]; p.Kind != tend.ProgressStopped {
		t.Errorf("%+v", p)
	}
	if took := time.Since(began); took < 2900*time.Millisecond {
		t.Errorf("it was stopped after %s", took)
	}
	commands := c.noted("web", "command")
	if len(commands) != 1 || len(c.noted("web", "terms")) != 1 {
		t.Errorf("%d commands, %d signals", len(commands), len(c.noted("web", "terms")))
	}
	c.until("the command has ended", func() error {
		if _, alive := c.all()[commands[0]]; alive {
			return fmt.Errorf("it has not")
		}
		return nil
	})
}

// Where the service ends by what the command has done before it died, nobody waits for the command any more.
func TestServiceEndsAfterItsStopCommandDied(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.definition("web")
	s.StopCommand, s.WorkingDirectory = `echo $$ >>command; sleep 1000`, c.place("web")
	s.StopCommandTimeout = tend.Duration(time.Hour)
	c.add(s)
	c.launch()
	c.start("web")
	pid := c.status("web").PID
	done := make(chan []tend.Progress, 1)
	go func() {
		news, _ := c.try(tend.Request{Command: tend.CommandStop, Words: []string{"web"}})
		done <- news
	}()
	c.until("the command runs", func() error { return when(len(c.noted("web", "command")) > 0) })
	c.replaceSupervisor()
	c.status("web")
	c.check(syscall.Kill(pid, syscall.SIGUSR1))
	c.reaches("web", tend.PhaseStopped)
	if p := last(<-done)["web"]; p.Kind != tend.ProgressStopped {
		t.Errorf("%+v", p)
	}
}

// entries is the history of the service.
func (c *chain) entries(name string) (entries []tend.Entry) {
	c.Helper()
	c.db(func(db *store.Store) (err error) {
		entries, err = db.History(context.Background(), store.HistoryQuery{Services: []string{name}})
		return err
	})
	return entries
}
