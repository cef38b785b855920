package watch

import (
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"tend/keeper"
)

// Host is what a Set needs of the supervisor. Changed and Trouble are called by the goroutine of the Set, one at a time.
type Host struct {
	Notices keeper.Notices
	Changed func(service, what string, at time.Time) // what has changed, in words, and when that was
	Trouble func(service, text string)               // what is wrong; "": it is over
}

// Set is all that is watched. It may be used by several goroutines; none of them is kept waiting.
type Set struct {
	host Host

	mu      sync.Mutex // guards what follows
	wanted  map[string]Target
	ready   chan struct{} // has a token when wanted has changed
	done    chan struct{} // closed by Close
	running chan struct{} // closed when the goroutine has ended; nil: there is none
	closed  bool

	// Owned by the goroutine.
	services map[string]*watched
	ids      map[string]int          // of directories, by path
	paths    map[int]map[string]bool // several may lead to one
}

// New returns a Set that watches nothing yet.
func New(h Host) *Set {
	return &Set{host: h, ready: make(chan struct{}, 1), done: make(chan struct{}),
		services: map[string]*watched{}, ids: map[string]int{}, paths: map[int]map[string]bool{}}
}

// Want makes these all that is watched.
func (s *Set) Want(targets []Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.running == nil && len(targets) == 0 {
		return
	}
	s.wanted = map[string]Target{}
	for _, t := range targets {
		s.wanted[t.Service] = t
	}
	if s.running == nil {
		s.running = make(chan struct{})
		go s.run(s.running)
		return
	}
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// Close ends the watching; the next supervisor goes on with it.
func (s *Set) Close() {
	s.mu.Lock()
	running, first := s.running, !s.closed
	s.closed = true
	s.mu.Unlock()
	if first {
		close(s.done)
	}
	if running != nil {
		<-running
	}
}

// run watches until there is nothing to watch.
func (s *Set) run(ended chan<- struct{}) {
	defer close(ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if s.take() {
			return
		}
		s.work(time.Now())
		if next := s.next(); next.IsZero() {
			timer.Stop()
		} else {
			timer.Reset(max(0, time.Until(next)))
		}
		select {
		case <-s.done:
			return
		case <-s.ready:
		case <-s.host.Notices.Directories():
			s.hear()
		case <-timer.C:
		}
	}
}

// take takes in what is wanted, and reports whether that is nothing: then the goroutine ends.
func (s *Set) take() (ends bool) {
	s.mu.Lock()
	wanted := s.wanted
	if ends = len(wanted) == 0; ends {
		defer s.mu.Unlock() // so long there is no other
		s.running = nil
	} else {
		s.mu.Unlock()
	}
	for name, w := range s.services {
		t, ok := wanted[name]
		if ok && w.same(t) {
			w.Since = t.Since
			continue
		}
		delete(s.services, name)
		for dir := range w.folders {
			s.leave(dir)
		}
	}
	for name, t := range wanted {
		if s.services[name] == nil {
			w := newWatched(t)
			s.services[name] = w
			s.look(w, true)
		}
	}
	return ends
}

// look covers the target, and tells if there is trouble, or none any more.
func (s *Set) look(w *watched, fresh bool) {
	before := w.trouble
	s.cover(w, fresh)
	if w.trouble != before {
		s.host.Trouble(w.Service, w.trouble)
	}
}

// work does what is due.
func (s *Set) work(now time.Time) {
	for _, w := range s.services {
		due := w.burst.due()
		over := !due.IsZero() && !now.Before(due)
		if w.stale && (due.IsZero() || over) || !w.retryAt.IsZero() && !now.Before(w.retryAt) {
			s.look(w, false)
			if due = w.burst.due(); due.After(now) { // what it found
				continue
			}
		}
		if over {
			if len(w.burst.files) > 0 {
				s.host.Changed(w.Service, w.words(), w.burst.at)
			}
			w.burst = burst{}
		}
	}
}

// next is when something is due; zero: never.
func (s *Set) next() (next time.Time) {
	for _, w := range s.services {
		for _, t := range []time.Time{w.burst.due(), w.retryAt} {
			if !t.IsZero() && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
	}
	return next
}

// hear takes in what has happened in directories.
func (s *Set) hear() {
	all, lost := s.host.Notices.Happened()
	now := time.Now()
	for _, h := range all {
		for dir := range s.paths[h.Directory] {
			for _, w := range s.services {
				if w.folders[dir] {
					w.happened(dir, h, now)
				}
			}
			if h.Name == "" {
				s.forgetPath(dir)
			}
		}
	}
	if !lost {
		return
	}
	for _, w := range s.services {
		s.look(w, true)
	}
}

// happened takes in what has happened in a directory that is watched for the target.
func (w *watched) happened(dir string, h keeper.Happening, now time.Time) {
	if h.Name == "" {
		delete(w.folders, dir)
		w.stale = true
		w.burst.wait(now)
		return
	}
	file := filepath.Join(dir, h.Name)
	means, enters := w.means(file), w.enters(file)
	switch {
	case !means && !enters:
	case h.Gone && w.folders[file]:
		w.stale = true
		w.burst.add(file, now, now)
	case h.Gone && means:
		w.burst.add(file, now, now)
	case !h.Gone:
		info, err := os.Lstat(file)
		if err != nil {
			return // what comes next tells of it
		}
		switch {
		case info.IsDir():
			if enters {
				w.stale = true
				w.burst.wait(now)
			}
		case means && (!h.Made || info.Mode()&os.ModeSymlink != 0 || linked(info)):
			w.burst.add(file, changeTime(info, now), now)
		}
	}
}

// wait lets a moment go by before the directories are looked at again: where one comes, more follow.
func (b *burst) wait(now time.Time) {
	if b.began.IsZero() {
		b.began = now
	}
	b.last = now
}

// linked reports whether the file has other names: it is whole as soon as it has this one.
func linked(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink > 1
}
