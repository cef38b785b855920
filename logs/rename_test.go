package logs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestRename(t *testing.T) {
	database := filepath.Join(t.TempDir(), "db")
	if _, err := Rename(database, "web", "shop"); err != nil { // which has never written anything
		t.Fatal(err)
	}
	dir := Directory(database)
	make := func(names ...string) {
		for _, name := range names {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	there := func() []string {
		names, err := listDirectory(dir)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		return names
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	sent := filepath.Base(SentPath(database, "web", "/srv/log"))
	make("web.log", "web.log.0-10", "web.log.10-20.gz", "web.log.index", "web.log.marks", "web.log.sent", "web.hooks", sent, "web.log.part", "web.logo", "web2.log", "website.log")
	before := there()

	make("shop.log")
	if _, err := Rename(database, "web", "shop", "/srv/log"); !errors.Is(err, ErrTaken) {
		t.Error(err)
	}
	os.Remove(filepath.Join(dir, "shop.log"))
	if after := there(); !slices.Equal(before, after) {
		t.Errorf("refused, and now there are %q", after)
	}

	undo, err := Rename(database, "web", "shop", "/srv/log")
	if err != nil {
		t.Fatal(err)
	}
	undo()
	if after := there(); !slices.Equal(before, after) {
		t.Errorf("moved back, and now there are %q", after)
	}
	if _, err := Rename(database, "web", "shop", "/srv/log"); err != nil {
		t.Fatal(err)
	}
	want := []string{"shop.log", "shop.log.0-10", "shop.log.10-20.gz", "shop.log.index", "shop.log.marks", "shop.log.sent", "shop.hooks",
		filepath.Base(SentPath(database, "shop", "/srv/log")), "web.log.part", "web.logo", "web2.log", "website.log"}
	slices.Sort(want)
	if after := there(); !slices.Equal(after, want) {
		t.Errorf("there are %q", after)
	}
	if text, _ := os.ReadFile(Path(database, "shop")); string(text) != "web.log" {
		t.Errorf("%q", text)
	}
}

// TestRenameGoesOn where somebody died in the middle of it.
func TestRenameGoesOn(t *testing.T) {
	database := filepath.Join(t.TempDir(), "db")
	dir := Directory(database)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"shop.log.0-10", "web.log.10-20", "web.log.index", "web.log"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if _, err := Rename(database, "web", "shop"); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"shop.log.0-10", "shop.log.10-20", "shop.log.index", "shop.log"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}
