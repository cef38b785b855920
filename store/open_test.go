package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tend"
)

// wantError checks an error's code, and that its text and hint hold what they must.
func wantError(t *testing.T, err error, code tend.Code, message, hint string) {
	t.Helper()
	var e *tend.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error with %q", err, message)
	}
	if e.Code != code || !strings.Contains(e.Message, message) || !strings.Contains(e.Hint, hint) {
		t.Errorf("got  %s: %s; %s\nwant %s: …%s…; …%s…", e.Code, e.Message, e.Hint, code, message, hint)
	}
}

// snapshot is all that is in a directory: names, modes and bytes. No store may be open in it (see doc.go, the trap).
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		b.WriteString(path + " " + info.Mode().String() + "\n")
		if info.Mode().IsRegular() {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b.Write(content)
		}
		return nil
	}))
	return b.String()
}

// made makes a database with a service in it.
func made(t *testing.T, path string) {
	t.Helper()
	s := openStore(t, path, Create)
	check(t, s.Add(background, simple("web")))
	check(t, s.Close())
}

func TestRefusedFilesStayAsTheyAre(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, path string)
		code    tend.Code
		message string
		hint    string
	}{
		{"directory", func(t *testing.T, path string) { check(t, os.Mkdir(path, 0o700)) },
			tend.CodeUsage, "is a directory", "export SERVER_FILE="},
		{"fifo", func(t *testing.T, path string) { check(t, syscall.Mkfifo(path, 0o600)) },
			tend.CodeUsage, "is not a plain file", "export SERVER_FILE="},
		{"dangling link", func(t *testing.T, path string) { check(t, os.Symlink("/nowhere/at/all", path)) },
			tend.CodeFailed, "a symbolic link to /nowhere/at/all", "rm "},
		{"unreadable", func(t *testing.T, path string) { made(t, path); check(t, os.Chmod(path, 0)) },
			tend.CodeFailed, "cannot be read and written (mode 0000)", "chmod 600 "},
		{"read-only", func(t *testing.T, path string) { made(t, path); check(t, os.Chmod(path, 0o400)) },
			tend.CodeFailed, "cannot be read and written (mode 0400)", "chmod 600 "},
		{"writable by the group", func(t *testing.T, path string) { made(t, path); check(t, os.Chmod(path, 0o660)) },
			tend.CodeFailed, "can be written by others (mode 0660)", "chmod 600 "},
		{"writable by others", func(t *testing.T, path string) { made(t, path); check(t, os.Chmod(path, 0o602)) },
			tend.CodeFailed, "can be written by others (mode 0602)", "chmod 600 "},
		{"text", func(t *testing.T, path string) {
			check(t, os.WriteFile(path, []byte(strings.Repeat("hello\n", 500)), 0o600))
		}, tend.CodeFailed, "is not a database", "export SERVER_FILE="},
		{"text that others can read", func(t *testing.T, path string) {
			check(t, os.WriteFile(path, []byte(strings.Repeat("hello\n", 500)), 0o644))
		}, tend.CodeFailed, "is not a database", "export SERVER_FILE="},
		{"short text", func(t *testing.T, path string) { check(t, os.WriteFile(path, []byte("hello\n"), 0o600)) },
			tend.CodeFailed, "is not a database", "export SERVER_FILE="},
		{"truncated to half", func(t *testing.T, path string) { made(t, path); check(t, os.Truncate(path, fileSize(path)/2)) },
			tend.CodeFailed, "is damaged", ".recover"},
		{"truncated in the first page", func(t *testing.T, path string) { made(t, path); check(t, os.Truncate(path, 1000)) },
			tend.CodeFailed, "", ""},
		{"truncated to nothing, with a log", func(t *testing.T, path string) {
			check(t, os.WriteFile(path, nil, 0o600))
			check(t, os.WriteFile(path+"-wal", []byte("something"), 0o600))
		}, tend.CodeFailed, "was truncated", "restore a copy"},
		{"garbled schema", func(t *testing.T, path string) { made(t, path); overwrite(t, path, 100) },
			tend.CodeFailed, "is damaged", ".recover"},
		{"newer", func(t *testing.T, path string) { made(t, path); execute(t, path, "PRAGMA user_version = 999") },
			tend.CodeFailed, "was written by a newer tend (schema 999, this one knows 3)", "install that tend again"},
		{"tables of another program", func(t *testing.T, path string) { execute(t, path, "CREATE TABLE moz_places (url)") },
			tend.CodeConflict, "is the database of another program: it has no table process", "export SERVER_FILE="},
		{"application id of another program", func(t *testing.T, path string) {
			made(t, path)
			execute(t, path, "PRAGMA application_id = 252006673")
		}, tend.CodeConflict, "is the database of another program", "export SERVER_FILE="},
		{"version of another program", func(t *testing.T, path string) { execute(t, path, script2008(t)+"PRAGMA user_version = 1") },
			tend.CodeConflict, "is the database of another program", "export SERVER_FILE="},
		{"another table process", func(t *testing.T, path string) {
			execute(t, path, "CREATE TABLE process (name PRIMARY KEY, pid, command_line, stdin, stdout, stderr)")
		}, tend.CodeConflict, "its table process has no column working_directory", "export SERVER_FILE="},
		{"process without its key", func(t *testing.T, path string) {
			execute(t, path, "CREATE TABLE process (name, pid, command_line, working_directory, stdin, stdout, stderr)")
		}, tend.CodeConflict, "the primary key of its table process is not name", "export SERVER_FILE="},
		{"process is a view", func(t *testing.T, path string) {
			execute(t, path, "CREATE VIEW process AS SELECT 1 name, 2 pid, 3 command_line, 4 working_directory, 5 stdin, 6 stdout, 7 stderr")
		}, tend.CodeConflict, "the primary key of its table process is not name", "export SERVER_FILE="},
		{"settings of its own", func(t *testing.T, path string) {
			execute(t, path, script2008(t)+"ALTER TABLE process ADD COLUMN settings")
		}, tend.CodeConflict, "a column settings of its own", "export SERVER_FILE="},
		{"event of its own", func(t *testing.T, path string) { execute(t, path, script2008(t)+"CREATE TABLE event (x)") },
			tend.CodeConflict, "a table event of its own", "export SERVER_FILE="},
		{"meta of its own", func(t *testing.T, path string) { execute(t, path, script2008(t)+"CREATE TABLE meta (x)") },
			tend.CodeConflict, "a table meta of its own", "export SERVER_FILE="},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "server.sqlite")
			test.prepare(t, path)
			before := snapshot(t, dir)
			for _, mode := range []Mode{Existing, Create} {
				s, err := Open(background, path, mode)
				if err == nil {
					s.Close()
					t.Fatal("no error")
				}
				if mode == Create || !errors.Is(err, ErrNotFound) {
					wantError(t, err, test.code, test.message, test.hint)
				}
			}
			if after := snapshot(t, dir); after != before {
				t.Errorf("something changed:\nbefore %.2000q\nafter  %.2000q", before, after)
			}
		})
	}
}

