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
// number where such a copy exists already. It goes through SQLite (VACUUM INTO), never around its locks.
func (s *Store) copyBeside(ctx context.Context, suffix string) (string, error) {
	name, err := freeName(s.path + suffix)
	if err != nil {
		return "", fmt.Errorf("keeping a copy of the database: %w", err)
	}
	_, err = s.conn.ExecContext(ctx, "VACUUM INTO ?", name)
	if err == nil {
		err = syncFile(name)
	}
	if err != nil {
		os.Remove(name)
		return "", fmt.Errorf("keeping a copy of the database: %w", err)
	}
	return name, nil
}

// freeName makes an empty file, ours alone, under a name that nothing had: SQLite copies into an empty file.
func freeName(base string) (string, error) {
	name := base
	for n := 2; ; n++ {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
		if err == nil {
			return name, f.Close()
		}
		if !errors.Is(err, fs.ErrExist) || n > 10_000 {
			return "", err
		}
		name = fmt.Sprintf("%s-%d", base, n)
	}
}

// syncFile makes a copy survive a power failure, which must not lose the copy and keep what came after it.
func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), syncDirectory(filepath.Dir(name)))
}
