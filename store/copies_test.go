package store

import (
	"context"
	"slices"
	"testing"

	"tend"
)

// The states of copies go with their service, and with nobody else.
func TestStatesOfCopies(t *testing.T) {
	s := newStore(t)
	for _, name := range []string{"web", "web2", "we", "web_"} {
		check(t, s.Add(background, simple(name)))
	}
	check(t, s.write(background, "adding an old name", false, func(ctx context.Context) error {
		return s.exec(ctx, "INSERT INTO process (name) VALUES ('web@7'), ('%'), ('web@')")
	}))
	b := batchFor("web")
	for _, name := range []string{"web@1", "web@12", "web2", "web2@1", "we@1", "web_@1", "web@7", "web@7@1", "%@1", "web@", "gone@1", "web@x"} {
		b.States[name] = tend.State{Phase: tend.PhaseStopped}
	}
	check(t, s.Commit(background, b))
	states := func() []string { return plain(t, s.path, "SELECT service FROM state ORDER BY service") }
	if want := []string{"%@1", "we@1", "web", "web2", "web2@1", "web@", "web@1", "web@12", "web@7", "web@7@1", "web_@1"}; !slices.Equal(states(), want) {
		t.Fatalf("got  %v\nwant %v", states(), want)
	}
	if got := plain(t, s.path, "SELECT name, pid FROM process WHERE pid IS NOT NULL"); !slices.Equal(got, []string{"web|4711"}) {
		t.Errorf("pids %v", got)
	}
	plain(t, s.path, "UPDATE process SET name = 'site' WHERE name = 'web'")
	if want := []string{"%@1", "site", "site@1", "site@12", "we@1", "web2", "web2@1", "web@", "web@7", "web@7@1", "web_@1"}; !slices.Equal(states(), want) {
		t.Fatalf("got  %v\nwant %v", states(), want)
	}
	check(t, s.Commit(background, Batch{Forget: []string{"site@12"}}))
	plain(t, s.path, "DELETE FROM process WHERE name = '%'")
	check(t, s.Remove(background, "site"))
	if want := []string{"we@1", "web2", "web2@1", "web@", "web@7", "web@7@1", "web_@1"}; !slices.Equal(states(), want) {
		t.Fatalf("got  %v\nwant %v", states(), want)
	}
}

// Runs of copies are not those of services that are no more.
func TestRunsOfCopiesStay(t *testing.T) {
	s := newStore(t)
	check(t, s.Add(background, simple("web")))
	b := batchFor("web@1")
	b.Runs[0].EndedAt, b.Runs[0].Exit = instant, &tend.Exit{}
	gone := b.Runs[0]
	gone.ID, gone.Service = "run-2", "other@1"
	b.Runs = append(b.Runs, gone)
	check(t, s.Commit(background, b))
	plain(t, s.path, "DELETE FROM event")
	plain(t, s.path, "INSERT INTO event (id, at, service, kind, text) VALUES (1023, '2030', 'web', 'ready', '')")
	check(t, s.Commit(background, Batch{Notes: []tend.Entry{{At: instant.AddDate(9, 0, 0), Service: "web", Kind: tend.NoteReady}}}))
	if got := plain(t, s.path, "SELECT service FROM run"); !slices.Equal(got, []string{"web@1"}) {
		t.Errorf("runs of %v", got)
	}
}
