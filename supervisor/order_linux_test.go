package supervisor_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tend"
	"tend/internal/fault"
	"tend/store"
)

// addGraph adds services of program, with dependencies as "web: requires api, wants cache, after log".
func (c *chain) addGraph(lines ...string) {
	c.Helper()
	for _, line := range lines {
		name, rest, _ := strings.Cut(line, ":")
		name, words, _ := strings.Cut(name, " ")
		s := c.definition(name, strings.Fields(words)...)
		if slices.Contains(strings.Fields(words), "-fail") { // however long that takes
			s.Ready = tend.Check{Kind: tend.CheckAlive, After: tend.Duration(patience)}
		}
		for part := range strings.SplitSeq(rest, ",") {
			bond, on, _ := strings.Cut(strings.TrimSpace(part), " ")
			switch tend.Bond(bond) {
			case tend.BondRequires:
				s.Requires = append(s.Requires, on)
			case tend.BondWants:
				s.Wants = append(s.Wants, on)
			case tend.BondAfter:
				s.After = append(s.After, on)
			}
		}
		c.add(s)
	}
}

// story are all entries of these kinds, as "web ready", in the order in which they were written down.
func (c *chain) story(kinds ...tend.NoteKind) (words []string) {
	c.Helper()
	c.db(func(db *store.Store) error {
		entries, err := db.History(context.Background(), store.HistoryQuery{})
		for _, e := range entries {
			if e.Service != "" && slices.Contains(kinds, e.Kind) {
				words = append(words, e.Service+" "+string(e.Kind))
			}
		}
		return err
	})
	return words
}

// comesBefore checks the order of two of the words.
func comesBefore(t *testing.T, words []string, pairs ...[2]string) {
	t.Helper()
	for _, p := range pairs {
		first, second := slices.Index(words, p[0]), slices.Index(words, p[1])
		if first < 0 || second < 0 || first > second {
			t.Errorf("not %s before %s: %v", p[0], p[1], words)
		}
	}
}

// A start extends to what is required and wanted, in order, and a stop to whoever requires it, in the reverse one.
func TestStartAndStopInOrder(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.addGraph("web: requires api, requires auth", "api: requires db", "auth: requires db, wants cache", "cache", "db", "lone: after web")
	c.launch()
	started := c.do(tend.CommandStart, "web")
	for _, name := range []string{"web", "api", "auth", "db", "cache"} {
		same(c, name, started[name].Kind, tend.ProgressStarted)
	}
	same(c, "services started", len(started), 5)
	comesBefore(t, c.story(tend.NoteReady, tend.NoteStarting), [2]string{"db ready", "api starting"}, [2]string{"db ready", "auth starting"},
		[2]string{"cache ready", "auth starting"}, [2]string{"api ready", "web starting"}, [2]string{"auth ready", "web starting"})

	c.start("lone")
	stopped := c.do(tend.CommandStop, "db", "lone")
	for _, name := range []string{"web", "api", "auth", "db", "lone"} {
		same(c, name, stopped[name].Kind, tend.ProgressStopped)
	}
	same(c, "services stopped", len(stopped), 5)
	comesBefore(t, c.story(tend.NoteStopped, tend.NoteStopping), [2]string{"lone stopped", "web stopping"}, [2]string{"web stopped", "api stopping"},
		[2]string{"web stopped", "auth stopping"}, [2]string{"api stopped", "db stopping"}, [2]string{"auth stopped", "db stopping"})
	same(c, "cache", c.status("cache").State, tend.PhaseRunning)
	same(c, "web is wanted", c.status("web").Wanted, false)
}

// Nothing but what is named is restarted; several are stopped and started in order.
func TestRestartInOrder(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.addGraph("web: requires api", "api: requires db", "db")
	c.launch()
	c.start("web")
	api, web := c.status("api").PID, c.status("web").PID
	c.do(tend.CommandRestart, "db")
	same(c, "web", c.status("web").PID, web)
	c.lived("db", 2)
	before := len(c.story(tend.NoteReady, tend.NoteStarting, tend.NoteStopped, tend.NoteStopping, tend.NoteEnded))
	for name, p := range c.do(tend.CommandRestart, "db", "web") {
		same(c, name, p.Kind, tend.ProgressStarted)
	}
	same(c, "api", c.status("api").PID, api)
	same(c, "what happened", strings.Join(c.story(tend.NoteReady, tend.NoteStarting, tend.NoteStopped, tend.NoteStopping, tend.NoteEnded)[before:], ", "),
		"web stopping, web ended, db stopping, db ended, db starting, db ready, web starting, web ready")
}

