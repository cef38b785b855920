package cli

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tend/internal/testenv"
)

// writing are command lines that would change the database of someone with the services web and db.
var writing = [][]string{
	{"add", "new", "sleep 1"}, {"run", "new", "--", "sleep", "1"}, {"run", "web", "--", "sleep", "2"},
	{"remove", "web"}, {"initialize", "--yes"}, {"start", "web"}, {"restart", "--all"},
}

// reading are command lines that look into it.
var reading = [][]string{{"list"}, {"list", "--json"}, {"status", "web"}, {"logs", "web"}, {"stop", "web"}}

// TestUnusableDatabase breaks a database in every way: each command says so, and the database stays as it is.
func TestUnusableDatabase(t *testing.T) {
	for _, c := range []struct {
		name   string
		root   bool
		spoil  func(t *testing.T, w *world)
		status string
		words  []string
	}{
		{"not a database", false, func(t *testing.T, w *world) {
			must(t, os.WriteFile(w.database(), []byte(strings.Repeat("only some words\n", 1000)), 0o600))
		}, "1", []string{"is not a database", "SERVER_FILE"}},
		{"truncated", false, func(t *testing.T, w *world) { must(t, os.Truncate(w.database(), 8192)) }, "1", []string{"damaged", ".recover"}},
		{"truncated in the middle of a page", false, func(t *testing.T, w *world) { must(t, os.Truncate(w.database(), 6000)) }, "1", []string{"damaged"}},
		{"from a newer tend", false, func(t *testing.T, w *world) { w.hold("PRAGMA user_version = 9999")() }, "1", []string{"written by a newer tend (schema 9999", "SERVER_FILE"}},
		{"of another program", false, func(t *testing.T, w *world) { w.hold("PRAGMA application_id = 1")() }, "5", []string{"another program", "SERVER_FILE"}},
		{"writable by others", false, func(t *testing.T, w *world) { must(t, os.Chmod(w.database(), 0o666)) }, "1", []string{"chmod 600"}},
		{"of another user", true, func(t *testing.T, w *world) { must(t, os.Chown(w.database(), 65534, 65534)) }, "1", []string{"another user", "SERVER_FILE"}},
		{"a directory", false, func(t *testing.T, w *world) {
			must(t, os.Remove(w.database()), os.Mkdir(w.database(), 0o700))
		}, "2", []string{"is a directory", "SERVER_FILE"}},
		{"a pipe", false, func(t *testing.T, w *world) {
			must(t, os.Remove(w.database()), syscall.Mkfifo(w.database(), 0o600))
		}, "2", []string{"not a plain file", "SERVER_FILE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.root {
				testenv.NeedRoot(t)
			}
			w := newWorld(t)
			w.must("add", "web", "sleep 1")
			w.must("add", "db", "sleep 1")
			c.spoil(t, w)
			before := w.fingerprint()
			for _, args := range append(writing, reading...) {
				w.refused(c.status, c.words, args...)
			}
			if after := w.fingerprint(); after != before {
				t.Errorf("the database was\n%s\nand is\n%s", before, after)
			}
		})
	}
}

// fingerprint is what the database holds, or for what is none, what it is.
func (w *world) fingerprint() string {
	info, err := os.Stat(w.database())
	must(w.t, err)
	if !info.Mode().IsRegular() {
		return info.Mode().String()
	}
	return info.Mode().String() + w.dump()
}

// TestForbiddenDatabase: of a user whom the permissions keep out.
func TestForbiddenDatabase(t *testing.T) {
	t.Run("unreadable", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t).withoutRoot()
		w.must("add", "web", "sleep 1")
		before := w.dump()
		must(t, os.Chmod(w.database(), 0))
		for _, args := range append(writing, reading...) {
			w.refused("1", []string{"cannot be read and written (mode 0000)", "chmod 600"}, args...)
		}
		must(t, os.Chmod(w.database(), 0o600))
		if after := w.dump(); after != before {
			t.Errorf("the database was\n%s\nand is\n%s", before, after)
		}
	})
	t.Run("in a directory that is not writable", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t).withoutRoot()
		must(t, os.Chmod(w.home, 0o555))
		w.refused("1", []string{"permission denied", "chmod u+rwx"}, "add", "web", "sleep 1")
		must(t, os.Chmod(w.home, 0o755))
		if _, err := os.Stat(w.database()); err == nil {
			t.Error("there is a database")
		}
	})
}

