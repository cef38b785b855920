package store

import "context"

// DataVersion changes whenever somebody else has written to the database; what this Store writes does not change it.
func (s *Store) DataVersion(ctx context.Context) (version int64, err error) {
	err = s.read(ctx, "looking for changes", func(ctx context.Context) (err error) {
		version, err = s.number(ctx, "PRAGMA data_version")
		return err
	})
	return version, err
}
