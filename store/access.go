package store

import (
	"context"
	"database/sql"
	"fmt"
)

// read runs f alone on the connection.
func (s *Store) read(ctx context.Context, doing string, f func(context.Context) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.explain(doing, f(ctx))
}

// write runs f in a transaction that takes SQLite's write lock at its beginning. With durable, the commit survives a
// power failure; without, on a local disk, it survives the death of any process. Once it has begun, ctx does not cut
// it short.
func (s *Store) write(ctx context.Context, doing string, durable bool, f func(context.Context) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.explain(doing, s.transact(ctx, durable, f))
}

// transact does it. The caller owns conn.
func (s *Store) transact(ctx context.Context, durable bool, f func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	whole := context.WithoutCancel(ctx)
	if durable && !s.network {
		if err := s.exec(whole, "PRAGMA synchronous = FULL"); err != nil {
			return err
		}
		defer s.exec(whole, "PRAGMA synchronous = NORMAL")
	}
	if err := s.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		s.exec(whole, "ROLLBACK") // where ctx ended just after it had begun
		return err
	}
	err := f(whole)
	if err == nil {
		err = s.exec(whole, "COMMIT")
	}
	if err != nil {
		s.exec(whole, "ROLLBACK") // fails where SQLite has rolled back by itself
	}
	return err
}

// exec runs a statement, which stays prepared.
func (s *Store) exec(ctx context.Context, query string, args ...any) error {
	_, err := s.run(ctx, query, args...)
	return err
}

func (s *Store) run(ctx context.Context, query string, args ...any) (sql.Result, error) {
	statement, err := s.prepared(ctx, query)
	if err != nil {
		return nil, err
	}
	return statement.ExecContext(ctx, args...)
}

// each runs a query and hands over every row.
func (s *Store) each(ctx context.Context, query string, args []any, row func(scan func(...any) error) error) error {
	statement, err := s.prepared(ctx, query)
	if err != nil {
		return err
	}
	rows, err := statement.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (s *Store) prepared(ctx context.Context, query string) (*sql.Stmt, error) {
	if statement, ok := s.statements[query]; ok {
		return statement, nil
	}
	if s.conn == nil {
		return nil, fmt.Errorf("the store is closed: %w", sql.ErrConnDone)
	}
	statement, err := s.conn.PrepareContext(ctx, query)
	if err == nil {
		s.statements[query] = statement
	}
	return statement, err
}

// column returns the first column of all rows.
func column(ctx context.Context, q querier, query string) ([]string, error) {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}
