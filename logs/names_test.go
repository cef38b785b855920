package logs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	database := filepath.Join(t.TempDir(), "server.sqlite")
	if names, err := Names(database); err != nil || len(names) > 0 {
		t.Errorf("without a directory: %q, %v", names, err)
	}
	if err := os.Mkdir(Directory(database), 0o700); err != nil {
		t.Fatal(err)
	}
	want := []string{"", "-x", "a b", "db.log", "web", "\xff日"}
	slices.Sort(want)
	for _, name := range append(want, strings.Repeat("long", 100)) {
		write(t, Path(database, name), "text")
	}
	for _, other := range []string{"web.log.index", "web.log.marks", "web.log.part", "web.log.0-x", "web.log.gz", "other", ".log", "%zz.log", "%41.log"} {
		write(t, filepath.Join(Directory(database), other), "text")
	}
	for _, archive := range []string{"web.log.0-10", "old.log.0-10", "older.log.0-10.gz"} {
		write(t, filepath.Join(Directory(database), archive), "text")
	}
	want = append(want, "old", "older")
	slices.Sort(want)
	if names, err := Names(database); err != nil || !slices.Equal(names, want) {
		t.Errorf("%q, %v, want %q", names, err, want)
	}
}
