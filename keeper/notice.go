package keeper

import "path/filepath"

// Notices tell that something has happened in a runtime directory, each by one token, however often it was.
type Notices struct {
	Journal <-chan struct{} // the exit journal may have been written to
	Gone    <-chan struct{} // a file that everybody goes by may have been removed, or the directory itself

	again func() error
	stop  func()
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
}

func newTeller(dir string) teller {
	return teller{dir, make(chan struct{}, 1), make(chan struct{}, 1)}
}

// tell says that something has happened to what has that name in the directory, "" for the directory itself.
func (t teller) tell(name string, removed bool) {
	switch name {
	case filepath.Base(JournalFile(t.dir)):
		give(t.journal)
	case "", filepath.Base(Socket(t.dir)), filepath.Base(LockFile(t.dir)), filepath.Base(keepersLock(t.dir)), filepath.Base(TendLog(t.dir)):
		if removed {
			give(t.gone)
		}
	}
}

// lost says that something has happened, and nobody knows what.
func (t teller) lost() {
	give(t.journal)
	give(t.gone)
}

func give(tokens chan<- struct{}) {
	select {
	case tokens <- struct{}{}:
	default: // there is one
	}
}
