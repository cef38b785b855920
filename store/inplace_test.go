package store

import (
	"errors"
	"io/fs"
	"os"
	"testing"
)

func TestInPlace(t *testing.T) {
	s := newStore(t)
	check(t, s.Add(background, simple("web")))
	check(t, s.InPlace())
	check(t, os.Rename(s.path, s.path+".away"))
	if err := s.InPlace(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
	check(t, os.Rename(s.path+".away", s.path))
	check(t, s.InPlace())
}

// Another database at the same path keeps what is in its write-ahead log when the first one is closed.
func TestInPlaceOfAnother(t *testing.T) {
	s := newStore(t)
	check(t, s.Add(background, simple("web")))
	for _, suffix := range []string{"", "-wal", "-shm"} {
		check(t, os.Remove(s.path+suffix))
	}
	other := openStore(t, s.path, Create)
	check(t, other.Add(background, simple("db")))
	if err := s.InPlace(); !errors.Is(err, ErrReplaced) {
		t.Errorf("with another file: %v", err)
	}
	check(t, s.Close())
	if _, err := os.Stat(s.path + "-wal"); err != nil {
		t.Error(err)
	}
	third := openStore(t, s.path, Existing)
	services, err := third.Services(background)
	check(t, err)
	if len(services) != 1 || services[0].Name != "db" {
		t.Errorf("services %+v", services)
	}
}
