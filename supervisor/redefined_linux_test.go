package supervisor_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"tend"
	"tend/logs"
	"tend/store"
)

// TestNewLimitsOfALog hold at once, for the process that has been writing into it all the time.
func TestNewLimitsOfALog(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.script("chatty", chatter)
	s.LogMax = tend.NoSize
	c.add(s)
	c.launch()
	c.start("chatty")
	path, pid := logs.Path(c.database, "chatty"), c.status("chatty").PID
	c.until("the log is long", func() error {
		if info, err := os.Stat(path); err != nil || info.Size() < 2*int64(tend.MinLogMax) {
			return errors.Join(err, errors.New("it is not"))
		}
		return nil
	})
	same(c, "archives", len(archives(path)), 0)
	s.LogMax = tend.MinLogMax
	c.change(s)
	c.check(c.client.Changed(t.Context()))
	c.until("there is an archive", func() error {
		if len(archives(path)) == 0 {
			return errors.New("there is none")
		}
		return nil
	})
	same(c, "the process", c.status("chatty").PID, pid)
	c.check(os.WriteFile(filepath.Join(c.place("chatty"), "enough"), nil, 0o600))
}

// TestARenamedService is known by its state under the new name, to a supervisor that runs as well as to the next.
func TestARenamedService(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.script("old", "exit 3")
	s.Restart = tend.RestartNo
	c.add(s)
	c.add(c.script("other", "exec sleep 1000"))
	c.launch()
	c.start("other")
	c.do(tend.CommandStart, "old")
	before := c.status("old")
	c.db(func(db *store.Store) error {
		return db.Revise(context.Background(), func([]tend.Service) (store.Revision, error) {
			return store.Revision{Rename: map[string]string{"old": "new"}}, nil
		})
	})
	c.check(c.client.Changed(t.Context()))
	for range 2 {
		after := c.status("new")
		same(c, "its state", after.State, tend.PhaseFailed)
		same(c, "its run", after.Run, before.Run)
		same(c, "its exit status", after.LastExit.Code, 3)
		c.signal(c.supervisor(), syscall.SIGKILL)
	}
}
