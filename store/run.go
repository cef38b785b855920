package store

import (
	"context"
	"database/sql"
	"encoding/json"

	"tend"
)

// selectRuns never fails because of what somebody has put into a row, whatever its type is.
const selectRuns = `SELECT id, service, cause, host, boot, CAST(namespace AS INTEGER), CAST(pid AS INTEGER), CAST(start AS INTEGER),
	started_at, ready_at, ended_after, ended_at, exit, CAST(log_offset AS INTEGER) FROM run`

// LiveRuns returns the runs of which something may live: those without an end, and those whose main process has ended
// while the others of its tree are being stopped. The eldest comes first.
func (s *Store) LiveRuns(ctx context.Context) ([]tend.Run, error) {
	return s.runs(ctx, "reading the live runs", selectRuns+` WHERE ended_at IS NULL
		OR id IN (SELECT json_extract(state, '$.run') FROM state WHERE phase = 'stopping' AND json_valid(state)) ORDER BY started_at`)
}

// Runs returns the runs of a service, newest first; a limit of 0 or less means all.
func (s *Store) Runs(ctx context.Context, service string, limit int) ([]tend.Run, error) {
	if limit <= 0 {
		limit = -1
	}
	return s.runs(ctx, "reading the runs of "+service, selectRuns+" WHERE service = ? ORDER BY started_at DESC LIMIT ?", service, limit)
}

func (s *Store) runs(ctx context.Context, doing, query string, args ...any) (runs []tend.Run, err error) {
	err = s.read(ctx, doing, func(ctx context.Context) error {
		return s.each(ctx, query, args, func(scan func(...any) error) error {
			run, err := scanRun(scan)
			runs = append(runs, run)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return runs, nil
}

// scanRun reads a row. Of one that somebody has edited, what cannot be read counts as not known: that a process is
// running must not be hidden by a time that is none.
func scanRun(scan func(...any) error) (run tend.Run, err error) {
	var namespace int64
	var pid, start sql.NullInt64
	var started, ready, after, ended, exit sql.NullString
	err = scan(&run.ID, &run.Service, &run.Cause, &run.Host, &run.Boot, &namespace, &pid, &start, &started, &ready, &after, &ended, &exit, &run.LogOffset)
	if err != nil {
		return run, err
	}
	run.Namespace, run.PID, run.Start = uint64(namespace), int(pid.Int64), uint64(start.Int64)
	run.StartedAt, _ = parseTime(started)
	run.ReadyAt, _ = parseTime(ready)
	run.EndedAfter, _ = parseTime(after)
	if run.EndedAt, err = parseTime(ended); err != nil {
		run.EndedAt = run.StartedAt
	}
	if exit.Valid {
		run.Exit = new(tend.Exit)
		if json.Unmarshal([]byte(exit.String), run.Exit) != nil {
			run.Exit = &tend.Exit{Unknown: true}
		}
	}
	return run, nil
}
