package watch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tend/keeper"
)

// retryWatch is the pause before what the host did not allow is tried again: nothing tells when it does.
const retryWatch = time.Minute

// cover watches every directory in which there may be files of the target, and none that it need not. Each is watched before
// it is read, so that nothing is missed. fresh: it is the first time, and what was written since Since is news; later, what is
// in a directory that was not there before is.
func (s *Set) cover(w *watched, fresh bool) {
	c := &covering{Set: s, watched: w, before: w.folders, fresh: fresh, seen: map[string]bool{}}
	w.folders, w.stale, w.trouble, w.retryAt = map[string]bool{}, false, "", time.Time{}
	for _, g := range w.globs {
		base := g.Base()
		if c.enter(base) {
			// One above it may be moved away, down to the directory of the service, with which nobody does that.
			for below(base, w.Directory) {
				base = filepath.Dir(base)
				c.watchFolder(base)
			}
			continue
		}
		for base != "/" { // it is not there: whoever makes it does so here, or above
			if base = filepath.Dir(base); c.watchFolder(base) {
				break
			}
		}
	}
	for path := range c.before {
		if !w.folders[path] {
			s.leave(path)
		}
	}
}

func below(path, dir string) bool { return strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/") }

// covering is a look at all directories of a target.
type covering struct {
	*Set
	*watched
	before map[string]bool // what was watched
	fresh  bool
	seen   map[string]bool
}

// enter watches a directory and those below it. It reports whether it is there.
func (c *covering) enter(dir string) bool {
	if c.seen[dir] {
		return true
	}
	select {
	case <-c.done: // a tree may be large, and the next supervisor waits
		return false
	default:
	}
	if !c.watchFolder(dir) {
		return false
	}
	c.seen[dir] = true
	entries, _ := os.ReadDir(dir) // what cannot be read is not watched
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch {
		case entry.IsDir():
			if c.enters(path) {
				c.enter(path)
			}
		case (c.fresh || !c.before[dir]) && c.means(path):
			c.found(path)
		}
	}
	return true
}

// found takes in a file that is there.
func (c *covering) found(path string) {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return
	}
	now := time.Now()
	at := info.ModTime()
	if !c.fresh {
		at = changeTime(info, now)
	} else if !at.After(c.Since) || at.After(now) {
		return
	}
	c.burst.add(path, at, now)
}

// watchFolder has the kernel watch the directory that is now at that path.
func (c *covering) watchFolder(dir string) bool {
	id, err := c.host.Notices.WatchDirectory(dir)
	if known, was := c.ids[dir]; was && (err != nil || known != id) {
		c.forgetPath(dir)
	}
	switch {
	case err == nil:
		c.learn(dir, id)
		c.folders[dir] = true
		return true
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrPermission):
		return false
	case errors.Is(err, keeper.ErrNoNotice):
		c.trouble = "its files are not watched: " + err.Error()
	case errors.Is(err, syscall.ENOSPC):
		c.trouble = "its files are watched only in part: the host allows no more (sysctl fs.inotify.max_user_watches)"
	default:
		c.trouble = "its files are watched only in part: " + err.Error()
	}
	c.retryAt = time.Now().Add(retryWatch)
	return false
}

// leave ends the watching of a directory that nobody wants watched any more.
func (s *Set) leave(dir string) {
	for _, w := range s.services {
		if w.folders[dir] {
			return
		}
	}
	s.forgetPath(dir)
}

func (s *Set) learn(dir string, id int) {
	s.ids[dir] = id
	if s.paths[id] == nil {
		s.paths[id] = map[string]bool{}
	}
	s.paths[id][dir] = true
}

// forgetPath forgets a path, and the directory with the last path that leads to it.
func (s *Set) forgetPath(dir string) {
	id, known := s.ids[dir]
	if !known {
		return
	}
	delete(s.ids, dir)
	delete(s.paths[id], dir)
	if len(s.paths[id]) == 0 {
		delete(s.paths, id)
		s.host.Notices.ForgetDirectory(id)
	}
}
