package logs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/fsnotify/fsnotify"

	"tend"
)

// watchFile sees to it that the live file is watched. The watcher gives a watch up by itself when the file is renamed.
func (f *follower) watchFile() error {
	if f.view.live == f.file && f.watched != "" && slices.Contains(f.watcher.WatchList(), f.watched) {
		return nil
	}
	if f.watched != "" {
		f.unwatch(f.watched) // the name may be the same: that of a descriptor
	}
	f.file, f.watched = f.view.live, ""
	if f.file == nil {
		return nil
	}
	name := watchName(f.file)
	err := f.watcher.Add(name)
	switch {
	case errors.Is(err, fs.ErrNotExist): // and no way to watch what has no name: see watchName
		return nil
	case err != nil:
		return cannotWatch(f.path, err)
	}
	f.watched = name
	return nil
}

// watchName is the name under which an open file is watched. On Linux that is its descriptor, which leads to the very file
// even after it was renamed or removed; elsewhere the path has to do, and what is added to a renamed file is seen late.
func watchName(file *os.File) string {
	name := "/proc/self/fd/" + strconv.Itoa(int(file.Fd()))
	if _, err := os.Stat(name); err != nil {
		return file.Name()
	}
	return name
}

// watchDirectories watches every directory that leads to the path, as far as there are any that we may read. One would
// do, were there not a moment in which a directory that is just being removed can be watched and never says so. For the
// same reason it is done anew at every look: a directory that was made again is another one. It goes downwards: one that is
// not there yet is made under the eyes of a watch.
func (f *follower) watchDirectories() error {
	var directories []string
	for directory := filepath.Dir(f.path); ; directory = filepath.Dir(directory) {
		directories = append(directories, directory)
		if directory == filepath.Dir(directory) {
			break
		}
	}
	for _, directory := range slices.Backward(directories) {
		err := f.watcher.Add(directory)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
			return cannotWatch(f.path, err)
		}
	}
	return nil
}

// unwatchDirectories ends the watches of directories: every service's writing into them would wake us.
func (f *follower) unwatchDirectories() {
	for _, name := range f.watcher.WatchList() {
		if name != f.watched {
			f.unwatch(name)
		}
	}
}

// unwatch ends a watch. It may have ended by itself, which is as good.
func (f *follower) unwatch(name string) { _ = f.watcher.Remove(name) }

// watcher tells when files change. Its own Errors are for nobody but itself: what went wrong is in failed.
type watcher struct {
	*fsnotify.Watcher
	failed chan error // one that nobody has taken yet is enough
}

// gathered is how many events may wait for us without holding the watcher up.
const gathered = 64

// newWatcher returns a watcher. Somebody has to take its errors at any time: it holds a lock while it waits for that, which
// whoever adds a watch, or closes it, waits for.
func newWatcher() (*watcher, error) {
	inner, err := fsnotify.NewBufferedWatcher(gathered)
	if errors.Is(err, syscall.EMFILE) {
		return nil, tend.Errorf(tend.CodeFailed, "cannot follow: this host allows no more watchers (fs.inotify.max_user_instances): %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot follow: %w", err)
	}
	w := &watcher{inner, make(chan error, 1)}
	go func() {
		for err := range inner.Errors { // until it is closed
			select {
			case w.failed <- err:
			default:
			}
		}
	}()
	return w, nil
}

// harmless reports whether such an error only means that something may have happened: too much of it at once, or that a file
// was moved and removed before its watch could be ended.
func harmless(err error) bool {
	return errors.Is(err, fsnotify.ErrEventOverflow) || errors.Is(err, syscall.EINVAL)
}

func cannotWatch(path string, err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return tend.Errorf(tend.CodeFailed, "cannot follow %q: this host allows no more watches (fs.inotify.max_user_watches): %w", path, err)
	}
	return fmt.Errorf("cannot follow %q: %w", path, err)
}
