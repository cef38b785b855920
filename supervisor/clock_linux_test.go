package supervisor_test

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tend"
	"tend/internal/testenv"
	"tend/process"
	"tend/store"
)

// toldBy writes the states down as a clock told them that is set forward by so much before anybody reads them.
func (c *chain) toldBy(forward time.Duration, remembered bool, names ...string) {
	c.Helper()
	booted, _, _ := process.Clock()
	batch := store.Batch{Place: c.here(), States: map[string]tend.State{}}
	if remembered {
		batch.BootedAt = booted.Add(-forward)
	}
	for _, name := range names {
		batch.States[name] = c.state(name).Shift(-forward)
	}
	c.db(func(db *store.Store) error { return db.Commit(context.Background(), batch) })
}

// clocked are services whose lives wait for something: web runs, again waits for another try, and stubborn is being stopped.
func clocked(t *testing.T) *chain {
	c := newChain(t)
	c.add(c.definition("web"))
	again := c.definition("again", "-fail", "-code", "3")
	again.Backoff = tend.Backoff{Min: tend.Duration(2 * time.Second), Max: tend.Duration(2 * time.Second)}
	c.add(again)
	stubborn := c.definition("stubborn", "-stubborn")
	stubborn.Stop = tend.StopSchedule{{Signal: "TERM", Wait: tend.Duration(5 * time.Minute)}, {Signal: "KILL", Wait: tend.Duration(time.Second)}}
	c.add(stubborn)
	c.launch()
	c.start("web", "stubborn")
	c.lived("stubborn", 1)
	go c.client.Do(c.Context(), tend.Request{Command: tend.CommandStop, Words: []string{"stubborn"}, Since: time.Now()}, func(tend.Progress) {})
	c.reaches("stubborn", tend.PhaseStopping)
	c.try(tend.Request{Command: tend.CommandStart, Words: []string{"again"}})
	c.reaches("again", tend.PhaseBackoff)
	return c
}

func (c *chain) nothingWasHastened() {
	c.Helper()
	c.until("again is tried", func() error { return when(len(c.noted("again", "lives")) > 2) })
	st := c.status("stubborn")
	same(c, "stubborn's state", st.State, tend.PhaseStopping)
	placed := c.state("stubborn")
	booted, _, _ := process.Clock()
	if st := placed.Shift(tend.SetForward(placed.BootedAt, booted)); st.StopStep != 0 || time.Until(st.Next) > 5*time.Minute || time.Until(st.Next) < time.Minute {
		c.Errorf("stubborn's stop is at step %d, and the next is in %s", st.StopStep, time.Until(st.Next))
	}
	if web := c.status("web"); web.Uptime < 0 || web.Uptime > 120 || time.Since(web.StartedAt).Abs() > 2*time.Minute || time.Since(web.Since).Abs() > 2*time.Minute {
		c.Errorf("web is said to be up for %.0f s, since %s", web.Uptime, web.StartedAt)
	}
	c.neverTwice("web")
	c.signal(st.PID, syscall.SIGKILL)
	c.do(tend.CommandStop, "stubborn")
}

// While one supervisor follows another, somebody sets the clock.
func TestTheClockIsSetBetweenSupervisors(t *testing.T) {
	for name, forward := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := clocked(t)
			c.paused(func() { c.toldBy(forward, true, "web", "again", "stubborn") })
			c.nothingWasHastened()
		})
	}
	t.Run("back, and nobody remembers", func(t *testing.T) {
		t.Parallel()
		c := clocked(t)
		c.paused(func() { c.toldBy(-time.Hour, false, "again") })
		c.nothingWasHastened()
	})
}

// Of three of ours that were suspended, and go on, none hastens or forgets anything.
func TestEverybodyIsSuspended(t *testing.T) {
	t.Parallel()
	c := clocked(t)
	pids := []int{c.outer(), c.inner(), c.supervisor()}
	for _, pid := range pids {
		c.signal(pid, syscall.SIGSTOP)
	}
	web := c.noted("web", "lives")[0]
	c.signal(web, syscall.SIGKILL) // while nobody looks
	time.Sleep(3 * time.Second)    // that long, longer than again's pause
	for _, pid := range pids {
		c.signal(pid, syscall.SIGCONT)
	}
	c.lived("web", 2)
	c.nothingWasHastened()
	same(c, "the supervisor", c.supervisor(), pids[2])
	if exit := c.runs("web")[1].Exit; exit == nil || exit.Signal != "KILL" {
		t.Errorf("web ended by %v", exit)
	}
}

// The clock of this machine is really set: only where somebody asks for that.
func TestTheClockIsSet(t *testing.T) {
	if os.Getenv("TEND_TEST_SET_CLOCK") == "" {
		t.Skip("TEND_TEST_SET_CLOCK is not set")
	}
	testenv.NeedRoot(t)
	for _, forward := range []time.Duration{time.Hour, -time.Hour} {
		c := clocked(t)
		set := func(d time.Duration) {
			now := unix.NsecToTimespec(time.Now().Add(d).UnixNano())
			c.check(unix.ClockSettime(unix.CLOCK_REALTIME, &now))
		}
		set(forward)
		func() {
			defer set(-forward)
			c.status("web")
			c.replace()
			c.nothingWasHastened()
		}()
		c.do(tend.CommandStop)
	}
}
