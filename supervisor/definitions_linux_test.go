package supervisor

import (
	"path/filepath"
	"testing"

	"tend"
	"tend/store"
)

// Another command's change has the definitions read again before the removal is written down.
func TestWhatIsRemovedDoesNotComeBackBeforeItsRowIsGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sqlite")
	ours, others := openStore(t, path), openStore(t, path)
	add := func(name string) {
		if err := others.Add(t.Context(), tend.Service{Name: name, CommandLine: "true"}); err != nil {
			t.Fatal(err)
		}
	}
	add("web")
	s := &Supervisor{ctx: t.Context(), store: ours, services: map[string]*service{}, pending: newPending()}
	s.near = s.newNeighbours()
	if err := s.refresh(); err != nil {
		t.Fatal(err)
	}
	web := s.services["web"]
	s.remove(web, &operation{all: []*service{web}, news: newMailbox[news]()})
	add("db")
	if err := s.refresh(); err != nil {
		t.Fatal(err)
	}
	if s.services["web"] != nil || s.services["db"] == nil {
		t.Errorf("there are %v", s.names())
	}
}

func openStore(t *testing.T, path string) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), path, store.Create)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
