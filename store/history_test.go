package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tend"
)

// supervised is an entry of tend itself.
func supervised(at time.Time, pid int, away *tend.Absence) tend.Entry {
	return tend.Entry{At: at, Kind: tend.NoteSupervised, Text: "began", Supervision: &tend.Supervision{
		Identity: tend.Identity{PID: pid, Start: 7}, Place: here, Away: away,
	}}
}

func TestHistory(t *testing.T) {
	s := newStore(t)
	at := func(seconds int) time.Time { return instant.Add(time.Duration(seconds) * time.Second) }
	if last, written, err := s.LastSupervision(background); last != nil || !written.IsZero() || err != nil {
		t.Errorf("of an empty history: %v, %v, %v", last, written, err)
	}
	away := tend.Absence{From: at(4), Exact: true, To: at(9), Cause: tend.AwayCrashed, Exit: &tend.Exit{Signal: "KILL"}}
	check(t, s.Commit(background, Batch{Notes: []tend.Entry{
		supervised(at(0), 100, nil),
		{At: at(1), Service: "web", Run: "r1", Kind: tend.NoteStarted, Text: "runs"},
		{At: at(2), Service: "db", Kind: tend.NoteStarted, Text: "runs"},
		supervised(at(9), 101, &away),
		{At: at(5), Service: "web", Run: "r1", Kind: tend.NoteEnded, Text: "exited"},
	}}))
	for name, c := range map[string]struct {
		query HistoryQuery
		want  []int64
	}{
		"all":              {HistoryQuery{}, []int64{1, 2, 3, 4, 5}},
		"the last":         {HistoryQuery{Last: 2}, []int64{4, 5}},
		"of one":           {HistoryQuery{Services: []string{"web"}}, []int64{2, 5}},
		"of one and tend":  {HistoryQuery{Services: []string{"web", ""}, Last: 3}, []int64{2, 4, 5}},
		"new":              {HistoryQuery{After: 3}, []int64{4, 5}},
		"new, nothing":     {HistoryQuery{After: 5}, nil},
		"since":            {HistoryQuery{Since: at(5)}, []int64{4, 5}},
		"since, of one":    {HistoryQuery{Since: at(2), Services: []string{"db", "web"}}, []int64{3, 5}},
		"of nobody":        {HistoryQuery{Services: []string{"x'"}}, nil},
		"the last of many": {HistoryQuery{Last: 100}, []int64{1, 2, 3, 4, 5}},
	} {
		entries, err := s.History(background, c.query)
		check(t, err)
		var got []int64
		for _, e := range entries {
			got = append(got, e.ID)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, should be %v", name, got, c.want)
		}
	}
	entries, err := s.History(background, HistoryQuery{Services: []string{"web"}, Last: 1})
	check(t, err)
	if want := (tend.Entry{ID: 5, At: at(5), Service: "web", Run: "r1", Kind: tend.NoteEnded, Text: "exited"}); entries[0] != want {
		t.Errorf("%+v, should be %+v", entries[0], want)
	}
	last, written, err := s.LastSupervision(background)
	check(t, err)
	if last.PID != 101 || last.Place != here || last.Away.Exit.Signal != "KILL" || !last.Away.From.Equal(at(4)) || !written.Equal(at(9)) {
		t.Errorf("%+v, %s", last, written)
	}
	plain(t, s.path, "INSERT INTO event (at, service, kind, text, supervision) VALUES ('nonsense', '', 'x', 'y', '{')")
	absences, err := s.Absences(background)
	check(t, err)
	if len(absences) != 1 || !absences[0].To.Equal(at(9)) {
		t.Errorf("%+v", absences)
	}
	for name, want := range map[string]bool{"web": true, "": false, "nobody": false} {
		if got, err := s.Remembers(background, name); got != want || err != nil {
			t.Errorf("remembers %q: %v, %v", name, got, err)
		}
	}
}

// A run of which is only known between which times it ended comes back so.
func TestARunThatEndedAtAnUnknownMoment(t *testing.T) {
	s := newStore(t)
	run := tend.Run{ID: "r", Service: "web", StartedAt: instant, EndedAfter: instant.Add(time.Hour), EndedAt: instant.Add(2 * time.Hour), Exit: &tend.Exit{Unknown: true}}
	check(t, s.Commit(background, Batch{Place: here, Runs: []tend.Run{run}}))
	runs, err := s.Runs(background, "web", 0)
	check(t, err)
	if !runs[0].EndedAfter.Equal(run.EndedAfter) || !runs[0].EndedAt.Equal(run.EndedAt) {
		t.Errorf("%+v", runs[0])
	}
	if found, err := s.Remembers(background, "web"); !found || err != nil {
		t.Errorf("%v, %v", found, err)
	}
}

// However often the supervisor is replaced, what services did stays, and the last of tend's own entries as well.
func TestReplacementsDoNotPushOutTheHistoryOfServices(t *testing.T) {
	s := newStore(t)
	n := 0
	for round := range 40 {
		var notes []tend.Entry
		for range 1000 {
			n++
			if round >= 10 {
				notes = append(notes, supervised(instant, n, nil))
			} else {
				notes = append(notes, tend.Entry{At: instant, Service: "web", Kind: tend.NoteEnded, Text: fmt.Sprint(n)})
			}
		}
		check(t, s.Commit(background, Batch{Notes: notes}))
	}
	if got, _ := s.number(background, "SELECT count(*) FROM event WHERE service = 'web'"); got != 10_000 {
		t.Errorf("%d entries of the service are left of 10000", got)
	}
	if got, _ := s.number(background, "SELECT count(*) FROM event WHERE service = ''"); got < keptOwn || got > keptOwn+eventStep+1000 {
		t.Errorf("%d entries of tend itself", got)
	}
	if last, _, err := s.LastSupervision(background); err != nil || last.PID != n {
		t.Errorf("the last is %v, %v", last, err)
	}
}
