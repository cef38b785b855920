//go:build !linux

package keeper

import (
	"fmt"
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// folders are the directories that are watched. Here they have no ids of their own.
type folders struct {
	teller
	changes *fsnotify.Watcher

	mu    sync.Mutex
	ids   map[string]int
	paths map[int]string
}

func (f *folders) enter(path string) (int, error) {
	if err := f.changes.Add(path); err != nil {
		return 0, fmt.Errorf("watching %q: %w", path, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	id, known := f.ids[path]
	if !known {
		id = len(f.paths) + 1
		f.ids[path], f.paths[id] = id, path
	}
	return id, nil
}

func (f *folders) leave(id int) {
	f.mu.Lock()
	path := f.paths[id]
	f.mu.Unlock()
	if path != f.dir {
		_ = f.changes.Remove(path)
	}
}

// directory takes in news of a directory that is watched, and reports whether it was such.
func (f *folders) directory(event fsnotify.Event) bool {
	if event.Op == fsnotify.Chmod {
		return true
	}
	f.mu.Lock()
	self, isSelf := f.ids[event.Name]
	id, inside := f.ids[filepath.Dir(event.Name)]
	f.mu.Unlock()
	gone := event.Op&(fsnotify.Remove|fsnotify.Rename) != 0
	if isSelf && gone && f.happened.knows(self) {
		f.happened.tell(Happening{Directory: self, Gone: true}, true)
	}
	if !inside || !f.happened.knows(id) {
		return false
	}
	f.happened.tell(Happening{Directory: id, Name: filepath.Base(event.Name), Gone: gone}, false)
	return filepath.Dir(event.Name) != f.dir
}
