package store

import (
	"context"
	"fmt"
	"time"

	"tend"
)

// Batch is everything that the supervisor has to write at once.
type Batch struct {
	Place tend.Place // where the states, and runs without a place, belong
	// BootedAt is when the host was booted, by the clock that tells the times of the states; zero: that is not known.
	BootedAt time.Time
	States   map[string]tend.State // by service, or copy of one; what was removed meanwhile is passed over
	Runs     []tend.Run            // added, or replaced by id
	Notes    []tend.Entry          // added to the history, which gives them their ids
	Remove   []string              // services to remove with their states; runs and history stay
	Forget   []string              // states to remove, of copies that are no more
}

// Commit writes the batch in one transaction: all of it or nothing. It survives the death of any process at any
// moment; on a local disk a power failure may undo the last ones, never half of one.
func (s *Store) Commit(ctx context.Context, b Batch) error {
	return s.write(ctx, "writing what happened", false, func(ctx context.Context) error {
		for _, name := range b.Remove {
			if err := s.exec(ctx, deleteService, name); err != nil {
				return err
			}
		}
		for _, name := range b.Forget {
			if err := s.exec(ctx, "DELETE FROM state WHERE service = ?", name); err != nil {
				return err
			}
		}
		if err := s.putStates(ctx, b); err != nil {
			return err
		}
		if err := s.putRuns(ctx, b); err != nil {
			return err
		}
		return s.putNotes(ctx, b.Notes)
	})
}

// putStates writes the states, and into the script's column the pid that belongs to each.
func (s *Store) putStates(ctx context.Context, b Batch) error {
	if len(b.States) == 0 {
		return nil
	}
	place, err := document(b.Place)
	if err != nil {
		return fmt.Errorf("the place: %w", err)
	}
	for service, state := range b.States {
		text, err := document(dated{state, b.BootedAt.UTC()})
		if err != nil {
			return fmt.Errorf("the state of %s: %w", service, err)
		}
		err = s.exec(ctx, `INSERT INTO state (service, phase, wanted, state, place) SELECT ?1, ?2, ?3, ?4, ?5
			WHERE EXISTS (SELECT 1 FROM process WHERE name IN (?1, ?6))
			ON CONFLICT (service) DO UPDATE SET phase = excluded.phase, wanted = excluded.wanted, state = excluded.state, place = excluded.place`,
			service, string(state.Phase), state.Wanted, text, place, copied(service))
		if err != nil {
			return err
		}
		if err := s.exec(ctx, "UPDATE process SET pid = ?2 WHERE name = ?1 AND pid IS NOT ?2", service, nullable(state.Main.PID)); err != nil {
			return err
		}
	}
	return nil
}

// copied is the name of the service that this is the name of a copy of, or else the name itself.
func copied(name string) string {
	if service, _, ok := tend.ParseCopy(name); ok {
		return service
	}
	return name
}

func (s *Store) putRuns(ctx context.Context, b Batch) error {
	for _, run := range b.Runs {
		place := run.Place
		if place == (tend.Place{}) {
			place = b.Place
		}
		var exit, code, signal any
		if run.Exit != nil {
			text, err := document(run.Exit)
			if err != nil {
				return fmt.Errorf("the exit of run %s: %w", run.ID, err)
			}
			exit, code, signal = text, exitCode(*run.Exit), nullable(run.Exit.Signal)
		}
		err := s.exec(ctx, `INSERT INTO run (id, service, cause, host, boot, namespace, pid, start, started_at, ready_at, ended_after, ended_at, exit_code, exit_signal, exit, log_offset)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET service = excluded.service, cause = excluded.cause, host = excluded.host, boot = excluded.boot,
				namespace = excluded.namespace, pid = excluded.pid, start = excluded.start, started_at = excluded.started_at,
				ready_at = excluded.ready_at, ended_after = excluded.ended_after, ended_at = excluded.ended_at, exit_code = excluded.exit_code,
				exit_signal = excluded.exit_signal, exit = excluded.exit, log_offset = excluded.log_offset`,
			run.ID, run.Service, string(run.Cause), place.Host, place.Boot, int64(place.Namespace), nullable(run.PID), nullable(int64(run.Start)),
			run.StartedAt.UTC().Format(timeLayout), timeText(run.ReadyAt), timeText(run.EndedAfter), timeText(run.EndedAt), code, signal, exit, run.LogOffset)
		if err != nil {
			return err
		}
		if !run.EndedAt.IsZero() {
			if err := s.pruneRuns(ctx, run); err != nil {
				return err
			}
		}
	}
	return nil
}

// exitCode is the exit status of a run that had one, NULL for one that was killed, was lost, or never began.
func exitCode(e tend.Exit) any {
	if e.Signal != "" || e.Unknown || e.Lost != "" || e.Error != "" {
		return nil
	}
	return e.Code
}

func (s *Store) putNotes(ctx context.Context, notes []tend.Entry) error {
	var last int64
	for _, n := range notes {
		var supervision any
		if n.Supervision != nil {
			text, err := document(n.Supervision)
			if err != nil {
				return fmt.Errorf("the supervision: %w", err)
			}
			supervision = text
		}
		result, err := s.run(ctx, "INSERT INTO event (at, service, run, kind, text, supervision) VALUES (?, ?, ?, ?, ?, ?)",
			n.At.UTC().Format(timeLayout), n.Service, nullable(n.Run), string(n.Kind), n.Text, supervision)
		if err != nil {
			return err
		}
		if last, err = result.LastInsertId(); err != nil {
			return err
		}
	}
	return s.pruneEvents(ctx, last, int64(len(notes)))
}
