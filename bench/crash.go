package main

import (
	"fmt"
	"slices"
	"syscall"
	"time"
)

// crash measures how long a service that was killed is away: until a new process executes its program. Every service is
// killed once, because a second failure in a row is followed by a pause on purpose.
func crash(t *table, h *home, s size) {
	progress("killing %d services", s.crashes)
	services := h.services()
	if len(services) < s.crashes {
		check(fmt.Errorf("%d services run, too few to kill %d", len(services), s.crashes))
	}
	var away []time.Duration
	for _, victim := range services[:s.crashes] {
		known := children(victim.parent)
		begun := time.Now()
		check(syscall.Kill(victim.pid, syscall.SIGKILL))
		h.awaitSuccessor(victim, known)
		away = append(away, time.Since(begun))
	}
	t.add("crash of a service until it runs again", "median "+ms(median(away)),
		fmt.Sprintf("90 %%: %s, longest: %s", ms(rank(away, 90)), ms(slices.Max(away))), "")
}

// awaitSuccessor looks for a process with the victim's command line among its parent's children that are not known.
func (h *home) awaitSuccessor(victim running, known []int) {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Microsecond) {
		for _, pid := range children(victim.parent) {
			if slices.Contains(known, pid) {
				continue
			}
			if p, ok := look(pid); ok && slices.Equal(p.words, victim.words) {
				return
			}
		}
	}
	check(fmt.Errorf("process %d was killed and did not come back within 20 s", victim.pid))
}
