package supervisor_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"tend"
	"tend/logs"
	"tend/process"
	"tend/store"
)

// sentTo defines a service whose log is sent to a command.
func (c *chain) sentTo(name, command string, words ...string) tend.Service {
	c.Helper()
	s := c.definition(name, words...)
	s.LogTo = "command:cd " + c.place(name) + "; " + command
	return s
}

func (c *chain) read(name, file string) string {
	text, _ := os.ReadFile(filepath.Join(c.place(name), file))
	return string(text)
}

// history is what was noted of a service, a line each.
func (c *chain) history(name string) string {
	c.Helper()
	var lines strings.Builder
	c.db(func(db *store.Store) error {
		entries, err := db.History(context.Background(), store.HistoryQuery{Services: []string{name}})
		for _, e := range entries {
			fmt.Fprintln(&lines, e.Kind, e.Text)
		}
		return err
	})
	return lines.String()
}

// The supervisor is killed again and again, and replaced, while a log is sent. Every line comes, in order, and in the end
// nobody is left.
func TestWhatIsSentSurvivesTheSupervisor(t *testing.T) {
	for _, format := range []tend.LogFormat{tend.LogPlain, tend.LogTime} {
		t.Run(format.String(), func(t *testing.T) { sendWhileKilling(t, format) })
	}
}

func sendWhileKilling(t *testing.T, format tend.LogFormat) {
	t.Parallel()
	c := newChain(t)
	web := c.sentTo("web", "cat >>sent", "-lines", "2ms")
	web.LogFormat = format
	c.add(web)
	c.launch()
	c.start("web")
	for round := range 12 {
		before := len(c.read("web", "sent"))
		c.until("more is sent", func() error { return when(len(c.read("web", "sent")) > before) })
		signal := syscall.SIGKILL
		if round%4 == 3 {
			signal = syscall.SIGTERM
		}
		supervisor := c.supervisor()
		c.signal(supervisor, signal)
		c.until("it has ended", func() error { return when(dead(supervisor)) })
	}
	c.do(tend.CommandStop, "web")
	c.nothingLeft()
	written, err := os.ReadFile(logs.Path(c.database, "web"))
	c.check(err)
	lines, at := strings.Split(string(written), "\n"), 0
	number := map[string]int{}
	for i, line := range lines {
		number[line] = i
	}
	repeated := 0
	for line := range strings.Lines(c.read("web", "sent")) {
		n, known := number[strings.TrimSuffix(line, "\n")]
		if !known || n > at {
			t.Fatalf("after %d lines comes %q, number %d", at, line, n)
		}
		if n < at {
			repeated++
		}
		at = max(at, n+1)
	}
	if at != len(lines)-1 { // what follows the last end is no line
		t.Errorf("of %d lines %d were sent", len(lines)-1, at)
	}
	t.Logf("%d lines, %d came twice", at, repeated)
	c.lived("web", 1)
}

// A command is none of the service's processes: neither does a stop end it, nor is it told of as one that may be left. When
// nothing else is to be done, it is ended.
func TestCommandOfALogIsNoProcessOfTheService(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.add(c.sentTo("web", "echo $$ >pid; exec sleep 1000", "-lines", "5ms"))
	other := c.definition("other")
	c.add(other)
	c.launch()
	c.start("web", "other")
	var command tend.Identity
	c.until("the command runs", func() error {
		pid, err := strconv.Atoi(strings.TrimSpace(c.read("web", "pid")))
		if err != nil {
			return err
		}
		stat, err := process.ReadStat(pid)
		command = stat.Identity
		return err
	})
	c.do(tend.CommandStop, "web")
	if !process.Alive(command) {
		t.Error("the stop of the service has ended the command")
	}
	c.do(tend.CommandStop, "other")
	c.nothingLeft()
	if process.Alive(command) {
		t.Error("the command lives on")
	}
	if history := c.history("web"); strings.Contains(history, "may be of it") {
		t.Errorf("it is told of: %s", history)
	}
}

// A syslog that is not there keeps nobody from leaving, and gets everything later.
func TestLeavingWithoutSyslog(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.definition("web", "-fail")
	s.LogTo = "syslog:" + filepath.Join(c.files, "none")
	c.add(s)
	c.launch()
	c.do(tend.CommandStart, "web")
	c.nothingLeft()
	if history := c.history("web"); !strings.Contains(history, "its log cannot be sent on") || !strings.Contains(history, "bytes wait") {
		t.Errorf("the history is\n%s", history)
	}
	s.LogTo = "command:cat >" + c.place("web") + "/sent"
	c.db(func(db *store.Store) error { return db.Change(context.Background(), s) })
	c.launch()
	c.nothingLeft()
	c.until("it is sent", func() error {
		if sent := c.read("web", "sent"); strings.Count(sent, "\n") != 2 {
			return fmt.Errorf("sent is %q", sent)
		}
		return nil
	})
}