// overwrite garbles a part of a file.
func overwrite(t *testing.T, path string, offset int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	check(t, err)
	defer f.Close()
	_, err = f.WriteAt([]byte(strings.Repeat("\xff\x00garbage", 100)), offset)
	check(t, err)
}

func TestDamagedInTheMiddle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.sqlite")
	s := openStore(t, path, Create)
	for _, name := range strings.Fields("a b c d e f g h") {
		service := simple(name)
		service.Description = strings.Repeat("long ", 2000)
		check(t, s.Add(background, service))
	}
	page, err := s.number(background, "SELECT rootpage FROM sqlite_master WHERE name = 'process'")
	check(t, err)
	check(t, s.Close())
	overwrite(t, path, (page-1)*4096)
	s = openStore(t, path, Existing)
	_, err = s.Services(background)
	wantError(t, err, tend.CodeFailed, "reading the services: the database "+path+" is damaged (", ".recover")
}

func TestNoDatabase(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(background, filepath.Join(dir, "server.sqlite"), Existing)
	wantError(t, err, tend.CodeFailed, "there is no database "+dir, "tend run NAME -- COMMAND")
	if !errors.Is(err, ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not ErrNotFound", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("it made %v", left)
	}
}

func TestNoDirectory(t *testing.T) {
	dir := t.TempDir()
	for _, mode := range []Mode{Existing, Create} {
		_, err := Open(background, filepath.Join(dir, "my dir", "server.sqlite"), mode)
		wantError(t, err, tend.CodeFailed, "does not exist", "mkdir -p '"+dir+"/my dir'")
		if errors.Is(err, fs.ErrNotExist) {
			t.Error("a wrong directory looks like a database not yet made")
		}
	}
	check(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	_, err := Open(background, filepath.Join(dir, "file", "server.sqlite"), Create)
	wantError(t, err, tend.CodeFailed, "is not a directory", "export SERVER_FILE=")
	_, err = Open(background, filepath.Join(dir, "file", "deeper", "server.sqlite"), Create)
	wantError(t, err, tend.CodeFailed, "is not a directory", "export SERVER_FILE=")
}

func TestPath(t *testing.T) {
	for _, test := range []struct{ file, home, want string }{
		{"/x/y.sqlite", "/home/me", "/x/y.sqlite"},
		{"", "/home/me", "/home/me/server.sqlite"},
	} {
		getenv := func(name string) string { return map[string]string{"SERVER_FILE": test.file, "HOME": test.home}[name] }
		if got, err := Path(getenv); got != test.want || err != nil {
			t.Errorf("got %s, %v; want %s", got, err, test.want)
		}
	}
	for _, home := range []string{"", "relative"} {
		_, err := Path(func(name string) string { return map[string]string{"HOME": home}[name] })
		wantError(t, err, tend.CodeUsage, "HOME", "export SERVER_FILE=")
	}
	wd, err := os.Getwd()
	check(t, err)
	got, err := Path(func(name string) string { return map[string]string{"SERVER_FILE": "a/b"}[name] })
	if got != filepath.Join(wd, "a/b") || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestOddPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "50% #1? ü&mode=memory.sqlite")
	made(t, path)
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("%v, %v", info, err)
	}
	s := openStore(t, path, Existing)
	if services, err := s.Services(background); err != nil || len(services) != 1 {
		t.Errorf("%v, %v", services, err)
	}
}

