package store

import (
	"context"
	"hash/fnv"

	"tend"
)

// History does not grow for ever. What goes, goes in steps and without anything to remember between commits: which
// commit prunes follows from the ids that it writes, so it does not matter how often the supervisor is replaced.
const (
	keptRuns   = 200    // ended ones, of each service; somewhat more until the next pruning
	keptEvents = 20_000 // of all services and of tend itself; and as many more as one step
	keptOwn    = 1_000  // of tend itself: however often the supervisor is replaced, what services did is not pushed out
	runStep    = 16     // one ended run in so many prunes those of its service
	eventStep  = 1_024
)

// pruneRuns removes the old runs of the service of a run that has ended.
func (s *Store) pruneRuns(ctx context.Context, run tend.Run) error {
	h := fnv.New32a()
	h.Write([]byte(run.ID))
	if h.Sum32()%runStep != 0 {
		return nil
	}
	return s.exec(ctx, `DELETE FROM run WHERE service = ?1 AND ended_at IS NOT NULL AND started_at <=
		(SELECT started_at FROM run WHERE service = ?1 AND ended_at IS NOT NULL ORDER BY started_at DESC LIMIT 1 OFFSET ?2)`,
		run.Service, keptRuns)
}

// pruneEvents removes the oldest events after so many were added, the last one with that id. With them go the runs of
// services that are no more, once all events are newer than they are.
func (s *Store) pruneEvents(ctx context.Context, last, added int64) error {
	if last/eventStep == (last-added)/eventStep {
		return nil
	}
	if err := s.exec(ctx, `DELETE FROM event WHERE service = '' AND id <=
		(SELECT id FROM event WHERE service = '' ORDER BY id DESC LIMIT 1 OFFSET ?)`, keptOwn); err != nil {
		return err
	}
	count, err := s.number(ctx, "SELECT count(*) FROM event")
	if err != nil {
		return err
	}
	if surplus := count - keptEvents; surplus > 0 {
		if err := s.exec(ctx, "DELETE FROM event WHERE id <= (SELECT id FROM event ORDER BY id LIMIT 1 OFFSET ?)", surplus-1); err != nil {
			return err
		}
	}
	return s.exec(ctx, `DELETE FROM run WHERE ended_at < (SELECT at FROM event ORDER BY id LIMIT 1)
		AND service NOT IN (SELECT name FROM process) AND rtrim(service, '0123456789') NOT IN (SELECT name || '@' FROM process)`)
}
