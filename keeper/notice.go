package keeper

import (
	"errors"
	"path/filepath"
	"sync"
)

// Notices tell that something has happened in a runtime directory, each by one token, however often it was. By the same
// means they tell of other files and directories: see WatchFile and WatchDirectory.
type Notices struct {
	Journal <-chan struct{} // the exit journal may have been written to
	Gone    <-chan struct{} // a file that everybody goes by may have been removed, or the directory itself
	Files   <-chan struct{} // Changed has something to say

	again   func() error
	stop    func()
	watch   func(path string) (id int, err error)
	forget  func(id int)
	changed *changed

	enter    func(path string) (id int, err error)
	leave    func(id int)
	happened *happenings
}

// ErrNoNotice says that nothing tells of changes of a file here.
var ErrNoNotice = errors.New("nothing tells of changes of files here")

// WatchFile has Changed tell, once, that the file at the path was written to, or was removed or renamed. The same file
// has the same id, whatever path leads to it. It fails where the kernel watches no more files for this user.
func (n Notices) WatchFile(path string) (id int, err error) {
	if n.watch == nil {
		return 0, ErrNoNotice
	}
	return n.watch(path)
}

// ForgetFile ends the watching of a file of which nothing was told yet.
func (n Notices) ForgetFile(id int) {
	if n.forget != nil {
		n.forget(id)
	}
}

// Changed returns the files that have changed since it was last called; others may be among them, which a predecessor has
// watched. If some have been lost, all may have changed.
func (n Notices) Changed() (ids []int, lost bool) {
	if n.changed == nil {
		return nil, false
	}
	return n.changed.take()
}

// Again watches the directory that is at the path now, where the one that was watched has been removed.
func (n Notices) Again() error {
	if n.again == nil {
		return nil
	}
	return n.again()
}

// Stop ends the watching. When it returns, what happens from then on is left for the next supervisor to be told.
func (n Notices) Stop() {
	if n.stop != nil {
		n.stop()
	}
}

// teller gives the tokens.
type teller struct {
	dir           string
	journal, gone chan struct{}
	files         *changed
	happened      *happenings
}

func newTeller(dir string) teller {
	return teller{dir, make(chan struct{}, 1), make(chan struct{}, 1), &changed{ready: make(chan struct{}, 1)}, newHappenings()}
}

// changed are the files that have changed and were not told of yet.
type changed struct {
	mu    sync.Mutex
	ids   []int
	lost  bool
	ready chan struct{}
}

func (c *changed) take() (ids []int, lost bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids, lost = c.ids, c.lost
	c.ids, c.lost = nil, false
	return ids, lost
}

func (c *changed) tell(lost bool, ids ...int) {
	c.mu.Lock()
	c.ids, c.lost = append(c.ids, ids...), c.lost || lost
	c.mu.Unlock()
	give(c.ready)
}

// tell says that something has happened to what has that name in the directory, "" for the directory itself.
func (t teller) tell(name string, removed bool) {
	switch name {
	case filepath.Base(JournalFile(t.dir)):
		give(t.journal)
	case "", filepath.Base(Socket(t.dir)), filepath.Base(LockFile(t.dir)), filepath.Base(keepersLock(t.dir)), filepath.Base(TendLog(t.dir)), filepath.Base(NotifyDirectory(t.dir)):
		if removed {
			give(t.gone)
		}
	}
}

// lost says that something has happened, and nobody knows what.
func (t teller) lost() {
	give(t.journal)
	give(t.gone)
	t.files.tell(true)
	t.happened.overflow()
}

func give(tokens chan<- struct{}) {
	select {
	case tokens <- struct{}{}:
	default: // there is one
	}
}
