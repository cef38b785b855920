package keeper

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/fsnotify/fsnotify"
)

// Notices tell that something has happened in a runtime directory, each by one token, however often it was.
type Notices struct {
	Journal <-chan struct{} // the exit journal may have been written to
	Gone    <-chan struct{} // a file that everybody goes by may have been removed, or the directory itself
}

// Watch gives notice of what happens in the runtime directory until ctx is done. It fails where the kernel gives none
// (inotify(7): each user has a limited number of instances). When the directory has been removed there is no more.
func Watch(ctx context.Context, dir string) (Notices, error) {
	changes, err := fsnotify.NewWatcher()
	if err == nil {
		err = changes.Add(dir)
	}
	if err != nil {
		if changes != nil {
			changes.Close()
		}
		return Notices{}, fmt.Errorf("watching the runtime directory: %w", err)
	}
	journal, gone := make(chan struct{}, 1), make(chan struct{}, 1)
	names := []string{filepath.Base(dir), filepath.Base(Socket(dir)), filepath.Base(LockFile(dir)), filepath.Base(keepersLock(dir)),
		filepath.Base(TendLog(dir))}
	go func() {
		defer changes.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case event := <-changes.Events:
				switch name := filepath.Base(event.Name); {
				case name == filepath.Base(JournalFile(dir)):
					give(journal)
				case event.Op&(fsnotify.Remove|fsnotify.Rename) != 0 && slices.Contains(names, name):
					give(gone)
				}
			case <-changes.Errors: // events were lost: look
				give(journal)
				give(gone)
			}
		}
	}()
	return Notices{journal, gone}, nil
}

func give(tokens chan<- struct{}) {
	select {
	case tokens <- struct{}{}:
	default: // there is one
	}
}
