package forward

import (
	"errors"
	"sync"

	"tend"
	"tend/process"
)

// exits tells forwarders of the ends of their commands. It has a watcher of its own, which there is only if there are
// commands.
type exits struct {
	mu      sync.Mutex
	watcher *process.Watcher // nil: there never was a command
	waiting map[tend.Identity]*forwarder
}

// watch has the forwarder told of the end of its command.
func (e *exits) watch(child process.Child, f *forwarder) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.watcher == nil {
		watcher, err := process.NewWatcher()
		if err != nil {
			return // it is looked at from time to time
		}
		e.watcher, e.waiting = watcher, map[tend.Identity]*forwarder{}
		go e.listen(watcher)
	}
	e.waiting[child.Identity] = f
	switch err := e.watcher.Add(child.Identity, child.PIDFD); {
	case errors.Is(err, process.ErrGone):
		go e.tell(process.Gone{Identity: child.Identity})
	case err != nil:
		delete(e.waiting, child.Identity)
		return
	}
	f.command.watched = true
}

func (e *exits) listen(w *process.Watcher) {
	for g := range w.Exits() {
		e.tell(g)
	}
}

func (e *exits) tell(g process.Gone) {
	e.mu.Lock()
	f := e.waiting[g.Identity]
	delete(e.waiting, g.Identity)
	e.mu.Unlock()
	if f != nil {
		f.order(func(o *orders) { o.gone = append(o.gone, g) })
	}
}

func (e *exits) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.watcher != nil {
		e.watcher.Close()
	}
}
