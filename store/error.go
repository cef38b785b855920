package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kballard/go-shellquote"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"tend"
)

func quote(word string) string { return shellquote.Join(word) }

// resultCode is SQLite's extended result code, 0 where the error is not SQLite's.
func resultCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

func isBusy(err error) bool {
	code := resultCode(err) & 0xff
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
}

func isTaken(err error) bool {
	code := resultCode(err)
	return code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || code == sqlite3.SQLITE_CONSTRAINT_UNIQUE
}

// explain turns an error of SQLite into one that says what a user can do. The caller owns conn.
func (s *Store) explain(doing string, err error) error {
	var known *tend.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	fail := func(format string, args ...any) *tend.Error {
		e := tend.Errorf(tend.CodeFailed, "%s: %s", doing, fmt.Sprintf(format, args...))
		e.Err = err
		return e
	}
	switch code := resultCode(err); code & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL:
		e := fail("another program holds the database %s", s.path)
		e.Code = tend.CodeBusy
		return e.WithHint("try again, or find out who: fuser -v %s", quote(s.path))
	case sqlite3.SQLITE_NOTADB:
		return fail("%s is not a database", s.path).WithHint("choose another file: export SERVER_FILE=/path/to/server.sqlite")
	case sqlite3.SQLITE_CORRUPT:
		return fail("the database %s is damaged%s", s.path, s.damage()).
			WithHint("restore a copy, or save what can be read: sqlite3 %s .recover | sqlite3 %s", quote(s.path), quote(s.path+".recovered"))
	case sqlite3.SQLITE_FULL:
		return fail("no space is left for the database %s", s.path).WithHint("make room and try again: df -h %s", quote(filepath.Dir(s.path)))
	case sqlite3.SQLITE_IOERR:
		return fail("the database %s cannot be read or written: %v", s.path, err).
			WithHint("look for a full disk, a used-up quota or a size limit: df -h %s; quota; ulimit -f", quote(filepath.Dir(s.path)))
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return s.unusable(fail, err)
	}
	return fmt.Errorf("%s (%s): %w", doing, s.path, err)
}

// unusable explains that SQLite may not use the file, or cannot make another beside it.
func (s *Store) unusable(fail func(string, ...any) *tend.Error, err error) error {
	if _, statErr := os.Stat(s.path); statErr != nil {
		return fail("the database %s is not there any more", s.path)
	}
	if _, mine := prepare(s.path, Existing); mine != nil {
		return mine
	}
	return fail("the database %s, or a file beside it, cannot be opened or written: %v", s.path, err).
		WithHint("see what is there: ls -la %s*", quote(s.path))
}

// damage is what SQLite's own check finds first, as the end of a sentence.
func (s *Store) damage() string {
	var found string
	if s.conn == nil || s.conn.QueryRowContext(context.Background(), "PRAGMA quick_check(1)").Scan(&found) != nil || found == "ok" {
		return ""
	}
	return " (" + found + ")"
}
