package main

import (
	"fmt"
	"time"
)

// footprint measures what a tend that supervises n services costs while nothing happens: memory and wake-ups.
func footprint(t *table, h *home, n int, s size) {
	progress("doing nothing with %d services", n)
	time.Sleep(time.Duration(s.idle) * time.Second) // what the last command stirred up settles
	chain := h.chain()
	before := count(chain, switches)
	time.Sleep(time.Duration(s.idle) * time.Second)
	woken := count(chain, switches) - before
	memory := count(chain, pss)

	t.add(fmt.Sprintf("memory (PSS) of the %d processes of tend, %d services", len(chain), n),
		fmt.Sprintf("%.1f MiB", float64(memory)/(1<<20)), "", "")
	t.add(fmt.Sprintf("wake-ups in %d s, %d services", s.idle, n), fmt.Sprint(woken), "", "(wanted: 0)")
}

func count(chain []running, what func(pid int) int64) int64 {
	total := int64(0)
	for _, p := range chain {
		total += what(p.pid)
	}
	return total
}
