package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tend"
)

// quickCheck is what is checked after each kill: who is to live on lives on, no run has met another one, and no
// bystander has got a signal.
func (c *campaign) quickCheck() {
	for _, s := range c.all() {
		now := s.steady.Load()
		if now == nil {
			continue
		}
		if stat, ok := alive(now.main); !ok && s.steady.CompareAndSwap(now, nil) {
			c.report.violate("%s, process %d of the run %s, is dead, and nobody wanted that (%+v)", s.name, now.main.PID, now.run, stat)
		}
	}
	c.readViolations()
	for _, b := range c.bystanders {
		if got := b.suffered(); got != "" {
			c.report.violate("a bystander, process %d, %q: %s", b.id.PID, b.cmd.Args, got)
		}
	}
}

// readViolations takes in what the services themselves have complained of.
func (c *campaign) readViolations() {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, err := os.ReadFile(violationsPath(c.servicesDir))
	if err != nil || int64(len(text)) <= c.unread {
		return
	}
	for line := range strings.Lines(string(text[c.unread:])) {
		c.report.violate("%s", strings.TrimSpace(line))
	}
	c.unread = int64(len(text))
}

// checkNowAndThen checks everything every so often. Nobody kills or commands meanwhile.
func (c *campaign) checkNowAndThen(over <-chan struct{}) {
	tick := time.NewTicker(c.every)
	defer tick.Stop()
	for {
		select {
		case <-over:
			return
		case <-tick.C:
		}
		c.working.Lock() // first: commands may take a while, and must be killed around
		c.killing.Lock()
		c.checkAll(false)
		c.killing.Unlock()
		c.working.Unlock()
	}
}

// checkAll checks everything. In the end no run may be left.
func (c *campaign) checkAll(end bool) {
	c.quickCheck()
	c.checkWanted()
	records := c.readRecords()
	for _, s := range c.all() {
		c.checkService(s, records[s.name], end)
	}
	c.forgetOld()
	c.report.count(&c.report.Checks, 1)
	c.report.progress()
}

// checkWanted compares the list with what was commanded.
func (c *campaign) checkWanted() {
	r := c.command("list", "--json")
	var list struct{ Services []tend.Status }
	if err := json.Unmarshal([]byte(r.stdout), &list); err != nil || r.status != 0 {
		c.report.violate("%s (%v)", r, err)
		return
	}
	shown := map[string]tend.Status{}
	for _, st := range list.Services {
		shown[st.Name] = st
	}
	for _, s := range c.all() {
		st, found := shown[s.label()]
		s.stopping = ""
		if st.State == tend.PhaseStopping {
			s.stopping = st.Run
		}
		delete(shown, s.label())
		switch {
		case (s.gone || s.absent) && found:
			c.report.violate("%s was removed, and is on the list", s.name)
		case s.gone, s.absent:
		case !found:
			c.report.violate("%s is not on the list", s.name)
		case s.kind.once:
			if st.State.Live() || st.State.Pending() {
				c.report.violate("%s was run once, that is over, and it is %s: %s", s.name, st.State, st.Reason)
			}
		case st.Wanted != s.wanted:
			c.report.violate("%s is shown as wanted %v, and %v was commanded", s.name, st.Wanted, s.wanted)
		case s.kind.long && s.wanted && st.State != tend.PhaseRunning:
			c.report.violate("%s is %s: %s", s.name, st.State, st.Reason)
		case s.wanted && !s.kind.goesOn(st.State):
			c.report.violate("%s is to be started again whenever it ends, and is %s: %s", s.name, st.State, st.Reason)
		case !s.wanted && st.State != tend.PhaseStopped:
			c.report.violate("%s was stopped, and is %s", s.name, st.State)
		}
	}
	for name := range shown {
		c.report.violate("%s is on the list, and was never added", name)
	}
}

// readRecords reads the paths of all records, by service and run. It comes before the database is read, so that each
// of these runs must be there.
func (c *campaign) readRecords() map[string]map[string]string {
	all := map[string]map[string]string{}
	paths, _ := filepath.Glob(filepath.Join(c.servicesDir, "record", "*"))
	for _, path := range paths {
		service, run, _ := strings.Cut(filepath.Base(path), ".")
		if all[service] == nil {
			all[service] = map[string]string{}
		}
		all[service][run] = path
	}
	return all
}
