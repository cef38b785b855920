package supervisor_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tend"
	"tend/store"
)

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
