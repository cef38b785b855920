package supervisor_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tend"
	"tend/internal/fault"
	"tend/internal/testenv"
	"tend/logs"
	"tend/store"
)

// timed has a service write through a pipe.
func timed(s tend.Service) tend.Service {
	s.LogFormat = tend.LogTime
	return s
}

// Whoever of us is killed, and however many at once, every line is in the log, once and in order.
func TestTimedOutputSurvivesOurDeaths(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.add(timed(c.definition("timed", "-lines", "500us")))
	c.launch()
	c.start("timed")
	pid := c.status("timed").PID
	if target, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/fd/1"); err != nil || !strings.Contains(target, "/pipe.") {
		t.Fatalf("it writes into %s, not into a pipe (%v)", target, err)
	}
	const outer, inner, supervisor = 0, 1, 2
	path := logs.Path(c.database, "timed")
	for range 3 {
		for _, victims := range [][]int{{supervisor}, {inner}, {outer}, {inner, supervisor}, {outer, inner}, {outer, supervisor}, {outer, inner, supervisor}} {
			var ours [3]int
			ours[outer], ours[inner], ours[supervisor] = c.settled()
			for _, who := range victims {
				_ = syscall.Kill(ours[who], syscall.SIGKILL) // one that has lost its keepers may be gone already
			}
			for _, who := range victims {
				c.until("it is dead", func() error { return when(dead(ours[who])) })
			}
			c.settled()
			before := logs.Size(path)
			c.until("its log grows", func() error { return when(logs.Size(path) > before) })
		}
	}
	if again := c.status("timed").PID; again != pid {
		t.Errorf("it was process %d, and is %d", pid, again)
	}
	c.do(tend.CommandStop, "timed")
	c.wholeLog("timed")
	c.neverTwice("timed")
}

// What a service wrote just before it was killed is in the log although the supervisor was killed before it had moved it.
func TestLastWordsAreKept(t *testing.T) {
	t.Parallel()
	faults := t.TempDir()
	c := newChain(t, fault.Variable+"="+faults)
	s := timed(c.definition("short"))
	s.Shell, s.Restart = true, tend.RestartNo
	s.CommandLine = "while [ ! -e " + c.place("go") + " ]; do sleep 0.01; done; echo last words; kill -KILL $$"
	c.add(s)
	c.launch()
	c.start("short")
	before := c.supervisor()
	c.check(fault.Arm(faults, fault.SupervisorMoving, ""))
	c.check(os.WriteFile(c.place("go"), nil, 0o600))
	c.until("another supervisor is there", func() error { return when(c.supervisor() != before) })
	c.until("the end is known", func() error { return when(!c.status("short").State.Live()) })
	if text, err := os.ReadFile(logs.Path(c.database, "short")); err != nil || string(text) != "last words\n" {
		t.Errorf("its log is %q, %v", text, err)
	}
}

// Where both have a file of their own, each goes there; and whoever shares a log with somebody whose output goes through a pipe
// writes through one as well.
func TestTimedOutputInFiles(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	out, errors := filepath.Join(t.TempDir(), "out"), filepath.Join(t.TempDir(), "errors")
	s := timed(c.definition("two"))
	s.Shell, s.Stdout, s.Stderr = true, out, errors
	s.CommandLine = "echo one; echo two >&2; echo three; exec sleep 1000"
	c.add(s)
	other := c.definition("other")
	other.Shell, other.Stdout, other.CommandLine = true, out, "echo four; exec sleep 1000"
	c.add(other)
	c.launch()
	c.start("two")
	c.start("other")
	c.until("all of it is there", func() error {
		text, _ := os.ReadFile(out)
		second, _ := os.ReadFile(errors)
		return when(string(text) == "one\nthree\nfour\n" && string(second) == "two\n")
	})
	if target, err := os.Readlink("/proc/" + strconv.Itoa(c.status("other").PID) + "/fd/1"); err != nil || !strings.Contains(target, "/pipe.") {
		t.Errorf("the other writes straight into the log: %s, %v", target, err)
	}
	c.db(func(db *store.Store) error { // it may write straight there when it is the only one
		return db.Change(context.Background(), other)
	})
	c.do(tend.CommandStop, "two", "other")
	c.start("other")
	if target, err := os.Readlink("/proc/" + strconv.Itoa(c.status("other").PID) + "/fd/1"); err != nil || target != out {
		t.Errorf("the other does not write straight into the log: %s, %v", target, err)
	}
}

// A mark says when a line was written.
func TestTimedOutputIsMarked(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := timed(c.definition("said"))
	s.Shell, s.CommandLine = true, "echo one; while [ ! -e "+c.place("go")+" ]; do sleep 0.01; done; echo two; exec sleep 1000"
	c.add(s)
	c.launch()
	c.start("said")
	between := time.Now()
	c.check(os.WriteFile(c.place("go"), nil, 0o600))
	path := logs.Path(c.database, "said")
	c.until("the second line is marked", func() error {
		marks, err := logs.Marks(logs.MarksPath(path), 0, 8)
		c.check(err)
		return when(len(marks) > 1 && marks[len(marks)-1].Offset == 8 && marks[len(marks)-1].At.After(between) && marks[0].At.Before(between))
	})
}

// On a full disk the output waits, and it is said; when there is room, all of it is there.
func TestTimedOutputWaitsForRoom(t *testing.T) {
	t.Parallel()
	testenv.NeedRoot(t)
	c := newChain(t)
	small := t.TempDir()
	if err := unix.Mount("tmpfs", small, "tmpfs", 0, "mode=700,size=64k"); err != nil {
		testenv.Missing(t, "mounting a tmpfs: "+err.Error())
	}
	t.Cleanup(func() { unix.Unmount(small, unix.MNT_DETACH) })
	const much = 200_000
	s := timed(c.definition("much"))
	s.Shell, s.Stdout = true, filepath.Join(small, "out")
	s.CommandLine = "yes | head -c " + strconv.Itoa(much) + "; exec sleep 1000"
	c.add(s)
	c.launch()
	c.start("much")
	noted := func(end string) func() error {
		return func() error {
			found := false
			c.db(func(db *store.Store) error {
				entries, err := db.History(context.Background(), store.HistoryQuery{Services: []string{"much"}, Last: 10})
				for _, e := range entries {
					found = found || e.Kind == tend.NoteLog && strings.HasPrefix(e.Text, "its output waits") && strings.HasSuffix(e.Text, end)
				}
				return err
			})
			return when(found)
		}
	}
	c.until("it is said that the output waits", noted("the disk is full"))
	c.check(unix.Mount("", small, "", unix.MS_REMOUNT, "size=1m"))
	c.until("it is said that it does so no more", noted("that is over"))
	c.until("all of it is there", func() error { return when(logs.Size(s.Stdout) == much) })
}
