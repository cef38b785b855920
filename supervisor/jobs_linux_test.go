package supervisor_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"tend"
	"tend/process"
	"tend/store"
)

// job is a service that fails with status 3 at once, at the times of the schedule.
func (c *chain) job(name, schedule string) tend.Service {
	s := c.definition(name, "-fail", "-code", "3")
	s.Schedule = schedule
	return s
}

func (c *chain) armed(name string) {
	c.Helper()
	p := c.do(tend.CommandStart, name)[name]
	if p.Kind != tend.ProgressScheduled || p.Status == nil || p.Status.NextRun.IsZero() || p.Status.State != tend.PhaseScheduled {
		c.Fatalf("start %s: %+v", name, p)
	}
}

func (c *chain) causes(name string) (causes []tend.Cause) {
	for _, run := range c.runs(name) {
		causes = append(causes, run.Cause)
	}
	return causes
}

// wipeOut kills all of ours at once.
func (c *chain) wipeOut() {
	c.Helper()
	pids := []int{c.outer(), c.inner(), c.supervisor()}
	c.killAtOnce(pids...)
	for _, pid := range pids {
		c.until("it is dead", func() error { return when(dead(pid)) })
	}
}

// A job runs at its times, through the deaths of everybody, and not once it is stopped.
func TestAJobRunsAtItsTimes(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.add(c.job("often", "@every 1s"))
	c.launch()
	c.armed("often")
	c.until("it has run twice", func() error { return when(len(c.noted("often", "lives")) >= 2) })
	c.signal(c.supervisor(), syscall.SIGKILL)
	before := len(c.noted("often", "lives"))
	c.until("it runs again", func() error { return when(len(c.noted("often", "lives")) > before) })
	c.wipeOut()
	before = len(c.noted("often", "lives"))
	c.launch()
	c.until("it runs again", func() error { return when(len(c.noted("often", "lives")) > before) })
	c.until("its last end is remembered", func() error { // of one that ended while everybody was dead nobody knows
		st := c.status("often")
		return when(st.LastExit != nil && st.LastExit.Code == 3 && st.Failures > 0 && st.Restarts == 0)
	})
	c.do(tend.CommandStop, "often")
	runs := c.runs("often")
	for _, cause := range c.causes("often") {
		same(c, "the cause of a run", cause, tend.CauseSchedule)
	}
	for i, run := range runs[1:] {
		if apart := runs[i].StartedAt.Sub(run.StartedAt); apart < 900*time.Millisecond {
			t.Errorf("two runs are %s apart", apart)
		}
	}
	c.neverTwice("often")
	c.nothingLeft() // nobody waits any more
	same(c, "the number of runs", len(c.runs("often")), len(runs))
}

// A supervisor with nothing but a job that is far off stays, sleeps, and learns of a new time at once.
func TestAJobThatIsFarOff(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	far := c.job("far", "@yearly")
	c.add(far)
	c.launch()
	c.armed("far")
	supervisor := c.supervisor()
	c.until("its clock is set", func() error { return when(c.clocksSet(supervisor) == 1) })
	switches := func() (n int) {
		tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", supervisor))
		for _, task := range tasks {
			text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/status", supervisor, task.Name()))
			_, rest, _ := strings.Cut(string(text), "\nvoluntary_ctxt_switches:")
			var one int
			fmt.Sscan(rest, &one)
			n += one
		}
		return n
	}
	c.until("it sleeps", func() error { // what came before has to settle, and the collector has its own ideas
		before := switches()
		time.Sleep(300 * time.Millisecond)
		return when(switches() == before)
	})
	same(c, "the supervisor", c.supervisor(), supervisor)

	far.Schedule = "@every 1s"
	c.db(func(db *store.Store) error { return db.Change(context.Background(), far) })
	c.check(c.client.Changed(context.Background()))
	c.lived("far", 1)
	far.Schedule = "@yearly"
	c.db(func(db *store.Store) error { return db.Change(context.Background(), far) })
	c.check(c.client.Changed(context.Background()))
	if next := c.status("far").NextRun; next.Month() != time.January {
		t.Errorf("it runs next at %s", next)
	}
}

// clocksSet is how many timers of the process are set that go by the clock of the wall.
func (c *chain) clocksSet(pid int) (n int) {
	fds, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	for _, fd := range fds {
		if link, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, fd.Name())); link != "anon_inode:[timerfd]" {
			continue
		}
		info, _ := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%s", pid, fd.Name()))
		if strings.Contains(string(info), "clockid: 0") && !strings.Contains(string(info), "it_value: (0, 0)") {
			n++
		}
	}
	return n
}

