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

// Follow writes what stands in the file from the offset on to w, and then whatever is added to it, until ctx ends. It
// need not exist yet.
//
// Where the file is removed, renamed or replaced, what its writers add is still followed until another one is found
// under the path, which is followed from its beginning. A file that was cut shorter than what was read of it is read
// again from its beginning. What is written and cut off again before we come to read it is lost: nobody can see it.
//
// When ctx ends, what stands in the file by then is still written, and the error is nil.
func Follow(ctx context.Context, w io.Writer, path string, offset int64) error {
	return follow(ctx, w, path, func(file *os.File, size int64) (int64, error) { return offset, nil })
}

// Tail writes the last n lines of the file, all if n is negative, and then follows it. It differs from a Copy and a
// Follow in that the file cannot be replaced in between.
func Tail(ctx context.Context, w io.Writer, path string, n int) error {
	return follow(ctx, w, path, func(file *os.File, size int64) (int64, error) { return copyLast(w, file, size, n) })
}

// follow follows a file from where begin says; begin is asked once, and only if there is a file already.
func follow(ctx context.Context, w io.Writer, path string, begin func(*os.File, int64) (int64, error)) error {
	watcher, err := newWatcher()
	if err != nil {
		return err
	}
	defer watcher.Close()
	f := &follower{w: w, path: path, watcher: watcher, buffer: make([]byte, block)}
	defer f.close()

	file, size, err := openToRead(path)
	switch {
	case err == nil:
		f.file = file
		if f.offset, err = begin(file, size); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return f.run(ctx)
}

// A follower reads one file at a time. It does not trust the news it gets from the watcher, which may be late, merged or
// dropped: any news makes it look at everything, and a watch always stands before the look that relies on it.
type follower struct {
	w       io.Writer
	path    string
	watcher *fsnotify.Watcher
	file    *os.File // the file that is read, even if the path does not name it any more; nil: none yet
	offset  int64    // read so far
	watched string   // the name under which file is watched, "" if it is not
	buffer  []byte
}

func (f *follower) close() {
	if f.file != nil {
		_ = f.file.Close()
	}
}

func (f *follower) run(ctx context.Context) error {
	for {
		if err := f.look(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return f.look()
		case <-f.watcher.Events:
			f.skipEvents()
		case err := <-f.watcher.Errors:
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return fmt.Errorf("following the log %q: %w", f.path, err)
			}
		}
	}
}

// skipEvents drops what has gathered: one look is enough for all of it.
func (f *follower) skipEvents() {
	for {
		select {
		case <-f.watcher.Events:
		default:
			return
		}
	}
}

// look writes out what was added, and goes over to the file that the path names now, if it is another. That one is
// opened before the old one is read for the last time, so whoever changed over only then has lost nothing.
func (f *follower) look() error {
	for {
		if err := f.watchFile(); err != nil {
			return err
		}
		next, err := f.successor()
		if err != nil {
			return err
		}
		if err := f.drain(); err != nil {
			return err
		}
		if next == nil {
			return nil
		}
		f.unwatch(f.watched)
		f.close()
		f.file, f.offset, f.watched = next, 0, ""
	}
}

// drain writes out what stands behind the offset. It stops at the size that the file has now: whatever comes later is
// news again.
func (f *follower) drain() error {
	if f.file == nil {
		return nil
	}
	info, err := f.file.Stat()
	if err != nil {
		return fmt.Errorf("following the log %q: %w", f.path, err)
	}
	if info.Size() < f.offset {
		f.offset = 0
	}
	for f.offset < info.Size() {
		n, err := f.file.ReadAt(f.buffer[:min(block, info.Size()-f.offset)], f.offset)
		if n > 0 {
			if _, err := f.w.Write(f.buffer[:n]); err != nil {
				return fmt.Errorf("following the log %q: %w", f.path, err)
			}
			f.offset += int64(n)
		}
		if errors.Is(err, io.EOF) { // it was cut meanwhile, which is news as well
			return nil
		}
		if err != nil {
			return fmt.Errorf("following the log %q: %w", f.path, err)
		}
	}
	return nil
}

// successor returns the file that the path names if it is another than the one that is read, or nil. As long as the
// path names none, the directories are watched for one.
func (f *follower) successor() (*os.File, error) {
	for watching := false; ; watching = true {
		info, err := os.Stat(f.path)
		switch {
		case err == nil && !f.reads(info):
			next, _, err := openToRead(f.path)
			if !errors.Is(err, fs.ErrNotExist) {
				return next, err
			}
		case err == nil && !isLink(f.path): // only its directory tells us that a link leads elsewhere
			f.unwatchDirectories()
			return nil, nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("following the log: %w", err)
		}
		if watching {
			return nil, nil
		}
		if err := f.watchDirectories(); err != nil {
			return nil, err
		}
	}
}

// reads reports whether info is that of the file that is read. As long as we hold it open, nothing else gets its inode.
func (f *follower) reads(info fs.FileInfo) bool {
	if f.file == nil {
		return false
	}
	own, err := f.file.Stat()
	return err == nil && os.SameFile(own, info)
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}
