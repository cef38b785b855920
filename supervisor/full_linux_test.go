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

	"golang.org/x/sys/unix"

	"tend"
	"tend/internal/testenv"
	"tend/store"
)

// smallDisk mounts a file system of few pages.
func smallDisk(t *testing.T) string {
	t.Helper()
	testenv.NeedRoot(t)
	dir, err := os.MkdirTemp("", "full") // a short path, for the socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(dir) })
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=700,size=2m"); err != nil {
		testenv.Missing(t, "a small file system cannot be mounted: "+err.Error())
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill leaves so many pages of a file system, until the returned function is called.
func (c *chain) fill(dir string, pages int64) (release func()) {
	c.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	c.check(err)
	defer f.Close()
	size, page := int64(0), make([]byte, 4096)
	for n := 0; err == nil; size += int64(n) {
		n, err = f.Write(page)
	}
	c.check(f.Truncate(max(0, size-pages*int64(len(page)))))
	return func() { c.check(os.Remove(name)) }
}

// sweep is how many pages are left: TEND_TEST_PAGES=0..60 has all of them tried.
func sweep(t *testing.T) (pages []int64) {
	first, last, found := strings.Cut(os.Getenv("TEND_TEST_PAGES"), "..")
	if !found {
		return []int64{0, 1, 3, 7}
	}
	from, err := strconv.ParseInt(first, 10, 64)
	to, errTo := strconv.ParseInt(last, 10, 64)
	if err != nil || errTo != nil {
		t.Fatal("TEND_TEST_PAGES is FIRST..LAST")
	}
	for n := from; n <= to; n++ {
		pages = append(pages, n)
	}
	return pages
}

// However little room is left for the database, the logs and the runtime directory, wherever it runs out: nothing dies,
// nothing runs twice, every command is answered, what was acknowledged stays, and all goes on when there is room again.
func TestNoRoomIsLeft(t *testing.T) {
	for _, pages := range sweep(t) {
		t.Run(fmt.Sprint(pages), func(t *testing.T) {
			t.Parallel()
			disk := smallDisk(t)
			c := newChainAt(t, filepath.Join(disk, "server.sqlite"), t.TempDir())
			runtime := filepath.Join(disk, "runtime")
			c.check(os.Mkdir(runtime, 0o700))
			c.check(unix.Mount(runtime, c.dir, "", unix.MS_BIND, ""))
			names := []string{"web", "victim", "crashing", "other", "late"}
			for _, name := range names[:4] {
				c.add(c.definition(name))
			}
			c.launch()
			c.start("web", "victim", "crashing")
			c.lived("victim", 1)
			c.lived("crashing", 1)
			web := c.status("web").PID
			crash := func(lives int) {
				all := c.noted("crashing", "lives")
				if len(all) == lives {
					c.signal(all[lives-1], syscall.SIGKILL)
				}
			}
			release := c.fill(disk, pages)

			added := c.tryAdd(c.definition("late")) == nil
			crash(1)
			_, err := c.try(tend.Request{Command: tend.CommandStart, Words: []string{"other"}})
			started := err == nil
			c.clear("start", err)
			c.replace()
			_, err = c.try(tend.Request{Command: tend.CommandStop, Words: []string{"victim"}})
			stopped := err == nil
			c.clear("stop", err)
			victim := c.noted("victim", "lives")[0]
			c.until("victim has ended all the same", func() error { return when(dead(victim)) })
			c.killAtOnce(c.outer(), c.inner())
			syscall.Kill(c.inner(), syscall.SIGKILL) // it may have left: a chain that cannot begin does, and is started again
			if dead(web) {
				t.Error("web is dead")
			}

			release()
			c.until("the supervisor answers", func() error { // without anybody's doing
				_, err := c.client.Statuses(t.Context(), tend.Query{})
				return err
			})
			c.until("all is written", func() error {
				if st := c.state("crashing"); st.Phase != tend.PhaseRunning {
					return fmt.Errorf("crashing is %s", st.Phase)
				}
				// A stop that was not acknowledged may have been lost with a supervisor: then the service is wanted.
				if st := c.state("victim"); stopped && st.Phase != tend.PhaseStopped || st.Phase == tend.PhaseStopping {
					return fmt.Errorf("victim is %s, and the stop was acknowledged: %v", st.Phase, stopped)
				}
				return nil
			})
			same(c, "web's pid", c.status("web").PID, web)
			c.lived("web", 1)
			c.lived("crashing", 2)
			c.do(tend.CommandStop, "victim")
			same(c, "victim's state", c.state("victim").Phase, tend.PhaseStopped)
			// The dead whose exit found no room are zombies until it does; but nobody's when both keepers are killed.
			if exit := c.runs("crashing")[1].Exit; exit == nil || exit.Signal != "KILL" && !exit.Unknown {
				t.Errorf("crashing's first run ended by %v", exit)
			}
			if p := c.do(tend.CommandStart, "other")["other"]; p.Error != nil { // it may run already: the start was not lost
				t.Errorf("start other: %v", p.Error)
			}
			c.lived("other", 1)
			if added {
				c.start("late") // it was acknowledged
			}
			t.Logf("%d pages: added %v, started %v, stopped %v", pages, added, started, stopped)
			for _, name := range names {
				c.neverTwice(name)
			}
		})
	}
}

// clear checks that an error says what a user can do.
func (c *chain) clear(what string, err error) {
	c.Helper()
	if e := tend.AsError(err); err != nil && (e.Hint == "" || !strings.Contains(e.Message, filepath.Dir(c.database))) {
		c.Errorf("%s: %v", what, err)
	}
}

// tryAdd adds a service, if that can be.
func (c *chain) tryAdd(d tend.Service) error {
	db, err := store.Open(context.Background(), c.database, store.Existing)
	if err == nil {
		err = db.Add(context.Background(), d)
		db.Close()
	}
	c.clear("add", err)
	return err
}
