package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// copyBeside writes a copy of the database beside it and returns its path: the database's with the suffix, and a
// number where such a copy exists already. It goes through SQLite (VACUUM INTO), never around its locks. The copy has
// its name only when it is whole; a crash leaves a file with "partial" in its name.
func (s *Store) copyBeside(ctx context.Context, suffix string) (string, error) {
	name, err := s.writeCopy(ctx, s.path+suffix)
	if err != nil {
		return "", fmt.Errorf("keeping a copy of the database: %w", err)
	}
	return name, nil
}

func (s *Store) writeCopy(ctx context.Context, base string) (string, error) {
	f, err := os.CreateTemp(filepath.Dir(base), filepath.Base(base)+"-partial-*") // 0600 and empty, as SQLite wants it
	if err != nil {
		return "", err
	}
	f.Close()
	defer os.Remove(f.Name())
	if _, err := s.conn.ExecContext(ctx, "VACUUM INTO ?", f.Name()); err != nil {
		return "", err
	}
	if err := syncFile(f.Name()); err != nil {
		return "", err
	}
	name, err := publish(f.Name(), base)
	if err != nil {
		return "", err
	}
	return name, syncDirectory(filepath.Dir(name))
}

// publish gives a finished file its name, or that name with the first number that is free. It never overwrites.
func publish(file, base string) (string, error) {
	name := base
	for n := 2; ; n++ {
		err := os.Link(file, name)
		if errors.Is(err, fs.ErrExist) {
			name = fmt.Sprintf("%s-%d", base, n)
			continue
		}
		if err == nil {
			return name, nil
		}
		// A file system without hard links: take the name, then replace what took it.
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
		if errors.Is(err, fs.ErrExist) {
			name = fmt.Sprintf("%s-%d", base, n)
			continue
		}
		if err != nil {
			return "", err
		}
		f.Close()
		return name, os.Rename(file, name)
	}
}

// syncFile makes a copy survive a power failure, which must not lose the copy and keep what came after it.
func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
