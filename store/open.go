package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"modernc.org/sqlite"
)

// Mode says what Open does where there is no database.
type Mode int

// The modes.
const (
	Existing Mode = iota // it must exist: ErrNotFound
	Create               // it is made
)

// busyTimeout is how long SQLite waits for a lock that somebody else holds. After it, tend.CodeBusy.
const busyTimeout = 5 * time.Second

// Store is an open database. It has one connection, which mu owns: whoever holds mu may use conn and statements, and a
// transaction keeps mu from its beginning to its end.
type Store struct {
	path     string
	notice   string
	outgrown bool        // see Outgrown
	file     os.FileInfo // as it was opened
	network  bool        // the file is on a network file system: no write-ahead log, synchronous=FULL throughout
	db       *sql.DB

	mu         sync.Mutex
	conn       *sql.Conn
	statements map[string]*sql.Stmt // by their SQL, prepared when first used
}

// options are what tests change.
type options struct {
	busy    time.Duration
	network func(dir string) bool
}

// Open checks the file, opens it, and migrates it where that has to be done. An up-to-date database is not written to.
func Open(ctx context.Context, path string, mode Mode) (*Store, error) {
	return open(ctx, path, mode, options{busy: busyTimeout, network: onNetwork})
}

func open(ctx context.Context, path string, mode Mode, o options) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("finding the database: %w", err)
	}
	loose, err := prepare(path, mode)
	if err != nil {
		return nil, err
	}
	s := &Store{path: path, network: o.network(filepath.Dir(path)), statements: map[string]*sql.Stmt{}}
	if err := s.connect(ctx, o.busy, loose); err != nil {
		err = s.explain("opening the database", err)
		s.Close()
		return nil, err
	}
	if s.file, err = os.Stat(path); err != nil {
		s.Close()
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	return s, nil
}

// connect opens the connection, brings the schema up to date and settles the journal mode.
func (s *Store) connect(ctx context.Context, busy time.Duration, loose bool) error {
	connector, err := sqlite.NewConnector(s.source(busy))
	if err != nil {
		return err
	}
	s.db = sql.OpenDB(connector)
	s.db.SetMaxOpenConns(1)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return err
	}
	if s.network { // an exclusive reader needs no shared memory for a write-ahead log, which would not work there
		if _, err := s.conn.ExecContext(ctx, "PRAGMA locking_mode = EXCLUSIVE"); err != nil {
			return err
		}
	}
	h, err := readHeader(ctx, s.conn)
	if err != nil {
		return err
	}
	if !h.current() {
		if _, _, err := s.inspect(ctx); err != nil {
			return err
		}
	}
	if loose {
		if err := s.shutOut(); err != nil {
			return err
		}
	}
	if s.network {
		if err := s.leaveWAL(ctx); err != nil {
			return err
		}
	}
	if !h.current() {
		if err := s.migrate(ctx); err != nil {
			return err
		}
	}
	if s.network {
		return nil
	}
	if h.journal != "wal" {
		if err := s.enterWAL(ctx); err != nil {
			return err
		}
	}
	_, err = s.conn.ExecContext(ctx, "PRAGMA synchronous = NORMAL") // until here it was FULL, SQLite's default
	return err
}

// source is the data source name: the file, never created by SQLite, and the settings of each connection. Only such
// stand here as do not read the file: what may wait for a lock must be under the caller's context.
func (s *Store) source(busy time.Duration) string {
	query := url.Values{
		"mode":          {"rw"},
		"_busy_timeout": {strconv.FormatInt(busy.Milliseconds(), 10)},
		"_foreign_keys": {"1"},
		"_txlock":       {"immediate"}, // for goose, which begins the transactions of migrations
	}
	return "file:" + (&url.URL{Path: s.path}).EscapedPath() + "?" + query.Encode()
}

// enterWAL turns the write-ahead log on. The mode stays with the file. Somebody who uses it just now only delays that
// to a later open, for the other modes are as safe.
func (s *Store) enterWAL(ctx context.Context) error {
	_, err := s.conn.ExecContext(ctx, "PRAGMA journal_mode = WAL")
	if isBusy(err) {
		return nil
	}
	return err
}

// leaveWAL sets the rollback journal for a file on a network file system, and ends the exclusive mode.
func (s *Store) leaveWAL(ctx context.Context) error {
	for _, statement := range []string{
		"PRAGMA journal_mode = TRUNCATE",
		"PRAGMA locking_mode = NORMAL",
		"SELECT count(*) FROM sqlite_master", // the lock is given back by the first access after that
	} {
		if _, err := s.conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// SetPatience sets how long the store waits for a lock that somebody else holds; 5 s at first.
func (s *Store) SetPatience(ctx context.Context, patience time.Duration) error {
	return s.read(ctx, "setting the patience with locks", func(ctx context.Context) error {
		_, err := s.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", patience.Milliseconds()))
		return err
	})
}

// Notice is what the user should be told after Open, "" if nothing.
func (s *Store) Notice() string { return s.notice }

// Outgrown reports whether Open has changed the schema, so that the program of before cannot open it any more.
func (s *Store) Outgrown() bool { return s.outgrown }

func (s *Store) addNotice(format string, args ...any) {
	if s.notice != "" {
		s.notice += "; "
	}
	s.notice += fmt.Sprintf(format, args...)
}

// Close closes the database. One in whose place another file is by now is left as it is until the process ends: at the
// end SQLite removes the write-ahead log by its name, and that is the other's.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file != nil && errors.Is(s.InPlace(), ErrReplaced) {
		return nil
	}
	for _, statement := range s.statements {
		statement.Close()
	}
	clear(s.statements)
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
	if s.db == nil {
		return nil
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("closing the database %s: %w", s.path, err)
	}
	return nil
}
