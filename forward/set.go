package forward

import (
	"slices"
	"sync"
	"time"
)

// Set is all that is forwarded. It may be used by several goroutines; none of them is kept waiting.
type Set struct {
	common *common

	mu      sync.Mutex
	logs    map[string]*forwarded // by the file of the cursor
	sent    map[string]bool       // their files
	halted  bool
	dropped []*dropped // not wanted any more, and not through when it was last looked
}

// forwarded is one log that is sent.
type forwarded struct {
	target Target
	at     *forwarder
	rests  bool // it was told to finish
}

// dropped is a forwarder that sends what is left.
type dropped struct {
	cursor string
	at     *forwarder
	told   bool // somebody waits for its end
}

func (f *forwarder) ended() bool {
	select {
	case <-f.done:
		return true
	default:
		return false
	}
}

func (f *forwarder) tellEnd(told func()) {
	<-f.done
	told()
}

// New returns a Set that sends nothing yet.
func New(h Host) *Set {
	return &Set{common: &common{Host: h}, logs: map[string]*forwarded{}}
}

// Want makes these all that is sent. What is not among them any more is sent as far as possible, and then forgotten.
func (s *Set) Want(targets []Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped = slices.DeleteFunc(s.dropped, func(d *dropped) bool { return d.at.ended() })
	wanted := map[string]bool{}
	s.sent = map[string]bool{}
	for _, t := range targets {
		wanted[t.Cursor], s.sent[t.Log] = true, true
		l := s.logs[t.Cursor]
		switch {
		case s.halted:
		case l == nil:
			l = &forwarded{target: t}
			s.logs[t.Cursor] = l
			s.start(l, s.before(t.Cursor))
		case !l.target.same(t):
			l.target = t
			if !l.at.order(func(o *orders) { o.target, o.goOn, o.finish = &t, true, false }) {
				s.start(l, l.at.done)
			}
			l.rests = false
		}
	}
	for cursor, l := range s.logs {
		if wanted[cursor] {
			continue
		}
		delete(s.logs, cursor)
		if !l.at.order(func(o *orders) { o.finish, o.goOn, o.forget = true, false, true }) {
			forget(l.target)
		}
		s.dropped = append(s.dropped, &dropped{cursor: cursor, at: l.at})
	}
}

// before is closed when nobody sends the log any more; nil if nobody does.
func (s *Set) before(cursor string) <-chan struct{} {
	var last <-chan struct{}
	for _, d := range s.dropped {
		if d.cursor == cursor {
			last = d.at.done
		}
	}
	return last
}

func (s *Set) start(l *forwarded, before <-chan struct{}) {
	l.at, l.rests = newForwarder(s.common, l.target), false
	go l.at.run(before)
}

// Begin has the sending of a log begin at its present end, if it has not begun. It must be called before anything is
// written that is to be sent.
func (s *Set) Begin(t Target) error {
	s.common.beginning.Lock()
	defer s.common.beginning.Unlock()
	_, err := begin(t)
	return err
}

// Forget has the sending of a log begin anew, should it be asked for again.
func (s *Set) Forget(t Target) { forget(t) }

// Sends reports whether the log is sent anywhere.
func (s *Set) Sends(log string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent[log]
}

// Grown says that something was written to the log.
func (s *Set) Grown(log string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.sent[log] {
		return
	}
	for _, l := range s.logs {
		switch {
		case l.target.Log != log || s.halted:
		case !l.rests:
			l.at.tell()
		case l.at.order(func(o *orders) { o.goOn, o.finish = true, false }):
			l.rests = false
		default:
			s.start(l, l.at.done)
		}
	}
}

// Rest has everything sent that can be, and all commands end. It reports whether that is done; otherwise it calls back when
// it may be. What grows goes on being sent.
func (s *Set) Rest(again func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := true
	for _, l := range s.logs {
		if !l.rests {
			l.rests = true
			l.at.order(func(o *orders) { o.finish, o.goOn = true, false })
			go l.at.tellEnd(again)
		}
		rest = rest && l.at.ended()
	}
	for _, d := range s.dropped {
		if !d.told {
			d.told = true
			go d.at.tellEnd(again)
		}
		rest = rest && d.at.ended()
	}
	return rest
}

// haltTime is how long writing down what was sent may take.
const haltTime = 100 * time.Millisecond

// Halt ends everything at once: the next supervisor goes on.
func (s *Set) Halt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halted = true
	enough := time.After(haltTime)
	for _, f := range s.all() {
		f.order(func(o *orders) { o.halt = true })
	}
	for _, f := range s.all() {
		select {
		case <-f.done:
		case <-enough:
			return
		}
	}
	s.common.ends.Close()
}

func (s *Set) all() []*forwarder {
	var all []*forwarder
	for _, d := range s.dropped {
		all = append(all, d.at)
	}
	for _, l := range s.logs {
		all = append(all, l.at)
	}
	return all
}
