package keeper

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
	"tend"
)

// errChainGone means that the keepers are gone, or that their child has left on purpose.
var errChainGone = errors.New("the keepers have left")

// Answers reports whether a supervisor accepts connections.
func Answers(ctx context.Context, dir string) bool {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", Socket(dir))
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// await waits until the supervisor of the living chain accepts connections. It returns errChainGone when the chain can start
// none any more, and an error that names the log when ctx is done.
func await(ctx context.Context, dir string) error {
	chain, err := findLock(keepersLock(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return errChainGone // or its keepers do not know yet that somebody has removed it
	}
	if err != nil {
		return err
	}
	gone, err := awaitOr(ctx, dir, chain)
	if gone != nil {
		gone.Close()
		return errChainGone
	}
	return err
}

// awaitOr waits until a supervisor accepts connections, or until nobody else has the lock: then it returns that, taken.
func awaitOr(ctx context.Context, dir string, l lock) (*lock, error) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	go WakeWhile(waiting, dir)
	changes, stop := socketChanges(dir)
	defer stop()
	free, err := whenFree(waiting, l)
	if err != nil {
		return nil, err
	}
	for !Answers(ctx, dir) {
		select {
		case <-ctx.Done():
			return nil, tooLate(ctx, dir)
		case l := <-free:
			return &l, nil
		case <-changes:
		}
	}
	return nil, nil
}

// socketChanges tells when something happens to the socket.
func socketChanges(dir string) (changes <-chan struct{}, stop func()) {
	out, done := make(chan struct{}, 1), make(chan struct{})
	tell := func() {
		select {
		case out <- struct{}{}:
		default: // told already
		}
	}
	watcher, err := fsnotify.NewWatcher()
	if err == nil {
		err = watcher.Add(dir)
	}
	if err == nil {
		go func() {
			for {
				select {
				case event := <-watcher.Events:
					if filepath.Base(event.Name) == filepath.Base(Socket(dir)) {
						tell()
					}
				case <-watcher.Errors: // events were lost
					tell()
				case <-done:
					watcher.Close()
					return
				}
			}
		}()
		return out, func() { close(done) }
	}
	if watcher != nil {
		watcher.Close()
	}
	// Each user has a limited number of inotify instances; see inotify(7). Without one, looking now and then is all that
	// is left, for as long as a supervisor takes to start.
	tick := time.NewTicker(20 * time.Millisecond)
	go func() {
		for {
			select {
			case <-tick.C:
				tell()
			case <-done:
				return
			}
		}
	}()
	return out, func() { tick.Stop(); close(done) }
}

func tooLate(ctx context.Context, dir string) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	e := tend.Errorf(tend.CodeBusy, "the supervisor does not answer: %w", ctx.Err())
	if said := lastLines(TendLog(dir), 0, 1); said != "" {
		e.Message += "; the last that was said in its log: " + said
	}
	return e.WithHint("try again, or look into %s", TendLog(dir))
}

// Gone sends once, when no keeper of the directory lives any more, or none does already.
func Gone(ctx context.Context, dir string) (<-chan struct{}, error) {
	gone := make(chan struct{}, 1)
	chain, err := findLock(keepersLock(dir))
	if errors.Is(err, fs.ErrNotExist) {
		gone <- struct{}{}
		return gone, nil
	}
	if err != nil {
		return nil, err
	}
	free, err := whenFree(ctx, chain)
	if err != nil {
		return nil, err
	}
	go func() {
		select {
		case l := <-free:
			l.Close()
			gone <- struct{}{}
		case <-ctx.Done():
		}
	}()
	return gone, nil
}
