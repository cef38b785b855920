//go:build !linux

package keeper

import (
	"fmt"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// newNoticeFD: what watches a directory cannot be handed on here.
func newNoticeFD() (int, error) { return -1, nil }

// Watch gives notice of what happens in the runtime directory until it is stopped.
func Watch(dir string) (Notices, error) {
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
	t, done, ended := newTeller(dir), make(chan struct{}), make(chan struct{})
	f := &folders{teller: t, changes: changes, ids: map[string]int{}, paths: map[int]string{}}
	go func() {
		defer close(ended)
		defer changes.Close()
		for {
			select {
			case <-done:
				return
			case event := <-changes.Events:
				if f.directory(event) {
					continue
				}
				name := filepath.Base(event.Name)
				if event.Name == dir {
					name = ""
				}
				t.tell(name, event.Op&(fsnotify.Remove|fsnotify.Rename) != 0)
			case <-changes.Errors: // events were lost
				t.lost()
			}
		}
	}()
	stop := func() {
		close(done)
		<-ended
	}
	return Notices{Journal: t.journal, Gone: t.gone, again: func() error { return changes.Add(dir) }, stop: stop,
		enter: f.enter, leave: f.leave, happened: t.happened}, nil
}
