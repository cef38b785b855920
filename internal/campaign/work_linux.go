package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tend"
)

// mostOwn is how many services a worker has at a time that it has added itself.
const mostOwn = 2

// work gives commands about every workers-th service, and about services of its own that come and go.
func (c *campaign) work(n int, over <-chan struct{}) {
	rng := c.random(uint64(100 + n))
	var mine, own []*service
	for i, s := range c.all() {
		if i%workers == n && s != c.probe && !s.grouped {
			mine = append(mine, s)
		}
	}
	for added := 0; ; {
		select {
		case <-over:
			return
		default:
		}
		c.working.RLock()
		switch what := rng.IntN(20); {
		case what < 2 && len(own) < mostOwn:
			if s := c.add(fmt.Sprintf("own-%d-%d", n, added), kinds()[rng.IntN(len(kinds()))]); s != nil {
				own = append(own, s)
			}
			added++
		case what < 4 && len(own) > 0:
			i := rng.IntN(len(own))
			c.remove(own[i])
			own = slices.Delete(own, i, i+1)
		default:
			c.operate(rng, append(slices.Clone(mine), own...))
		}
		c.working.RUnlock()
		time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
	}
}

// operate gives one command about one of the services.
func (c *campaign) operate(rng *rand.Rand, services []*service) {
	if len(services) == 0 {
		return
	}
	s := services[rng.IntN(len(services))]
	if s.kind.slow && rng.IntN(4) > 0 {
		return
	}
	switch what := rng.IntN(10); {
	case what == 0:
		c.read(s, "list")
	case what == 1:
		c.read(s, "status", s.label())
	case s.kind.once:
		c.runOnce(s)
	case !s.wanted || what < 4:
		c.start(s)
	case what < 7:
		c.stop(s)
	default:
		c.restart(s)
	}
}

func (c *campaign) read(s *service, args ...string) {
	if r := c.command(args...); r.status != 0 && !(args[0] == "status" && r.status == 3) {
		c.report.violate("%s", r)
	}
}

func (c *campaign) start(s *service) {
	before, fresh := s.steady.Load(), !s.wanted
	r := c.command("start", s.label())
	s.wanted = true
	if c.started(s, r) && s.kind.long {
		now := c.settled(s)
		if before != nil && now != nil && before.run != now.run {
			c.report.violate("%s has the run %s after a start, and had %s before it: %s", s.name, now.run, before.run, r)
		}
		if now != nil && fresh && s.kind.keeps {
			c.checkNothingKept(s, now)
		}
	}
}

func (c *campaign) restart(s *service) {
	before := s.steady.Swap(nil)
	r := c.ending(s, "restart", s.label())
	s.wanted = true
	if c.started(s, r) && s.kind.long {
		now := c.settled(s)
		if before != nil && now != nil && before.run == now.run {
			c.report.violate("%s has the same run %s as before it was restarted: %s", s.name, now.run, r)
		}
		if before != nil && now != nil && s.kind.keeps {
			c.checkKept(s, before, now)
		}
	}
}

// started judges the answer to a command that starts. What ends soon may end before it is ready.
func (c *campaign) started(s *service, r result) bool {
	died := !s.kind.long && r.status == 1 && (strings.Contains(r.stderr, "exited with status") || strings.Contains(r.stderr, "was killed by"))
	if r.status != 0 && !died {
		c.report.violate("%s", r)
		return false
	}
	return true
}

// ending gives a command that ends the service's run.
func (c *campaign) ending(s *service, args ...string) result {
	return c.endingAll([]*service{s}, args...)
}

// endingAll gives a command that ends the runs of all of them.
func (c *campaign) endingAll(services []*service, args ...string) result {
	c.mu.Lock()
	for _, s := range services {
		s.stops = append(s.stops, span{time.Now(), time.Now().Add(time.Hour)})
	}
	c.mu.Unlock()
	r := c.command(args...)
	c.mu.Lock()
	for _, s := range services {
		s.stops[len(s.stops)-1].to = r.ended
	}
	c.mu.Unlock()
	return r
}

func (c *campaign) stop(s *service) {
	s.steady.Store(nil)
	r := c.ending(s, "stop", s.label())
	s.wanted = false
	if r.status != 0 {
		c.report.violate("%s", r)
		return
	}
	c.stopped(s, r)
}

// stopped checks that it is, after a command that has stopped it.
func (c *campaign) stopped(s *service, r result) {
	if st, ok := c.status(s); ok && (st.State != tend.PhaseStopped || st.Wanted || st.PID != 0) {
		c.report.violate("%s is %s, wanted %v, process %d, after it was stopped: %s", s.name, st.State, st.Wanted, st.PID, r)
	}
	c.nobodyLeft(s, r)
}

// nobodyLeft checks that nobody of the service's tree lives after a command that has stopped it.
func (c *campaign) nobodyLeft(s *service, r result) {
	if !lockFree(c.servicesDir, s.name) {
		run, id, _ := holder(c.servicesDir, s.name)
		c.report.violate("%s is stopped, and its lock is held by somebody of the run %s (main process %d): %s", s.name, run, id.PID, r)
	}
}

// status asks how the service is.
func (c *campaign) status(s *service) (tend.Status, bool) {
	r := c.command("status", "--json", s.label())
	var list struct{ Services []tend.Status }
	if err := json.Unmarshal([]byte(r.stdout), &list); err != nil || len(list.Services) != 1 || r.status != 0 && r.status != 3 {
		c.report.violate("%s (%v)", r, err)
		return tend.Status{}, false
	}
	return list.Services[0], true
}

// settled checks that a service that lives long runs, as it was said, and takes note of its run: from now on it is to
// stay.
func (c *campaign) settled(s *service) *steady {
	st, ok := c.status(s)
	if !ok {
		return nil
	}
	if st.State != tend.PhaseRunning || !st.Wanted {
		c.report.violate("%s is %s, wanted %v, after it was started (run %s, process %d, last exit %v, %s)", s.name, st.State, st.Wanted, st.Run, st.PID, st.LastExit, st.Reason)
		return nil
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		if run, id, ok := holder(c.servicesDir, s.name); ok && run == st.Run {
			if id.PID != st.PID {
				c.report.violate("%s is process %d, and tend says %d", s.name, id.PID, st.PID)
			}
			now := &steady{run, id}
			s.steady.Store(now)
			return now
		}
		if time.Now().After(deadline) {
			c.report.violate("%s is said to run as process %d, run %s, which does not take its lock", s.name, st.PID, st.Run)
			return nil
		}
	}
}

// add adds a service and starts it. The command may be one that dies once it has written the definition.
func (c *campaign) add(name string, k kind) *service {
	r := c.command(k.addArguments(name, c.self, c.servicesDir)...)
	died := r.status == -1 && c.writtenBlow.CompareAndSwap(1, 0)
	if r.status != 0 && !died {
		c.report.violate("%s", r)
		return nil
	}
	s := newService(name, k)
	c.mu.Lock()
	c.services = append(c.services, s)
	c.mu.Unlock()
	if !k.once {
		c.start(s)
	}
	return s
}

// remove removes it.
func (c *campaign) remove(s *service) {
	s.steady.Store(nil)
	r := c.ending(s, "remove", "--stop", s.name)
	s.wanted, s.gone = false, true
	if r.status != 0 {
		c.report.violate("%s", r)
		return
	}
	if r := c.command("status", s.name); r.status != 4 {
		c.report.violate("%s was removed, and is there: %s", s.name, r)
	}
	c.nobodyLeft(s, r)
}