// While nobody supervises, a job's time goes by.
func TestAJobsTimeIsMissed(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.add(c.job("skips", "0 0 1 1 *"))
	late := c.job("late", "0 0 1 1 *")
	late.Missed = tend.MissedRun
	c.add(late)
	c.launch()
	c.armed("skips")
	c.armed("late")
	c.paused(func() {
		booted, _, _ := process.Clock()
		batch := store.Batch{Place: c.here(), BootedAt: booted, States: map[string]tend.State{}}
		for _, name := range []string{"skips", "late"} {
			st := c.state(name).State
			st.Due = time.Now().Add(-2 * time.Hour)
			batch.States[name] = st
		}
		c.db(func(db *store.Store) error { return db.Commit(context.Background(), batch) })
	})
	c.lived("late", 1)
	for _, name := range []string{"skips", "late"} {
		c.until("it waits again", func() error { return when(c.status(name).NextRun.After(time.Now())) })
		var missed []string
		c.db(func(db *store.Store) error {
			events, err := db.History(context.Background(), store.HistoryQuery{Services: []string{name}})
			for _, e := range events {
				if e.Kind == tend.NoteMissed {
					missed = append(missed, e.Text)
				}
			}
			return err
		})
		if len(missed) != 1 || !strings.HasPrefix(missed[0], "its time was missed by 2h") {
			t.Errorf("%s: %q", name, missed)
		}
	}
	c.lived("skips", 0)
}

// One run of a service that nobody wants to run: it is waited for, through the death of the supervisor, and nothing follows.
func TestOneRun(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	task := c.definition("task", "-code", "7")
	task.Restart = tend.RestartAlways
	c.add(task)
	c.add(c.definition("web"))
	bad := c.definition("bad")
	bad.CommandLine = "/no/such/program"
	c.add(bad)
	c.launch()
	c.start("web")
	ended := make(chan []tend.Progress, 1)
	go func() {
		news, err := c.try(tend.Request{Command: tend.CommandOnce, Words: []string{"task"}})
		if err != nil {
			t.Errorf("once: %v", err)
		}
		ended <- news
	}()
	c.lived("task", 1)
	c.reaches("task", tend.PhaseRunning)
	if p := c.do(tend.CommandOnce, "task")["task"]; p.Kind != tend.ProgressFailed || p.Error.Code != tend.CodeConflict {
		t.Errorf("once more: %+v", p)
	}
	supervisor := c.supervisor()
	c.signal(supervisor, syscall.SIGKILL)
	c.until("another one is there", func() error { return when(c.supervisor() != supervisor) })
	c.signal(c.noted("task", "ready")[0], syscall.SIGUSR1)
	p := last(<-ended)["task"]
	if p.Kind != tend.ProgressEnded || p.Exit == nil || p.Exit.Code != 7 {
		t.Errorf("it ended: %+v", p)
	}
	if st := c.reaches("task", tend.PhaseFailed); st.Wanted {
		t.Errorf("it is wanted: %+v", st)
	}
	same(c, "the cause of its run", c.causes("task")[0], tend.CauseOnce)
	c.lived("task", 1)
	if p := c.do(tend.CommandOnce, "web")["web"]; p.Kind != tend.ProgressFailed || p.Error.Code != tend.CodeConflict {
		t.Errorf("once, while it runs: %+v", p)
	}
	if p := c.do(tend.CommandOnce, "bad")["bad"]; p.Kind != tend.ProgressFailed || p.Exit == nil || p.Exit.Error == "" {
		t.Errorf("once, of no program: %+v", p)
	}
}

// A service that expires is stopped then, whoever has died meanwhile.
func TestExpires(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.definition("brief")
	s.Expires = tend.Duration(6 * time.Second) // everything is to be killed before that
	c.add(s)
	c.launch()
	c.start("brief")
	at := c.status("brief").Expires
	c.wipeOut()
	c.launch()
	if again := c.status("brief").Expires; !again.Equal(at) && !again.IsZero() {
		t.Errorf("it expires at %s, and before at %s", again, at)
	}
	st := c.reaches("brief", tend.PhaseStopped)
	if st.Wanted || time.Now().Before(at) {
		t.Errorf("it is %+v, and was to expire at %s", st, at)
	}
	c.lived("brief", 1)
}