// TestForbiddenFiles: what a definition names and the user may not use.
func TestForbiddenFiles(t *testing.T) {
	w := newWorld(t).withoutRoot()
	w.must("add", "web", "sleep 1")
	shut, dark, fixed := filepath.Join(w.home, "shut"), filepath.Join(w.home, "dark"), filepath.Join(w.home, "fixed")
	must(t, os.Mkdir(shut, 0o755), os.Mkdir(dark, 0), os.Chmod(shut, 0o555), os.WriteFile(fixed, nil, 0o444), os.Chmod(fixed, 0o444))
	if w.user != nil {
		for _, path := range []string{shut, dark, fixed} {
			must(t, os.Chown(path, int(w.user.Uid), int(w.user.Gid)))
		}
	}
	before := w.dump()
	for _, command := range []string{"add", "run"} {
		w.refused("2", []string{"the working directory " + dark, "permission denied"}, command, "-w", dark, "new", "sleep 1")
		w.refused("2", []string{"--stdout: the directory " + shut, "permission denied"}, command, "-o", filepath.Join(shut, "log"), "new", "sleep 1")
		w.refused("2", []string{"--stdout: " + fixed + " cannot be written"}, command, "-o", fixed, "new", "sleep 1")
		w.refused("2", []string{"--stderr: " + fixed + " cannot be written"}, command, "-e", fixed, "new", "sleep 1")
		w.refused("2", []string{"--stdin: ", "permission denied"}, command, "-i", filepath.Join(dark, "in"), "new", "sleep 1")
	}
	if after := w.dump(); after != before {
		t.Errorf("the database was\n%s\nand is\n%s", before, after)
	}
	if made, _ := filepath.Glob(filepath.Join(shut, "*")); len(made) > 0 {
		t.Errorf("there is %v", made)
	}
	must(t, os.Chmod(dark, 0o700))
}

// TestLockedDatabase: somebody else holds the database for longer than one waits.
func TestLockedDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must("add", "web", "sleep 1")
	before := w.dump()
	release := w.hold("PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE")
	var all sync.WaitGroup // each waits for five seconds
	for _, args := range [][]string{{"add", "new", "sleep 1"}, {"remove", "web"}, {"list"}} {
		all.Go(func() { w.refused("75", []string{"another program holds the database", "try again"}, args...) })
	}
	all.Wait()
	release()
	if after := w.dump(); after != before {
		t.Errorf("the database was\n%s\nand is\n%s", before, after)
	}
	if out := w.must("list"); !strings.Contains(out, "web") {
		t.Error(out)
	}
}

// TestFullDisk: nothing can be written, and nothing that was is lost.
func TestFullDisk(t *testing.T) {
	testenv.NeedRoot(t)
	w := newWorld(t)
	if err := unix.Mount("tmpfs", w.home, "tmpfs", 0, "mode=755,size=1m"); err != nil {
		testenv.Missing(t, "a small file system cannot be mounted: "+err.Error())
	}
	t.Cleanup(func() { must(t, unix.Unmount(w.home, 0)) })
	w.must("add", "web", "sleep 1")
	before := w.dump()
	filler, err := os.Create(filepath.Join(w.home, "filler"))
	must(t, err)
	for err == nil {
		_, err = filler.Write(make([]byte, 512))
	}
	filler.Close()
	w.refused("1", []string{"df -h"}, "add", "new", "sh -c "+strings.Repeat("x", 20_000))
	must(t, os.Remove(filler.Name()))
	if after := w.dump(); after != before {
		t.Errorf("the database was\n%s\nand is\n%s", before, after)
	}
	w.must("add", "new", "sleep 1")
}
