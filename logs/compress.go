package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tend/internal/fault"
)

// Compress compresses the archives of the log that are not yet, the oldest first, and removes the plain ones. It takes no more
// than a part of one processor. An archive that somebody has open for writing stays as it is. It may run beside anything
// else that is done with the log, but only once.
func (r *Rotator) Compress(ctx context.Context, path string) error {
	if err := r.compress(ctx, path); err != nil {
		return fmt.Errorf("compressing archives of the log %q: %w", path, err)
	}
	return nil
}

func (r *Rotator) compress(ctx context.Context, path string) error {
	archives, err := listArchives(path)
	if err != nil {
		return err
	}
	for _, a := range archives {
		if a.packed {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		err := r.pack(ctx, path, a)
		if isFull(err) {
			r.say(path+" packing", "archives of the log %s are not compressed: %v", path, err)
			return nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it was removed meanwhile
			return err
		}
	}
	return nil
}

// pack makes a compressed archive of a plain one, and removes that.
func (r *Rotator) pack(ctx context.Context, path string, a archive) error {
	able, err := r.ability(filepath.Dir(path))
	if err != nil {
		return err
	}
	plain, err := os.Open(a.path)
	if err != nil {
		return err
	}
	defer plain.Close()
	if able.leases && whoWrites(plain) == writersSome {
		return nil
	}
	info, err := plain.Stat()
	if err != nil {
		return err
	}
	if info.Size() != a.end-a.start {
		r.say(a.path, "the archive %s is not compressed: it has %d bytes, which its name does not say", a.path, info.Size())
		return nil
	}
	packed := a.path + packedSuffix
	if _, err := os.Stat(packed); errors.Is(err, fs.ErrNotExist) {
		if err := writePacked(ctx, packingPath(path), plain, info); err != nil {
			_ = os.Remove(packingPath(path))
			return err
		}
		fault.At(fault.LogsPacking)
		if _, err := os.Stat(a.path); err != nil {
			return errors.Join(err, os.Remove(packingPath(path)))
		}
		if err := os.Rename(packingPath(path), packed); err != nil {
			return err
		}
		if err := syncDirectory(filepath.Dir(path)); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	fault.At(fault.LogsPacked)
	return removePacked(a, plain, able)
}

// removePacked removes a plain archive that there is a compressed one of, unless somebody has begun to write to it.
func removePacked(a archive, plain *os.File, able ability) error {
	if able.leases && whoWrites(plain) == writersSome {
		return nil
	}
	info, err := plain.Stat()
	if err != nil || info.Size() != a.end-a.start {
		return err
	}
	return os.Remove(a.path)
}

// writePacked writes the members of a compressed archive into a file of that name, and makes it durable. It keeps the
// time of the plain one, by which archives become too old.
func writePacked(ctx context.Context, path string, plain *os.File, info fs.FileInfo) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = errors.Join(likeOwner(file, info), file.Chmod(info.Mode().Perm()))
	if err == nil {
		err = packMembers(ctx, file, io.NewSectionReader(plain, 0, info.Size()))
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Chtimes(path, info.ModTime(), info.ModTime())
}

// compressShare is which part of the time is spent on compressing: one of so many.
const compressShare = 4

// packMembers leaves the processor to others most of the time. A thread of low priority would be the other way, but that one
// keeps whoever else is in this process waiting while it waits itself: for a processor of Go's, or at the end of a garbage
// collection.
func packMembers(ctx context.Context, to io.Writer, from io.Reader) error {
	w, err := newMemberWriter(to)
	if err != nil {
		return err
	}
	text := make([]byte, memberPlain)
	for {
		began := time.Now()
		n, err := io.ReadFull(from, text)
		if n > 0 {
			if err := w.write(text[:n]); err != nil {
				return err
			}
		}
		if isEOF(err) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After((compressShare - 1) * time.Since(began)):
		}
	}
}
