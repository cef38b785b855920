package supervisor

import "sync"

// turns lets one at a time work at the files of a log: the minder, who rotates it, and whoever readies it for a run. A file
// that was opened for a run must not be taken away before its process has it.
type turns struct {
	mu    sync.Mutex
	freed *sync.Cond
	taken map[string]bool // by path
	over  bool
}

func newTurns() *turns {
	t := &turns{taken: map[string]bool{}}
	t.freed = sync.NewCond(&t.mu)
	return t
}

// take waits for the turn at a log. It is false when there are none any more.
func (t *turns) take(path string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.taken[path] && !t.over {
		t.freed.Wait()
	}
	if t.over {
		return false
	}
	t.taken[path] = true
	return true
}

func (t *turns) give(path string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.taken, path)
	t.freed.Broadcast()
}

// end gives no turn any more. When it returns, nobody has one: the files are the next supervisor's.
func (t *turns) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	t.freed.Broadcast()
	for len(t.taken) > 0 {
		t.freed.Wait()
	}
}