func TestFilesAreOurs(t *testing.T) {
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	s := newStore(t)
	check(t, s.Add(background, simple("web")))
	for _, name := range []string{"", "-wal", "-shm"} {
		if info, err := os.Stat(s.path + name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestReadersAreShutOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.sqlite")
	made(t, path)
	check(t, os.Chmod(path, 0o644))
	s := openStore(t, path, Existing)
	if !strings.Contains(s.Notice(), "its mode is 0600 now") {
		t.Errorf("notice %q", s.Notice())
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestEmptyFileIsADatabaseNotYetMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.sqlite")
	check(t, os.WriteFile(path, nil, 0o600))
	s := openStore(t, path, Existing)
	if services, err := s.Services(background); err != nil || len(services) != 0 || s.Notice() != "" {
		t.Errorf("%v, %v, notice %q", services, err, s.Notice())
	}
}

func TestHeldBySomebodyElse(t *testing.T) {
	impatient := options{busy: 20 * time.Millisecond, network: onNetwork}
	t.Run("the script's database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "server.sqlite")
		execute(t, path, script2008(t))
		defer hold(t, path, "BEGIN EXCLUSIVE")()
		_, err := open(background, path, Existing, impatient)
		wantError(t, err, tend.CodeBusy, "another program holds the database "+path, "fuser -v "+path)
	})
	t.Run("the script is writing", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "server.sqlite")
		execute(t, path, script2008(t))
		release := hold(t, path, "BEGIN IMMEDIATE; UPDATE process SET pid = 5 WHERE name = 'web'")
		_, err := open(background, path, Existing, impatient)
		wantError(t, err, tend.CodeBusy, "another program holds the database "+path, "fuser -v "+path)
		release()
		if left, _ := filepath.Glob(path + "-*"); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	t.Run("tend's database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "server.sqlite")
		made(t, path)
		defer hold(t, path, "BEGIN IMMEDIATE")()
		s, err := open(background, path, Existing, impatient)
		check(t, err)
		defer s.Close()
		if services, err := s.Services(background); err != nil || len(services) != 1 {
			t.Errorf("reading: %v, %v", services, err)
		}
		wantError(t, s.Add(background, simple("db")), tend.CodeBusy, "adding db: another program holds the database "+path, "fuser -v")
	})
}

// TestInterruptedWhileWaiting is Ctrl-C while somebody else holds the database.
func TestInterruptedWhileWaiting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.sqlite")
	execute(t, path, script2008(t))
	defer hold(t, path, "BEGIN EXCLUSIVE")()
	ctx, cancel := context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := open(ctx, path, Existing, options{busy: time.Minute, network: onNetwork})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 20*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

// hold runs SQL on a connection of its own, which keeps its locks until it is released.
func hold(t *testing.T, path, script string) (release func()) {
	t.Helper()
	s, err := open(background, filepath.Join(t.TempDir(), "other.sqlite"), Create, options{busy: time.Second, network: onNetwork})
	check(t, err)
	_, err = s.conn.ExecContext(background, "ATTACH '"+path+"' AS held")
	check(t, err)
	_, err = s.conn.ExecContext(background, strings.ReplaceAll(script, "UPDATE process", "UPDATE held.process"))
	check(t, err)
	if strings.HasSuffix(script, "IMMEDIATE") || strings.HasSuffix(script, "EXCLUSIVE") {
		_, err = s.conn.ExecContext(background, "DELETE FROM held.process WHERE 0")
		check(t, err)
	}
	return func() {
		s.conn.ExecContext(background, "ROLLBACK")
		s.Close()
	}
}

func TestJournalMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.sqlite")
	made(t, path)
	mode := func(network bool) (journal string, synchronous int64) {
		t.Helper()
		s, err := open(background, path, Existing, options{busy: time.Second, network: func(string) bool { return network }})
		check(t, err)
		defer s.Close()
		check(t, s.Change(background, simple("web")))
		check(t, s.conn.QueryRowContext(background, "PRAGMA journal_mode").Scan(&journal))
		check(t, s.conn.QueryRowContext(background, "PRAGMA synchronous").Scan(&synchronous))
		beside := openStore(t, path, Existing) // the lock was given back
		_, err = beside.Services(background)
		check(t, err)
		check(t, beside.Close())
		return journal, synchronous
	}
	const normal, full = 1, 2
	for _, network := range []bool{false, true, true, false} {
		wantJournal, wantSynchronous := "wal", int64(normal)
		if network {
			wantJournal, wantSynchronous = "truncate", full
		}
		if journal, synchronous := mode(network); journal != wantJournal || synchronous != wantSynchronous {
			t.Errorf("network %t: journal_mode %s, synchronous %d", network, journal, synchronous)
		}
	}
}