// A first attempt that fails is told of under its own name, and those that require it say that they wait.
func TestStartOfWhatCannotBeReady(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.addGraph("web: requires api", "api: requires db", "db -fail -code 3", "page: wants db")
	c.launch()
	got := c.do(tend.CommandStart, "web", "page")
	for name, says := range map[string]string{
		"db": "db exited with status 3", "api": "api is not started yet: it requires db, which is ",
		"web": "web is not started yet: it requires api, which waits as well",
	} {
		p := got[name]
		if p.Kind != tend.ProgressFailed || p.Error.Code != tend.CodeFailed || !strings.Contains(p.Error.Message, says) {
			t.Errorf("%s: %+v, %v", name, p, p.Error)
		}
	}
	same(c, "last lines", strings.Join(got["db"].Output, "|") != "", true)
	same(c, "page", got["page"].Kind, tend.ProgressStarted)
	st := c.status("web")
	same(c, "state of web", st.State, tend.PhaseWaiting)
	same(c, "wanted", st.Wanted, true)
	c.do(tend.CommandStop, "db")
	c.until("web is stopped as well", func() error {
		if st := c.status("web"); st.State != tend.PhaseStopped || st.Wanted {
			return fmt.Errorf("%s", st.State)
		}
		return nil
	})
	c.lived("web", 0)
}

// What crashes and comes back does not concern those that require it. What fails for good does: they are stopped, in order,
// and start again by themselves when it is back.
func TestFailureOfWhatIsRequired(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.addGraph("web: requires api", "api: requires db", "db", "other") // for which the supervisor stays
	c.launch()
	c.start("web", "other")
	c.signal(c.status("db").PID, syscall.SIGKILL)
	c.until("db is back", func() error { return when(len(c.runs("db")) == 2) })
	c.reaches("db", tend.PhaseRunning)
	c.lived("web", 1)

	c.db(func(db *store.Store) error {
		s, err := db.Service(context.Background(), "db")
		s.Restart = tend.RestartNo
		if err == nil {
			err = db.Change(context.Background(), s)
		}
		return err
	})
	c.check(c.client.Changed(context.Background()))
	c.signal(c.status("db").PID, syscall.SIGKILL)
	st := c.reaches("api", tend.PhaseFailed)
	same(c, "reason of api", st.Reason, "it requires db, which failed: was killed by SIGKILL, and its restart policy is no")
	same(c, "reason of web", c.reaches("web", tend.PhaseFailed).Reason, "it requires api, which failed: "+st.Reason)
	same(c, "web is wanted", c.status("web").Wanted, true)
	comesBefore(t, c.story(tend.NoteFailed, tend.NoteStopping), [2]string{"db failed", "web stopping"}, [2]string{"web failed", "api stopping"})

	c.signal(c.supervisor(), syscall.SIGKILL)
	c.start("db")
	c.reaches("web", tend.PhaseRunning)
	same(c, "cause", c.runs("web")[0].Cause, tend.CauseDependency)
	c.lived("api", 2)
	c.lived("web", 2)
}

// What is required by others that stay is not removed, and what is removed by hand is missed.
func TestRemovalOfWhatIsRequired(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.addGraph("web: requires db", "api: requires db", "db")
	c.launch()
	c.start("web")
	_, err := c.try(tend.Request{Command: tend.CommandRemove, Words: []string{"db"}, Stop: true})
	if tend.CodeOf(err) != tend.CodeConflict || !strings.Contains(err.Error(), "db cannot be removed: api and web require it") {
		t.Errorf("remove: %v", err)
	}
	same(c, "db", c.status("db").State, tend.PhaseRunning)
	c.db(func(db *store.Store) error { return db.Remove(context.Background(), "db") })
	c.check(c.client.Changed(context.Background()))
	same(c, "reason", c.reaches("web", tend.PhaseFailed).Reason, "it requires db, which was removed")
	c.addGraph("db")
	news, err := c.try(tend.Request{Command: tend.CommandRemove, Words: []string{"db", "web", "api"}, Stop: true})
	c.check(err)
	for name, p := range last(news) {
		same(c, name, p.Kind, tend.ProgressRemoved)
	}
}

// Rows that were written by hand, with a loop and a name that there is not, do not keep anything from coming to rest.
func TestLoopsByHand(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.addGraph("a: requires b", "b: requires c", "c: requires a", "d: requires gone", "e: wants gone")
	c.launch()
	got := c.do(tend.CommandStart)
	for _, name := range []string{"a", "b", "c", "e"} {
		same(c, name, got[name].Kind, tend.ProgressStarted)
	}
	if p := got["d"]; p.Kind != tend.ProgressFailed || !strings.Contains(p.Error.Message, "d is not started: it requires gone, which is not there") {
		t.Errorf("d: %+v %v", p, p.Error)
	}
	said, err := os.ReadFile(c.dir + "/tend.log")
	c.check(err)
	if !strings.Contains(string(said), "closes a loop") {
		t.Errorf("tend.log: %s", said)
	}
}

