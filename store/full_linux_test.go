package store

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"tend"
)

// smallDisk mounts a file system of that many bytes.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=700,size="+size); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	t.Cleanup(func() { check(t, unix.Unmount(dir, 0)) })
	return dir
}

// fill uses up what is left of a file system, until the returned function is called.
func fill(t *testing.T, dir string) (release func()) {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	check(t, err)
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	return func() { check(t, os.Remove(name)) }
}

func TestDiskFull(t *testing.T) {
	dir := smallDisk(t, "1m")
	path := filepath.Join(dir, "server.sqlite")
	made(t, path)
	s := openStore(t, path, Existing)
	_, err := s.Services(background)
	check(t, err)

	release := fill(t, dir)
	wantError(t, s.Add(background, large("large", 100_000)), tend.CodeFailed, "adding large: no space is left for the database "+path, "df -h "+dir)
	if _, err := s.Initialize(background); tend.CodeOf(err) != tend.CodeFailed {
		t.Errorf("initialize: %v", err)
	}
	if left, _ := filepath.Glob(path + "-before*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	release()
	wholeWithOneService(t, s)
	check(t, s.Close())
}

func TestOpenOnAFullDisk(t *testing.T) {
	dir := smallDisk(t, "1m")
	path := filepath.Join(dir, "server.sqlite")
	execute(t, path, script2008(t))
	release := fill(t, dir)
	_, err := Open(background, path, Existing)
	wantError(t, err, tend.CodeFailed, "no space is left for the database "+path, "df -h "+dir)
	_, err = Open(background, filepath.Join(dir, "new.sqlite"), Create)
	wantError(t, err, tend.CodeFailed, "no space is left for the database "+dir, "df -h "+dir)
	release()
	if left, _ := filepath.Glob(path + "-*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	s := openStore(t, path, Existing)
	if services, err := s.Services(background); err != nil || len(services) != len(fixture) {
		t.Errorf("%v, %v", services, err)
	}
	check(t, s.Close())
}

func TestReadOnlyFileSystem(t *testing.T) {
	dir := smallDisk(t, "1m")
	path := filepath.Join(dir, "server.sqlite")
	made(t, path)
	if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Skip(err)
	}
	_, err := Open(background, path, Existing)
	wantError(t, err, tend.CodeFailed, "cannot be written: read-only file system", "export SERVER_FILE=")
}
