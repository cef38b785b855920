package logs

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestChanges(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "server.sqlite")
	changes, err := Changes(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"server.sqlite", "server.sqlite-wal"} {
		write(name)
		select {
		case <-changes:
		case <-time.After(time.Minute):
			t.Fatalf("nothing is heard of %s", name)
		}
		for len(changes) > 0 { // of one write there may be several events
			<-changes
		}
	}
	if _, err := Changes(t.Context(), filepath.Join(dir, "none", "server.sqlite")); err == nil {
		t.Error("a directory that is not there can be watched")
	}
}
