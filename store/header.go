package store

import (
	"context"
	"database/sql"
	"fmt"

	"tend"
)

const (
	applicationID = 1952804452 // "tend"; migration 0001 sets it
	schemaVersion = 3          // the newest migration; a test compares it with the folder
)

// header is what the header of a database file says about it.
type header struct {
	application int64
	version     int64
	journal     string // journal mode
}

// current reports whether there is nothing to migrate.
func (h header) current() bool { return h.application == applicationID && h.version == schemaVersion }

// querier is a *sql.Conn, *sql.DB or *sql.Tx.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func readHeader(ctx context.Context, q querier) (h header, err error) {
	if err = q.QueryRowContext(ctx, "PRAGMA application_id").Scan(&h.application); err != nil {
		return h, err
	}
	if err = q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&h.version); err != nil {
		return h, err
	}
	return h, q.QueryRowContext(ctx, "PRAGMA journal_mode").Scan(&h.journal)
}

// origin is who made a database that is not up to date.
type origin int

const (
	originEmpty  origin = iota // nobody yet
	originScript               // the 2008 script
	originTend                 // an older tend
)

func (o origin) String() string {
	return [...]string{"nobody", "the 2008 script", "an older tend"}[o]
}

// columns are the seven of the script.
var columns = [...]string{"name", "pid", "command_line", "working_directory", "stdin", "stdout", "stderr"}

// inspect reads the header and finds out who made the database, both at one instant: another process may be migrating it.
func (s *Store) inspect(ctx context.Context) (h header, from origin, err error) {
	if _, err = s.conn.ExecContext(ctx, "BEGIN"); err != nil {
		return h, from, err
	}
	defer s.conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
	if h, err = readHeader(ctx, s.conn); err == nil {
		from, err = s.judge(ctx, h)
	}
	return h, from, err
}

// judge finds out who made the database, and refuses what tend must not touch.
func (s *Store) judge(ctx context.Context, h header) (origin, error) {
	if h.application == applicationID {
		if h.version > schemaVersion {
			return 0, tend.Errorf(tend.CodeFailed, "the database %s was written by a newer tend (schema %d, this one knows %d)", s.path, h.version, schemaVersion).
				WithHint("install that tend again, or use another database: export SERVER_FILE=/path/to/server.sqlite")
		}
		return originTend, nil
	}
	tables, err := column(ctx, s.conn, "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!'")
	if err != nil {
		return 0, err
	}
	if h.application != 0 || h.version != 0 {
		return 0, s.stranger("")
	}
	if len(tables) == 0 {
		return originEmpty, nil
	}
	return originScript, s.checkScript(ctx, tables)
}

// checkScript refuses a database that is not the script's.
func (s *Store) checkScript(ctx context.Context, tables []string) error {
	found := map[string]bool{}
	for _, table := range tables {
		found[table] = true
	}
	if !found["process"] {
		return s.stranger("it has no table process")
	}
	for _, ours := range []string{"state", "run", "event", "meta"} { // the last is made by the first migration, and dropped by the second
		if found[ours] {
			return s.stranger("it has a table " + ours + " of its own")
		}
	}
	names, err := column(ctx, s.conn, "SELECT name FROM pragma_table_info('process')")
	if err != nil {
		return err
	}
	has := map[string]bool{}
	for _, name := range names {
		has[name] = true
	}
	for _, column := range columns {
		if !has[column] {
			return s.stranger("its table process has no column " + column)
		}
	}
	if has["settings"] {
		return s.stranger("its table process has a column settings of its own")
	}
	keys, err := column(ctx, s.conn, "SELECT name FROM pragma_table_info('process') WHERE pk > 0")
	if err != nil {
		return err
	}
	if len(keys) != 1 || keys[0] != "name" {
		return s.stranger("the primary key of its table process is not name")
	}
	return nil
}

func (s *Store) stranger(why string) error {
	if why != "" {
		why = ": " + why
	}
	return tend.Errorf(tend.CodeConflict, "%s", fmt.Sprintf("%s is the database of another program%s", s.path, why)).
		WithHint("choose another place: export SERVER_FILE=/path/to/server.sqlite")
}
