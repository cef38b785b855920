package task

import (
	"slices"
	"sync"
	"time"

	"tend"
	"tend/process"
)

// sweeper ends what is left of commands. It is one goroutine that is there while there is something to be ended; each of
// its looks at all processes serves everybody who waits.
type sweeper struct {
	logf func(format string, args ...any)

	mu      sync.Mutex // guards what follows
	waiting []*swept
	works   bool
	halted  bool
}

// swept is a command of which nothing is to be left.
type swept struct {
	id    string
	main  tend.Identity // zero: not known
	until time.Time     // after that nobody can end it
	again time.Time     // it is looked for until then at least
	done  chan struct{} // closed when it is over
}

const (
	sweepPause = 5 * time.Millisecond // between two looks at first; each is twice as long as the one before
	sweepMost  = 200 * time.Millisecond
	sweepTime  = 5 * time.Second
)

// end kills what bears the id. With linger it is looked for that long also when nothing is found.
func (s *sweeper) end(id string, main tend.Identity, linger time.Duration) <-chan struct{} {
	now := time.Now()
	w := &swept{id: id, main: main, until: now.Add(sweepTime), again: now.Add(linger), done: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.halted {
		close(w.done)
		return w.done
	}
	s.waiting = append(s.waiting, w)
	if !s.works {
		s.works = true
		go s.work()
	}
	return w.done
}

// halt has nothing looked for any more.
func (s *sweeper) halt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halted = true
}

func (s *sweeper) work() {
	for pause := sweepPause; ; pause = min(2*pause, sweepMost) {
		s.mu.Lock()
		if len(s.waiting) == 0 || s.halted {
			for _, w := range s.waiting {
				close(w.done)
			}
			s.waiting, s.works = nil, false
			s.mu.Unlock()
			return
		}
		all := slices.Clone(s.waiting)
		s.mu.Unlock()
		if s.look(all) {
			pause = sweepPause
			continue
		}
		time.Sleep(pause) // nothing tells of the end of what is nobody's child
	}
}

// look kills what it finds, and reports whether all of it is over.
func (s *sweeper) look(all []*swept) (over bool) {
	snapshot, err := process.Scan()
	now := time.Now()
	over = true
	for _, w := range all {
		left := 0
		if err == nil {
			living, _ := snapshot.Tree(w.main, w.id)
			for _, member := range living {
				_ = process.Signal(member, "KILL")
			}
			left = len(living)
		}
		switch {
		case (left > 0 || err != nil || now.Before(w.again)) && now.Before(w.until):
			over = false
			continue
		case left > 0:
			s.logf("a command that was to be ended cannot be: %d of its processes are left", left)
		}
		s.forget(w)
	}
	return over
}

func (s *sweeper) forget(w *swept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = slices.DeleteFunc(s.waiting, func(other *swept) bool { return other == w })
	close(w.done)
}
