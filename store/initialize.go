package store

import (
	"context"
	"errors"
	"os"
)

// Initialize makes the database empty. Where it holds services, a copy is kept beside it first, whose path is
// returned. That no service runs is for the caller to check.
func (s *Store) Initialize(ctx context.Context) (copy string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		copy, err = s.initialize(ctx)
		if !errors.Is(err, errChanged) {
			return copy, s.explain("initializing the database", err)
		}
	}
}

var errChanged = errors.New("the database has changed meanwhile")

// initialize fails with errChanged if somebody wrote between the copy and the end, for that would be lost.
func (s *Store) initialize(ctx context.Context) (copy string, err error) {
	before, err := s.number(ctx, "PRAGMA data_version")
	if err != nil {
		return "", err
	}
	services, err := s.number(ctx, "SELECT count(*) FROM process")
	if err != nil {
		return "", err
	}
	if services > 0 {
		if copy, err = s.copyBeside(ctx, "-before-initialize"); err != nil {
			return "", err
		}
	}
	err = s.transact(ctx, true, func(ctx context.Context) error {
		if now, err := s.number(ctx, "PRAGMA data_version"); err != nil || now != before {
			return errors.Join(err, errChanged)
		}
		for _, table := range []string{"state", "process", "run", "event"} {
			if err := s.exec(ctx, "DELETE FROM "+table); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && copy != "" {
		os.Remove(copy)
		copy = ""
	}
	return copy, err
}

// number is the answer to a query for one number. The caller owns conn.
func (s *Store) number(ctx context.Context, query string, args ...any) (n int64, err error) {
	err = s.each(ctx, query, args, func(scan func(...any) error) error { return scan(&n) })
	return n, err
}
