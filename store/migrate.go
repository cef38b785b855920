package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"tend/internal/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date. Of several processes that find the same old database at once, one migrates it
// and the others wait for that one. A crash in the middle leaves the old database, or the new one.
func (s *Store) migrate(ctx context.Context) error {
	unlock, err := lockMigration(ctx, s.path)
	if err != nil {
		return err
	}
	defer unlock()
	h, from, err := s.inspect(ctx)
	if err != nil || h.current() {
		return err
	}
	kept, err := s.keepOld(ctx, from)
	if err != nil {
		return err
	}
	fault.At(fault.StoreCopied)
	if err := s.apply(ctx); err != nil {
		now, headerErr := readHeader(context.WithoutCancel(ctx), s.conn)
		if kept != "" && headerErr == nil && now.version == h.version {
			os.Remove(kept) // nothing was changed
		}
		return err
	}
	fault.At(fault.StoreMigrated)
	s.outgrown = from == originTend
	if kept != "" {
		s.addNotice("%s was made by %s and has been brought up to date; as it was, it is kept in %s", s.path, from, kept)
	}
	return nil
}

// keepOld keeps a copy of a database that may hold anything.
func (s *Store) keepOld(ctx context.Context, from origin) (kept string, err error) {
	switch from {
	case originScript:
		return s.copyBeside(ctx, "-before-tend")
	case originTend:
		return s.copyBeside(ctx, fmt.Sprintf("-before-schema-%d", schemaVersion))
	}
	return "", nil
}

// apply runs the migrations, each in a transaction of its own.
func (s *Store) apply(ctx context.Context) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(database.DialectCustom, s.db, files,
		goose.WithStore(headerVersions{}), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	s.conn.Close() // there is one connection, and goose needs it
	_, err = provider.Up(ctx)
	conn, connErr := s.db.Conn(context.WithoutCancel(ctx))
	if connErr != nil {
		return errors.Join(err, connErr)
	}
	s.conn = conn
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		err = partial.Err
	}
	if err == nil {
		return nil
	}
	if h, headerErr := readHeader(ctx, conn); headerErr == nil && h.current() {
		return nil // somebody did it in spite of the lock: a file system without working locks
	}
	return fmt.Errorf("migrating: %w", err)
}

// headerVersions makes goose keep the version of the schema in PRAGMA user_version, inside the transaction of the
// migration, instead of in a table of its own.
type headerVersions struct{}

var errOutOfTurn = errors.New("another process has migrated the database meanwhile")

func (headerVersions) Tablename() string { return "user_version" }

func (headerVersions) TableExists(context.Context, database.DBTxConn) (bool, error) { return true, nil }

func (headerVersions) CreateVersionTable(context.Context, database.DBTxConn) error { return nil }

// Insert is called at the end of each migration. It fails, and undoes the migration, if another one came between.
func (v headerVersions) Insert(ctx context.Context, db database.DBTxConn, request database.InsertRequest) error {
	version, err := v.GetLatestVersion(ctx, db)
	if err != nil {
		return err
	}
	if version != request.Version-1 {
		return errOutOfTurn
	}
	fault.At(fault.StoreMigrating)
	_, err = db.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", request.Version))
	return err
}

func (headerVersions) Delete(context.Context, database.DBTxConn, int64) error {
	return database.ErrNotImplemented
}

func (v headerVersions) GetMigration(ctx context.Context, db database.DBTxConn, version int64) (*database.GetMigrationResult, error) {
	latest, err := v.GetLatestVersion(ctx, db)
	if err != nil {
		return nil, err
	}
	if version > latest {
		return nil, database.ErrVersionNotFound
	}
	return &database.GetMigrationResult{IsApplied: true}, nil
}

func (headerVersions) GetLatestVersion(ctx context.Context, db database.DBTxConn) (version int64, err error) {
	err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	return version, err
}

func (v headerVersions) ListMigrations(ctx context.Context, db database.DBTxConn) ([]*database.ListMigrationsResult, error) {
	latest, err := v.GetLatestVersion(ctx, db)
	var all []*database.ListMigrationsResult
	for version := latest; version >= 0 && err == nil; version-- {
		all = append(all, &database.ListMigrationsResult{Version: version, IsApplied: true})
	}
	return all, err
}
