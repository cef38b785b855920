package supervisor_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"tend"
	"tend/internal/fault"
	"tend/store"
)

// absences are what the history says of the times without a supervisor.
func (c *chain) absences() (absences []tend.Absence) {
	c.Helper()
	c.db(func(db *store.Store) (err error) {
		absences, err = db.Absences(context.Background())
		return err
	})
	return absences
}

// away waits for the next absence after so many, which must have that cause and lie after that time.
func (c *chain) away(after int, cause tend.AbsenceCause, exact bool, from time.Time) (a tend.Absence) {
	c.Helper()
	c.until("another supervisor has written down that it began", func() error { return when(len(c.absences()) > after) })
	a = c.absences()[after]
	if a.Cause != cause || a.Exact != exact {
		c.Errorf("the absence is %+v (%s), should be %s, exact %v", a, a, cause, exact)
	}
	if a.From.Before(from) || a.To.Before(a.From) || a.To.After(time.Now()) {
		c.Errorf("the absence is from %s to %s, should be after %s", a.From, a.To, from)
	}
	return a
}

// killAtOnce kills processes none of which comes to do anything about the death of another, and waits until they are dead.
func (c *chain) killAtOnce(pids ...int) {
	c.Helper()
	for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGKILL} {
		for _, pid := range pids {
			c.signal(pid, s)
		}
	}
	for _, pid := range pids {
		c.until(fmt.Sprintf("process %d is dead", pid), func() error { return when(dead(pid)) })
	}
}

func TestTheHistoryTellsOfSupervisorsThatEnded(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.add(c.definition("silent"))
	began := time.Now()
	c.launch()
	c.start("silent")

	c.signal(c.supervisor(), syscall.SIGKILL)
	if a := c.away(0, tend.AwayCrashed, true, began); a.Exit == nil || a.Exit.Signal != "KILL" {
		t.Errorf("it ended by %v", a.Exit)
	}
	before := time.Now()
	c.signal(c.supervisor(), syscall.SIGTERM)
	c.away(1, tend.AwayReplaced, true, before)

	before = time.Now()
	c.signal(c.inner(), syscall.SIGKILL)
	c.away(2, tend.AwayOrphaned, true, before)

	pids := []int{c.outer(), c.inner(), c.supervisor()}
	c.killAtOnce(pids...)
	for _, pid := range pids {
		c.until("it is dead", func() error { return when(dead(pid)) })
	}
	c.launch()
	c.away(3, tend.AwayUnknown, false, before) // since the last thing that was written down

	before = time.Now()
	c.do(tend.CommandStop, "silent")
	c.nothingLeft()
	c.launch()
	c.away(4, tend.AwayIdle, true, before)
	if n := len(c.absences()); n != 5 {
		t.Errorf("%d absences, should be 5: %v", n, c.absences())
	}
}

// A supervisor that ends before it has written anything has not supervised: the absence goes on.
func TestASupervisorThatDiesAtOnceDoesNotEndTheAbsence(t *testing.T) {
	t.Parallel()
	faults := t.TempDir()
	c := newChain(t, fault.Variable+"="+faults)
	c.add(c.definition("silent"))
	c.launch()
	c.start("silent")
	c.check(os.WriteFile(filepath.Join(faults, string(fault.SupervisorListening)), nil, 0o600))
	supervisor := c.supervisor()
	c.signal(supervisor, syscall.SIGKILL)
	a := c.away(0, tend.AwayCrashed, true, time.Time{})
	if a.Tries != 1 || a.Exit == nil || a.Exit.Signal != "KILL" {
		t.Errorf("the absence is %+v", a)
	}
	if n := len(c.absences()); n != 1 {
		t.Errorf("%d absences: %v", n, c.absences())
	}
}

// Of what ends while nobody supervises, the history says when it ended, not when that was heard of.
func TestWhatEndsWhileNobodySupervisesHasEndedThen(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.gather()
	supervisor := c.supervisor()
	c.signal(supervisor, syscall.SIGSTOP)
	before := time.Now()
	c.inTheGap()
	c.until("their keeper has reaped them", func() error {
		return when(!exists(c.before["leaver"].PID) && !exists(c.before["again"].PID))
	})
	after := time.Now()
	c.signal(supervisor, syscall.SIGKILL)
	c.reaches("leaver", tend.PhaseFailed)
	for _, name := range []string{"leaver", "again"} {
		runs := c.runs(name)
		run := runs[len(runs)-1]
		if run.EndedAt.Before(before) || run.EndedAt.After(after) || !run.EndedAfter.IsZero() {
			t.Errorf("%s ended at %s (after %s), should be between %s and %s", name, run.EndedAt, run.EndedAfter, before, after)
		}
		var ended []tend.Entry
		c.db(func(db *store.Store) (err error) {
			ended, err = db.History(context.Background(), store.HistoryQuery{Services: []string{name}})
			return err
		})
		for _, e := range ended {
			if e.Kind == tend.NoteEnded && !e.At.Equal(run.EndedAt) {
				t.Errorf("the history says %s, not %s", e.At, run.EndedAt)
			}
		}
	}
}

// Where nobody was left who could have written it down, the history says between which times it ended.
func TestWhatEndsUnseenHasEndedInBetween(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.gather()
	outer, inner, supervisor := c.settled()
	mayLaunch := c.nobodyLaunches() // the commands that wait for an answer would
	c.killAtOnce(outer, inner, supervisor)
	before := time.Now()
	c.inTheGap()
	after := time.Now()
	mayLaunch()
	c.launch()
	c.reaches("leaver", tend.PhaseFailed)
	run := c.runs("leaver")[0]
	// How it ended is known only if it was not reaped yet when the supervisor came.
	if run.Exit == nil || !run.Exit.Unknown && *run.Exit != (tend.Exit{Code: 7}) || run.EndedAfter.IsZero() || run.EndedAfter.After(before) || run.EndedAt.Before(after) {
		t.Errorf("it ended by %v between %s and %s; it was between %s and %s", run.Exit, run.EndedAfter, run.EndedAt, before, after)
	}
	if is := c.status("leaver"); !is.LastEndAfter.Equal(run.EndedAfter) {
		t.Errorf("its status says after %s, not %s", is.LastEndAfter, run.EndedAfter)
	}
}

// nobodyLaunches has commands that would start a chain wait until they may.
func (c *chain) nobodyLaunches() (mayLaunch func()) {
	c.Helper()
	lock, err := os.OpenFile(filepath.Join(c.dir, "start.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	c.check(err)
	c.check(syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	return func() { lock.Close() }
}

func exists(pid int) bool { return syscall.Kill(pid, 0) == nil }
