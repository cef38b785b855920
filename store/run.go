package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"tend"
)

const selectRuns = `SELECT id, service, cause, host, boot, namespace, pid, start, started_at, ready_at, ended_at, exit, log_offset FROM run`

// LiveRuns returns the runs of which something may live: those without an end, and those whose main process has ended
// while the others of its tree are being stopped. The eldest comes first.
func (s *Store) LiveRuns(ctx context.Context) ([]tend.Run, error) {
	return s.runs(ctx, "reading the live runs", selectRuns+` WHERE ended_at IS NULL
		OR id IN (SELECT json_extract(state, '$.run') FROM state WHERE phase = 'stopping') ORDER BY started_at`)
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

func scanRun(scan func(...any) error) (run tend.Run, err error) {
	var namespace int64
	var pid, start sql.NullInt64
	var started, ready, ended, exit sql.NullString
	err = scan(&run.ID, &run.Service, &run.Cause, &run.Host, &run.Boot, &namespace, &pid, &start, &started, &ready, &ended, &exit, &run.LogOffset)
	if err != nil {
		return run, err
	}
	run.Namespace, run.PID, run.Start = uint64(namespace), int(pid.Int64), uint64(start.Int64)
	if run.StartedAt, err = parseTime(started); err != nil {
		return run, err
	}
	if run.ReadyAt, err = parseTime(ready); err != nil {
		return run, err
	}
	if run.EndedAt, err = parseTime(ended); err != nil {
		return run, err
	}
	if exit.Valid {
		run.Exit = new(tend.Exit)
		if err = json.Unmarshal([]byte(exit.String), run.Exit); err != nil {
			return run, fmt.Errorf("the exit of run %s: %w", run.ID, err)
		}
	}
	return run, nil
}
