package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"tend"
)

const selectEntries = "SELECT id, at, service, run, kind, text, supervision FROM event"

// HistoryQuery says which entries of the history are wanted. A zero field does not limit them.
type HistoryQuery struct {
	Services []string  // of these; tend's own entries have the service ""
	After    int64     // those that were written after the entry of this id
	Since    time.Time // what happened then or later
	Last     int       // the last so many
}

// History returns entries in the order in which they were written.
func (s *Store) History(ctx context.Context, q HistoryQuery) (entries []tend.Entry, err error) {
	query, args := q.sql()
	err = s.read(ctx, "reading the history", func(ctx context.Context) error {
		return s.each(ctx, query, args, func(scan func(...any) error) error {
			entry, err := scanEntry(scan)
			entries = append(entries, entry)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

func (q HistoryQuery) sql() (query string, args []any) {
	where := []string{"id > ?"}
	args = append(args, q.After)
	if !q.Since.IsZero() {
		where = append(where, "at >= ?")
		args = append(args, timeText(q.Since))
	}
	if len(q.Services) > 0 {
		where = append(where, "service IN (?"+strings.Repeat(", ?", len(q.Services)-1)+")")
		for _, name := range q.Services {
			args = append(args, name)
		}
	}
	limit := q.Last
	if limit <= 0 {
		limit = -1
	}
	query = selectEntries + " WHERE " + strings.Join(where, " AND ") + " ORDER BY id DESC LIMIT ?"
	return "SELECT * FROM (" + query + ") ORDER BY id", append(args, limit)
}

// Absences returns the times in which nobody supervised, eldest first, as far back as the history goes.
func (s *Store) Absences(ctx context.Context) ([]tend.Absence, error) {
	entries, err := s.History(ctx, HistoryQuery{Services: []string{""}})
	var absences []tend.Absence
	for _, e := range entries {
		if e.Supervision != nil && e.Supervision.Away != nil {
			absences = append(absences, *e.Supervision.Away)
		}
	}
	return absences, err
}

// LastSupervision returns who supervised last, nil if that is not known, and when the last thing was written into the
// history, the zero time if nothing ever was.
func (s *Store) LastSupervision(ctx context.Context) (last *tend.Supervision, written time.Time, err error) {
	err = s.read(ctx, "reading who supervised last", func(ctx context.Context) error {
		take := func(scan func(...any) error) error {
			e, err := scanEntry(scan)
			if e.Supervision != nil {
				last = e.Supervision
			}
			if e.At.After(written) {
				written = e.At
			}
			return err
		}
		if err := s.each(ctx, selectEntries+" WHERE service = '' ORDER BY id DESC LIMIT 1", nil, take); err != nil {
			return err
		}
		return s.each(ctx, selectEntries+" ORDER BY id DESC LIMIT 1", nil, take)
	})
	return last, written, err
}

// Remembers reports whether there is anything in the history, or a run, of a service of that name, which need not be there
// any more.
func (s *Store) Remembers(ctx context.Context, service string) (found bool, err error) {
	err = s.read(ctx, "looking for "+service+" in the history", func(ctx context.Context) error {
		n, err := s.number(ctx, "SELECT EXISTS (SELECT 1 FROM run WHERE service = ?1) OR EXISTS (SELECT 1 FROM event WHERE service = ?1)", service)
		found = n != 0
		return err
	})
	return found && service != "", err
}

// scanEntry never fails because of what somebody has put into a row: that entry says less.
func scanEntry(scan func(...any) error) (e tend.Entry, err error) {
	var at, run, supervision sql.NullString
	if err = scan(&e.ID, &at, &e.Service, &run, &e.Kind, &e.Text, &supervision); err != nil {
		return e, err
	}
	e.Run = run.String
	e.At, _ = parseTime(at)
	if supervision.Valid {
		e.Supervision = new(tend.Supervision)
		if json.Unmarshal([]byte(supervision.String), e.Supervision) != nil {
			e.Supervision = nil
		}
	}
	return e, nil
}
