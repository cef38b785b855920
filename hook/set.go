package hook

import (
	"context"
	"net/http"
	"sync"

	"tend"
	"tend/task"
)

// Target is a hook of a service.
type Target struct {
	Service tend.Service // its definition
	Hook    string       // a command or an address
	Cursors string       // the file of the service's cursors
}

func (t Target) key() string { return t.Service.Name + "\x00" + t.Hook }

// Host is what a Set needs of the supervisor.
type Host struct {
	Name    string                                                                               // of the host
	Entries func(ctx context.Context, service string, after int64) ([]tend.Entry, error)         // of the history, in order
	Run     func(ctx context.Context, t Target, env []string, stdin []byte) (task.Result, error) // runs the command
	Trouble func(service, text string)                                                           // what is wrong; "": it is over
	Settled func()                                                                               // something that Busy told of is over
	Logf    func(format string, args ...any)
}

// Set is all hooks. It may be used by several goroutines; none of them is kept waiting.
type Set struct {
	host   Host
	client *http.Client
	ctx    context.Context
	cancel context.CancelFunc

	mu    sync.Mutex
	hooks map[string]*teller
	work  sync.WaitGroup
}

// New returns a Set without hooks.
func New(h Host) *Set {
	s := &Set{host: h, client: newClient(), hooks: map[string]*teller{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Want makes these all hooks. One that is new is told of what comes after the event that last returns; one that a
// predecessor had goes on where that ended.
func (s *Set) Want(targets []Target, last func() (int64, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return nil
	}
	wanted := map[string]bool{}
	for _, t := range targets {
		wanted[t.key()] = true
		h := s.hooks[t.key()]
		if h != nil && !h.parts() {
			h.mu.Lock()
			h.target = t
			h.mu.Unlock()
			continue
		}
		at, known := readCursors(t.Cursors)[t.Hook]
		if h != nil { // of a service of the same name that was removed just now
			h.cancel()
			at, known = h.cursor, true
		}
		if !known {
			var err error
			if at, err = last(); err != nil {
				return err
			}
		}
		h = &teller{set: s, target: t, cursor: at, news: make(chan struct{}, 1), parted: make(chan struct{})}
		h.ctx, h.cancel = context.WithCancel(s.ctx)
		s.hooks[t.key()] = h
		if !known {
			s.save(h)
		}
		s.tell(h)
	}
	for key, h := range s.hooks {
		if !wanted[key] && !h.parts() {
			s.forget(h)
		}
	}
	return nil
}

// Part says that the service is no more: its hooks are told of what is in the history by now, and are no hooks then. One that
// fails is one no more at once, since there is nobody left to be told of that.
func (s *Set) Part(service string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hooks {
		if h.name() == service && !h.parts() {
			close(h.parted)
			s.tell(h)
		}
	}
}

// forget makes it a hook no more, unless another one is that already. The lock is held.
func (s *Set) forget(h *teller) {
	h.cancel()
	if key := h.current().key(); s.hooks[key] == h {
		delete(s.hooks, key)
		s.save(h)
	}
}

// Tell says that there is something new in the history of the service.
func (s *Set) Tell(service string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hooks {
		if h.name() == service {
			s.tell(h)
		}
	}
}

// tell has the hook look into the history.
func (s *Set) tell(h *teller) {
	select {
	case h.news <- struct{}{}:
	default:
	}
	if !h.running && s.ctx.Err() == nil {
		h.running = true
		s.work.Go(h.run)
	}
}

// Busy reports whether something is being told just now; what waits to be told again later is not.
func (s *Set) Busy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.hooks {
		if h.running && (!h.pausing || h.parts()) {
			return true
		}
	}
	return false
}

// Close ends all of it at once: the next supervisor goes on.
func (s *Set) Close() {
	s.mu.Lock()
	s.cancel()
	s.mu.Unlock()
	s.work.Wait()
}

// note writes down what the hook was told, unless it is one no more: then there is nothing left of it to be written to.
func (s *Set) note(h *teller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hooks[h.current().key()] == h {
		s.save(h)
	}
}

// save writes down what the hooks of one service were told. The lock is held.
func (s *Set) save(changed *teller) {
	c := cursors{}
	for _, h := range s.hooks {
		if h.name() == changed.name() {
			c[h.target.Hook] = h.cursor
		}
	}
	if err := c.write(changed.target.Cursors); err != nil {
		s.host.Logf("%s: %v", changed.name(), err)
	}
}
