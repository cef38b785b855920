package main

import (
	"fmt"
	"time"
)

// startAndStop measures the starting and stopping of many services against the limit, in turn. The services are left
// running.
func startAndStop(t *table, h *home, dir string, s size) {
	command, limitName := limit(dir)
	var started, returned, stopped, limitStart, limitEnd []time.Duration
	for round := range s.rounds {
		progress("starting %d, round %d of %d", s.many, round+1, s.rounds)
		if round > 0 {
			stopped = append(stopped, h.tend("stop", "--all"))
			h.idle()
		}
		start, end := runLimit(command, s.many, h.mark+"99999")
		limitStart, limitEnd = append(limitStart, start), append(limitEnd, end)

		begun := uptime()
		returned = append(returned, h.tend("start", "--all"))
		started = append(started, h.lastBegun(s.many)-begun)
	}
	stopped = append(stopped, h.tend("stop", "--all"))
	if left := len(h.services()); left > 0 {
		check(fmt.Errorf("%d services survived tend stop --all", left))
	}
	h.idle()
	h.tend("start", "--all")

	what := fmt.Sprintf("start %d services: ", s.many)
	t.compare(what+"all run", median(started), median(limitStart), limitName, 2)
	t.compare(what+"the command returns", median(returned), median(limitStart), limitName, 0)
	t.compare(fmt.Sprintf("stop %d services: the command returns", s.many), median(stopped), median(limitEnd), "kill and wait loop", 0)
}

// lastBegun returns when the last of n services began, since boot, to clockTick. The kernel has written that down, so
// nobody had to watch, and be in the way, while they were started.
func (h *home) lastBegun(n int) time.Duration {
	services := h.services()
	if len(services) != n {
		check(fmt.Errorf("%d services run, not %d", len(services), n))
	}
	last := time.Duration(0)
	for _, p := range services {
		last = max(last, p.begun)
	}
	return last + clockTick
}
