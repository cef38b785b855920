package supervisor_test

import (
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tend"
)

// replace kills the supervisor and waits for the next one.
func (c *chain) replace() {
	c.Helper()
	supervisor := c.supervisor()
	c.signal(supervisor, syscall.SIGKILL)
	c.until("another supervisor is there", func() error { return when(c.supervisor() != supervisor) })
}

// Somebody edits what was written down of services while nobody supervises them. Each goes on with what runs, there is
// never a second copy, and nobody else is kept from anything.
func TestWhatWasWrittenDownIsDamaged(t *testing.T) {
	t.Parallel()
	damages := map[string]string{
		"state":            `UPDATE state SET state = '{' WHERE service = ?`,
		"state-nothing":    `UPDATE state SET state = '{}' WHERE service = ?`,
		"state-stopped":    `UPDATE state SET state = '{"phase":"stopped","wanted":true}', phase = 'stopped' WHERE service = ?`,
		"state-dancing":    `UPDATE state SET state = '{"phase":"dancing"}', phase = 'dancing' WHERE service = ?`,
		"state-no-run":     `UPDATE state SET state = '{"phase":"running","wanted":true}' WHERE service = ?`,
		"state-binary":     `UPDATE state SET state = x'00ff00' WHERE service = ?`,
		"place":            `UPDATE state SET place = 'here' WHERE service = ?`,
		"state-and-place":  `UPDATE state SET place = '', state = '' WHERE service = ?`,
		"state-gone":       `DELETE FROM state WHERE service = ?`,
		"run":              `UPDATE run SET started_at = 'x', ready_at = 7, exit = '{', log_offset = 'y' WHERE service = ?`,
		"run-process":      `UPDATE run SET pid = 'x', start = 'y' WHERE service = ?`,
		"run-gone":         `DELETE FROM run WHERE service = ?`,
		"run-of-another":   `UPDATE run SET id = 'another' WHERE service = ?`,
		"run-has-ended":    `UPDATE run SET ended_at = started_at WHERE service = ?`,
		"state-and-run":    `UPDATE state SET state = '{' WHERE service = ?1; UPDATE run SET ready_at = 'x' WHERE service = ?1`,
		"nothing-is-wrong": `UPDATE state SET wanted = 1 WHERE service = ?`,
	}
	c := newChain(t)
	names := slices.Sorted(maps.Keys(damages))
	for _, name := range append(names, "other") {
		c.add(c.definition(name))
	}
	c.launch()
	c.start(names...)
	before := map[string]int{}
	for _, name := range names {
		before[name] = c.status(name).PID
	}
	c.paused(func() {
		for name, damage := range damages {
			c.plain(damage, name)
		}
	})
	for range 2 { // what the first supervisor has found out is written down, and the second goes by that
		for _, name := range names {
			if st := c.status(name); st.PID != before[name] || st.State != tend.PhaseRunning {
				t.Errorf("%s is %s as process %d, %s; it was process %d", name, st.State, st.PID, st.Reason, before[name])
			}
		}
		c.replace()
	}
	c.start("other")
	c.do(tend.CommandStart)
	for _, name := range append(names, "other") {
		c.lived(name, 1)
	}
	c.do(tend.CommandStop)
	for _, name := range names {
		same(c, name+"'s state", c.state(name).Phase, tend.PhaseStopped)
		if !dead(before[name]) {
			t.Errorf("%s lives", name)
		}
		for _, run := range c.runs(name) {
			if run.EndedAt.IsZero() && run.ID != "another" {
				t.Errorf("%s: run %+v has no end", name, run)
			}
		}
	}
}

// paused runs f while there is no supervisor: its keepers cannot start another before it goes on.
func (c *chain) paused(f func()) {
	c.Helper()
	outer, inner, supervisor := c.outer(), c.inner(), c.supervisor()
	c.signal(outer, syscall.SIGSTOP) // or it would have the inner one go on
	c.signal(inner, syscall.SIGSTOP)
	c.signal(supervisor, syscall.SIGKILL)
	c.until("it has ended", func() error { return when(dead(supervisor)) })
	f()
	c.signal(outer, syscall.SIGCONT)
	c.signal(inner, syscall.SIGCONT)
	c.until("another supervisor is there", func() error { return when(c.supervisor() != supervisor) })
}

// A service whose state cannot be read and of which nothing runs rests, says why, and can be used like any other.
func TestADamagedStateOfWhatRests(t *testing.T) {
	t.Parallel()
	c := inTrouble(t)
	c.lived("victim", 1)
	c.do(tend.CommandStop, "victim")
	c.paused(func() { c.plain(`UPDATE state SET state = '{' WHERE service = 'victim'`) })
	if st := c.status("victim"); st.State != tend.PhaseStopped || !strings.Contains(st.Reason, "could not be read") {
		t.Errorf("victim is %s: %q", st.State, st.Reason)
	}
	c.start("victim")
	same(c, "the reason", c.status("victim").Reason, "")
	c.lived("victim", 2)

	victim := c.status("victim").PID
	c.paused(func() { // it ends while what is known of it is damaged
		c.plain(`UPDATE state SET state = '{' WHERE service = 'victim'`)
		c.signal(victim, syscall.SIGKILL)
		c.until("victim has ended", func() error { return when(dead(victim)) })
	})
	c.until("it is back, since it is wanted", func() error { return when(len(c.noted("victim", "lives")) == 3) })
	c.lived("victim", 3)
}
