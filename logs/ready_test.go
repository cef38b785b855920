package logs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func put(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err == nil {
		_, err = file.WriteString(text)
		file.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func ready(t *testing.T, r *Rotator, path string, max int64) Found {
	t.Helper()
	if err := r.Ready(path, Limits{Max: max}, time.Now()); err != nil {
		t.Fatal(err)
	}
	found, err := r.Look(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A log that nothing has to be done with is readied without a trace. One that is too long becomes an archive, by whatever
// way, and one that is shorter than it was goes on where it was.
func TestReady(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "web.log")
	r := &Rotator{}
	if found := ready(t, r, path, 1000); !found.Missing || found.End != 0 {
		t.Errorf("of a log that is yet to be there: %+v", found)
	}
	put(t, path, strings.Repeat("a line\n", 100))
	if found := ready(t, r, path, 1000); found.Size != 700 || found.End != 700 || found.File == nil {
		t.Errorf("of a short log: %+v", found)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("beside the log are %v", entries)
	}
	put(t, path, strings.Repeat("a line\n", 100))
	if found := ready(t, r, path, 1000); found.Size != 0 || found.End != 1400 {
		t.Errorf("of a log that was too long: %+v", found)
	}
	if got := Uncompressed(dir); !slices.Equal(got, []string{path}) {
		t.Errorf("archives of %v are not compressed", got)
	}
	put(t, path, "more\n")
	if found := ready(t, &Rotator{}, path, 1000); found.Size != 5 || found.End != 1405 {
		t.Errorf("of the next file: %+v", found)
	}
	if err := r.Compress(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if got := Uncompressed(dir); len(got) > 0 {
		t.Errorf("archives of %v are not compressed", got)
	}
	marker := NewMarker(MarksPath(path))
	if err := marker.Add(Mark{1405, time.Now()}); err != nil {
		t.Fatal(err)
	}
	marker.Close()
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	put(t, path, "new\n")
	if found, err := (&Rotator{}).Look(path, 0); err != nil || !found.Truncated || found.End != 1409 {
		t.Errorf("of a log that was cut short: %+v, %v", found, err)
	}
}

func TestUnfinished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.log")
	put(t, path, "a line\n")
	if Unfinished(path) {
		t.Error("a log that nobody has touched is unfinished")
	}
	for _, left := range []string{partPath(path), nextPath(path), packingPath(path)} {
		put(t, left, "half")
		if !Unfinished(path) {
			t.Errorf("%s is no trace", left)
		}
		if err := os.Remove(left); err != nil {
			t.Fatal(err)
		}
	}
	l := layout{cut: &cut{length: 4096}}
	if err := l.save(path, false); err != nil {
		t.Fatal(err)
	}
	if !Unfinished(path) {
		t.Error("a cut that was announced is no trace")
	}
}
