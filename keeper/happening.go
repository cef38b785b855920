package keeper

import "sync"

// Happening is something that has happened in a directory that is watched.
type Happening struct {
	Directory int    // its id
	Name      string // of what it happened to; "" is the directory itself, which was removed or has moved
	Made      bool   // it is there since just now: a directory, a link, or a file whose writing is told of when it is done
	Gone      bool   // it is not there any more
}

// mostHappenings is how many wait to be taken. If there are more, they are not worth telling one by one.
const mostHappenings = 4096

// happenings are what has happened in directories and was not told of yet.
type happenings struct {
	mu      sync.Mutex
	watched map[int]bool // by id
	waiting []Happening
	lost    bool
	ready   chan struct{}
}

func newHappenings() *happenings {
	return &happenings{watched: map[int]bool{}, ready: make(chan struct{}, 1)}
}

// WatchDirectory has Happened tell what happens in the directory: what is written and closed there, removed, or moved in or
// out. The same directory has the same id, whatever path leads to it. It fails where the kernel watches no more for this user.
func (n Notices) WatchDirectory(path string) (id int, err error) {
	if n.enter == nil {
		return 0, ErrNoNotice
	}
	n.happened.mu.Lock()
	defer n.happened.mu.Unlock() // nothing of it is told before it is known
	if id, err = n.enter(path); err == nil {
		n.happened.watched[id] = true
	}
	return id, err
}

// ForgetDirectory ends the watching of a directory.
func (n Notices) ForgetDirectory(id int) {
	if n.enter == nil {
		return
	}
	n.happened.mu.Lock()
	defer n.happened.mu.Unlock()
	if n.happened.watched[id] {
		delete(n.happened.watched, id)
		n.leave(id)
	}
}

// Happened returns what has happened since it was last called. If some of it was lost, anything may have happened.
func (n Notices) Happened() (all []Happening, lost bool) {
	if n.happened == nil {
		return nil, false
	}
	h := n.happened
	h.mu.Lock()
	defer h.mu.Unlock()
	all, lost = h.waiting, h.lost
	h.waiting, h.lost = nil, false
	return all, lost
}

// Directories gives a token when Happened has something to say.
func (n Notices) Directories() <-chan struct{} {
	if n.happened == nil {
		return nil
	}
	return n.happened.ready
}

// knows reports whether the directory is watched.
func (h *happenings) knows(id int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.watched[id]
}

// tell takes in what has happened; ended: the directory is not watched any more, since it is gone.
func (h *happenings) tell(what Happening, ended bool) {
	h.mu.Lock()
	if ended {
		delete(h.watched, what.Directory)
	}
	if len(h.waiting) < mostHappenings {
		h.waiting = append(h.waiting, what)
	} else {
		h.lost = true
	}
	h.mu.Unlock()
	give(h.ready)
}

// unless does something about a directory that is not watched.
func (h *happenings) unless(watched int, do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.watched[watched] {
		do()
	}
}

func (h *happenings) overflow() {
	h.mu.Lock()
	h.lost = true
	watching := len(h.watched) > 0
	h.mu.Unlock()
	if watching {
		give(h.ready)
	}
}