// Whenever the supervisor is killed in the middle of an ordered start, or stop, that goes on in order, and nothing lives twice.
func TestOrderOutlivesSupervisors(t *testing.T) {
	t.Parallel()
	for _, point := range []fault.Point{fault.SupervisorCommitting, fault.SupervisorCommitted, fault.SupervisorSpawned} {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			points := t.TempDir()
			c := newChain(t, fault.Variable+"="+points)
			names := []string{"db", "api", "auth", "web"}
			c.addGraph("web: requires api, requires auth", "api: requires db", "auth: requires db", "db")
			c.launch()
			request := func(command tend.Command, name string) map[string]tend.Progress {
				t.Helper()
				done := make(chan struct{})
				var news []tend.Progress
				var err error
				go func() {
					defer close(done)
					news, err = c.try(tend.Request{Command: command, Words: []string{name}})
				}()
				for range 6 {
					c.check(fault.Arm(points, point, ""))
					c.until("somebody was killed there, or all is done", func() error {
						select {
						case <-done:
							return nil
						default:
							return when(!fault.Armed(points, point))
						}
					})
				}
				<-done
				fault.Disarm(points, point)
				c.check(err)
				return last(news)
			}
			for name, p := range request(tend.CommandStart, "web") {
				same(c, name, p.Kind, tend.ProgressStarted)
			}
			comesBefore(t, c.story(tend.NoteReady, tend.NoteStarting), [2]string{"db ready", "api starting"}, [2]string{"db ready", "auth starting"},
				[2]string{"api ready", "web starting"}, [2]string{"auth ready", "web starting"})
			request(tend.CommandStop, "db")
			for _, name := range names {
				c.reaches(name, tend.PhaseStopped)
				c.lived(name, 1)
			}
			comesBefore(t, c.story(tend.NoteStopped, tend.NoteStopping), [2]string{"web stopped", "api stopping"},
				[2]string{"web stopped", "auth stopping"}, [2]string{"api stopped", "db stopping"}, [2]string{"auth stopped", "db stopping"})
		})
	}
}

// SIGTERM to the keeper, as at a shutdown, stops in order; the next chain starts in order what was wanted.
func TestShutdownInOrder(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.addGraph("web: requires api", "api: requires db", "db")
	c.launch()
	c.start("web")
	c.signal(c.outer(), syscall.SIGTERM)
	c.nothingLeft()
	comesBefore(t, c.story(tend.NoteStopped, tend.NoteStopping), [2]string{"web stopped", "api stopping"}, [2]string{"api stopped", "db stopping"})
	before := len(c.story(tend.NoteReady, tend.NoteStarting))
	c.launch()
	c.reaches("web", tend.PhaseRunning)
	same(c, "what happened", strings.Join(c.story(tend.NoteReady, tend.NoteStarting)[before:], ", "),
		"db starting, db ready, api starting, api ready, web starting, web ready")
}

// What requires a service with copies waits for all of them, and is stopped before all of them; one copy may go alone.
func TestCopiesAreRequired(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.add(c.copies("pool", 3))
	c.addGraph("web: requires pool")
	c.launch()
	c.start("web")
	comesBefore(t, c.story(tend.NoteReady, tend.NoteStarting), [2]string{"pool ready", "web starting"},
		[2]string{"pool@1 ready", "web starting"}, [2]string{"pool@2 ready", "web starting"})
	c.do(tend.CommandStop, "pool@1")
	same(c, "web", c.status("web").State, tend.PhaseRunning)
	c.do(tend.CommandRestart, "web")
	same(c, "pool@1", c.status("pool@1").State, tend.PhaseStopped)
	c.do(tend.CommandStop, "pool")
	comesBefore(t, c.story(tend.NoteStopped, tend.NoteStopping)[3:], [2]string{"web stopped", "pool stopping"}, [2]string{"web stopped", "pool@2 stopping"})
}

// Whoever requires a service whose time is over is stopped before it, and not wanted any more either.
func TestExpiryOfWhatIsRequired(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.addGraph("web: requires db")
	db := c.definition("db")
	db.Expires = tend.Duration(time.Second)
	c.add(db)
	c.launch()
	c.start("web")
	c.reaches("db", tend.PhaseStopped)
	same(c, "web is wanted", c.status("web").Wanted, false)
	comesBefore(t, c.story(tend.NoteStopped, tend.NoteStopping), [2]string{"web stopped", "db stopping"})
}

// So it is also where the time was over while nobody supervised.
func TestExpiredMeanwhile(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.addGraph("web: requires db")
	db := c.definition("db")
	db.Expires = tend.Duration(2 * time.Second)
	c.add(db)
	c.launch()
	c.start("web")
	over := c.status("db").Expires
	c.killAtOnce(c.outer(), c.inner(), c.supervisor())
	time.Sleep(time.Until(over)) // it is the passing of this time that is tried
	c.launch()
	c.reaches("db", tend.PhaseStopped)
	comesBefore(t, c.story(tend.NoteStopped, tend.NoteStopping), [2]string{"web stopped", "db stopping"})
}
