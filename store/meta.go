package store

import "context"

// Journal is the offset up to which the exit journal has been read, as Commit wrote it; 0 at first.
func (s *Store) Journal(ctx context.Context) (offset int64, err error) {
	err = s.read(ctx, "reading the journal offset", func(ctx context.Context) (err error) {
		offset, err = s.number(ctx, "SELECT value FROM meta WHERE name = 'journal'")
		return err
	})
	return offset, err
}

// DataVersion changes whenever somebody else has written to the database; what this Store writes does not change it.
func (s *Store) DataVersion(ctx context.Context) (version int64, err error) {
	err = s.read(ctx, "looking for changes", func(ctx context.Context) (err error) {
		version, err = s.number(ctx, "PRAGMA data_version")
		return err
	})
	return version, err
}
