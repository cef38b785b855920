package logs

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/fsnotify/fsnotify"
)

// Changes sends whenever the file, or one beside it whose name begins with its name and a -, was written to: of a database
// that is also its write-ahead log. News that nobody has taken yet is not gathered. It ends with ctx.
//
// Like Follow it lives on what the kernel tells, and so learns nothing of what another host writes on a network file system.
func Changes(ctx context.Context, path string) (<-chan struct{}, error) {
	watcher, err := newWatcher()
	if err != nil {
		return nil, err
	}
	// The directory, since the write-ahead log comes and goes.
	if err := watcher.Add(filepath.Dir(path)); err != nil {
		watcher.Close()
		return nil, cannotWatch(path, err)
	}
	changed := make(chan struct{}, 1)
	go func() {
		defer watcher.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case event := <-watcher.Events:
				if !concerns(event, filepath.Base(path)) {
					continue
				}
			case <-watcher.failed: // events were lost: let somebody look
			}
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	}()
	return changed, nil
}

func concerns(event fsnotify.Event, name string) bool {
	base := filepath.Base(event.Name)
	return event.Op != fsnotify.Chmod && (base == name || strings.HasPrefix(base, name+"-"))
}
