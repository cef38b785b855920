package process

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"

	"tend"
)

// Ends tells of the ends of processes that are our own children, each to whoever asked. It has a watcher of its own, which
// there is only once somebody has asked. The zero value is ready to be used.
type Ends struct {
	mu      sync.Mutex
	watcher *Watcher // nil: nobody has asked
	waiting map[tend.Identity]func(Gone)
}

// Watch has the end of the child told, from another goroutine. It takes the child's pidfd. It is false where the end cannot
// be waited for: then it is to be looked at from time to time.
func (e *Ends) Watch(child Child, told func(Gone)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.watcher == nil {
		watcher, err := NewWatcher()
		if err != nil {
			if child.PIDFD >= 0 {
				unix.Close(child.PIDFD)
			}
			return false
		}
		e.watcher, e.waiting = watcher, map[tend.Identity]func(Gone){}
		go e.listen(watcher)
	}
	e.waiting[child.Identity] = told
	switch err := e.watcher.Add(child.Identity, child.PIDFD); {
	case errors.Is(err, ErrGone):
		go e.tell(Gone{Identity: child.Identity})
	case err != nil:
		delete(e.waiting, child.Identity)
		return false
	}
	return true
}

func (e *Ends) listen(w *Watcher) {
	for g := range w.Exits() {
		e.tell(g)
	}
}

func (e *Ends) tell(g Gone) {
	e.mu.Lock()
	told := e.waiting[g.Identity]
	delete(e.waiting, g.Identity)
	e.mu.Unlock()
	if told != nil {
		told(g)
	}
}

// Close has nothing told any more.
func (e *Ends) Close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.watcher != nil {
		e.watcher.Close()
	}
}

// SignalDescendants sends the signal, named without SIG, to a process and to what descends from it.
func SignalDescendants(id tend.Identity, signal string) {
	below := Descendants(id)
	_ = Signal(id, signal)
	for _, member := range below {
		_ = Signal(member, signal)
	}
}
