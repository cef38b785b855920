package store

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"tend"
)

// whole is all that the database says of services, so that nothing of a change that is undone can hide.
func whole(t *testing.T, s *Store) (lines []string) {
	for _, query := range []string{"SELECT * FROM process ORDER BY 1", "SELECT * FROM state ORDER BY 1", "SELECT * FROM run ORDER BY 1", "SELECT * FROM event ORDER BY 1"} {
		lines = append(lines, plain(t, s.path, query)...)
	}
	return lines
}

func TestReviseIsWholeOrNotAtAll(t *testing.T) {
	s := newStore(t)
	for _, name := range []string{"a", "b", "c"} {
		check(t, s.Add(background, simple(name)))
	}
	before := whole(t, s)
	changed := everything()
	changed.Name = "a"
	good := Revision{Add: []tend.Service{simple("d")}, Change: []tend.Service{changed}, Remove: []string{"b"}}
	last := errors.New("the last word")
	for _, bad := range []Revision{
		{Add: []tend.Service{simple("d"), simple("c")}, Change: good.Change, Remove: good.Remove},
		{Add: good.Add, Change: []tend.Service{changed, simple("nobody")}, Remove: good.Remove},
		{Add: good.Add, Change: good.Change, Remove: good.Remove, Rename: map[string]string{"c": "a"}},
		{Add: good.Add, Change: good.Change, Remove: good.Remove, Last: func() error { return last }},
	} {
		err := s.Revise(background, func([]tend.Service) (Revision, error) { return bad, nil })
		if err == nil {
			t.Errorf("%+v was made", bad)
		}
		if after := whole(t, s); !reflect.DeepEqual(after, before) {
			t.Fatalf("%v\nbefore %q\nafter  %q", err, before, after)
		}
	}
	var want []tend.Service
	check(t, s.Revise(background, func(now []tend.Service) (Revision, error) {
		want = good.Result(now)
		return good, nil
	}))
	got, err := s.Services(background)
	check(t, err)
	if !reflect.DeepEqual(got, want) || len(got) != 3 {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestRename(t *testing.T) {
	s := newStore(t)
	for _, name := range []string{"old", "other", "old2"} {
		check(t, s.Add(background, simple(name)))
	}
	exit := tend.Exit{Code: 3}
	state := tend.State{Phase: tend.PhaseFailed, Wanted: true, Exit: &exit, Ended: instant}
	check(t, s.Commit(background, Batch{
		States: map[string]tend.State{"old": state, "old2": {Phase: tend.PhaseStopped}},
		Runs:   []tend.Run{{ID: "r1", Service: "old", StartedAt: instant}, {ID: "r2", Service: "old@1", StartedAt: instant}, {ID: "r3", Service: "old2", StartedAt: instant}, {ID: "r4", Service: "old@x", StartedAt: instant}},
		Notes:  []tend.Entry{{Service: "old", At: instant, Kind: tend.NoteLog, Text: "x"}},
	}))
	rename := func(old, new string) error {
		return s.Revise(background, func([]tend.Service) (Revision, error) { return Revision{Rename: map[string]string{old: new}}, nil })
	}
	if err := rename("old", "other"); tend.CodeOf(err) != tend.CodeConflict || !strings.Contains(err.Error(), "a service other already") {
		t.Error(err)
	}
	check(t, rename("old", "new"))
	states, err := s.States(background)
	check(t, err)
	if got := states["new"].State; !reflect.DeepEqual(got, state) || states["old"].Phase != "" || len(states) != 2 {
		t.Errorf("%+v", states)
	}
	if got := strings.Join(plain(t, s.path, "SELECT id, service FROM run ORDER BY id"), " "); got != "r1|new r2|new@1 r3|old2 r4|old@x" {
		t.Error(got)
	}
	if got := plain(t, s.path, "SELECT service FROM event"); got[0] != "new" {
		t.Error(got)
	}
	state.Phase = tend.PhaseBackoff
	check(t, s.Commit(background, Batch{States: map[string]tend.State{"new": state}}))
	before := whole(t, s)
	if err := rename("new", "old"); tend.CodeOf(err) != tend.CodeConflict || !strings.Contains(err.Error(), "new is backoff") {
		t.Error(err)
	}
	if after := whole(t, s); !reflect.DeepEqual(after, before) {
		t.Errorf("before %q\nafter %q", before, after)
	}
}
