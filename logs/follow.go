package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/fsnotify/fsnotify"
)

// Follow gives take everything that stands in the stream from the offset on, and then whatever is added to it, in order and
// each byte once, until ctx ends or take fails. A piece that begins later than the one before ended tells that what was between
// them was gone before it could be read; it is valid until take returns.
//
// It goes on through all that rotation does, and whether or not somebody of ours is there. Neither the log nor its
// directory need to be there yet. An offset that the stream has not reached tells of somebody who has cut it short: then all
// that it holds is new.
//
// Where the file is removed, renamed or replaced behind our back, what its writers add is still followed until another one
// is found under the path, which is followed from its beginning, as is one that was cut short. What is written and cut off
// again before we come to read it is lost: nobody can see it.
//
// When ctx ends, what stands in the stream by then still comes, and the error is nil.
func (s *Stream) Follow(ctx context.Context, from int64, take func(offset int64, text []byte) error) error {
	watcher, err := newWatcher()
	if err != nil {
		return err
	}
	defer watcher.Close()
	end, err := s.End()
	if err != nil {
		return err
	}
	if from > end {
		from = min(end, s.view.layout.head)
	}
	f := &follower{Stream: s, take: take, watcher: watcher, offset: from, buffer: make([]byte, block)}
	return f.run(ctx)
}

// A follower does not trust the news it gets from the watcher, which may be late, merged or dropped: any news makes it look
// at everything, and a watch always stands before the look that relies on it.
//
// It watches the live file alone, if there is one. Nothing can be done to the log that is not news of that.
type follower struct {
	*Stream
	take    func(int64, []byte) error
	watcher *watcher
	offset  int64    // of what is to be taken next
	watched string   // the name under which the live file is watched, "" if it is not
	file    *os.File // which that is
	buffer  []byte

	doubtful bool // the path may be about to lead elsewhere: see note
}

func (f *follower) run(ctx context.Context) error {
	for {
		if err := f.look(); err != nil {
			return fmt.Errorf("following the log %q: %w", f.path, err)
		}
		select {
		case <-ctx.Done():
			if err := f.drain(); err != nil {
				return fmt.Errorf("following the log %q: %w", f.path, err)
			}
			return nil
		case event := <-f.watcher.Events:
			f.note(event)
			f.skipEvents()
		case err := <-f.watcher.failed:
			if !harmless(err) {
				return fmt.Errorf("following the log %q: %w", f.path, err)
			}
		}
	}
}

// note takes note of news that come before what they tell of: that a file has one name less is told a moment before the path
// stops leading to it. Then only its directory tells us.
func (f *follower) note(event fsnotify.Event) {
	if event.Has(fsnotify.Chmod) && event.Name == f.watched {
		f.doubtful = true
	}
}

// skipEvents drops what has gathered: one look is enough for all of it.
func (f *follower) skipEvents() {
	for {
		select {
		case event := <-f.watcher.Events:
			f.note(event)
		default:
			return
		}
	}
}

// look gives all that there is, and leaves the right watches behind.
func (f *follower) look() error {
	for {
		if err := f.watchFile(); err != nil {
			return err
		}
		if err := f.watchPath(); err != nil {
			return err
		}
		if err := f.drain(); err != nil {
			return err
		}
		if f.view.live == f.file {
			return nil
		}
	}
}

// drain gives all that there is from the offset on.
func (f *follower) drain() error {
	for {
		n, err := f.readSome(f.buffer, f.offset)
		var gone *GoneError
		switch {
		case n > 0:
			err = f.give(n)
		case errors.Is(err, errMoved):
			err = f.move()
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &gone):
			f.offset, err = gone.Next, nil
		}
		if err != nil {
			return err
		}
	}
}

// give has the first n bytes of the buffer taken.
func (f *follower) give(n int) error {
	f.offset += int64(n)
	return f.take(f.offset-int64(n), f.buffer[:n])
}

// move goes over to other offsets. What the file that was replaced has had added to it since comes first: it has no place
// in the stream if nobody of ours knew of it.
func (f *follower) move() error {
	for f.former.file != nil && f.former.same && f.offset >= f.former.layout.head {
		n := f.former.read(f.buffer, f.offset)
		if n == 0 {
			break
		}
		if err := f.give(n); err != nil {
			return err
		}
	}
	f.offset = f.adjust(f.offset)
	return nil
}

// watchPath has the directories watched as long as the path names no file; a link is told of by its directory alone.
func (f *follower) watchPath() error {
	info, err := os.Lstat(f.path)
	doubtful := f.doubtful
	f.doubtful = false
	if err == nil && !doubtful && info.Mode()&fs.ModeSymlink == 0 && leadsTo(f.path, f.view.live) {
		f.unwatchDirectories()
		return nil
	}
	return f.watchDirectories()
}
