package forward

import (
	"io"
	"os"
	"sync"
	"time"
)

// A guard keeps its forwarder from waiting for a sink that does not take, when there are orders to be heard.
type guard struct {
	patience time.Duration // how long a write may wait; the forwarder's

	mu      sync.Mutex
	called  bool
	waiting interface{ SetWriteDeadline(time.Time) error } // for this, nil if it does not wait
}

type writer interface {
	io.Writer
	SetWriteDeadline(time.Time) error
}

// write writes until everything is written, or the time is over, or there are orders: os.ErrDeadlineExceeded.
func (g *guard) write(w writer, text []byte) (int, error) {
	g.mu.Lock()
	if g.called {
		g.mu.Unlock()
		return 0, os.ErrDeadlineExceeded
	}
	err := w.SetWriteDeadline(time.Now().Add(g.patience))
	g.waiting = w
	g.mu.Unlock()
	n := 0
	if err == nil {
		n, err = w.Write(text)
	}
	g.mu.Lock()
	g.waiting = nil
	g.mu.Unlock()
	return n, err
}

// call ends a write that waits, and has no other begin until heard.
func (g *guard) call() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.called = true
	if g.waiting != nil {
		_ = g.waiting.SetWriteDeadline(time.Unix(1, 0))
	}
}

func (g *guard) heard() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.called = false
}
