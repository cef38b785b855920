package store

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tend"
)

var update = flag.Bool("update", false, "write testdata/schemas of the present schema")

// script2008 is a database of the 2008 script, dumped.
func script2008(t testing.TB) string {
	t.Helper()
	script, err := os.ReadFile("testdata/schemas/0000.sql")
	check(t, err)
	return string(script)
}

// fixture are the services in every dump of testdata/schemas.
var fixture = []tend.Service{
	{Name: "mine", CommandLine: "sleep 4321", WorkingDirectory: "/", Stdin: "/dev/null", Stdout: "/dev/null", Stderr: "/dev/null"},
	{Name: "odd name/with:things", CommandLine: "sleep 1000", WorkingDirectory: "/", Stdin: "/dev/null", Stdout: "/dev/null", Stderr: "/dev/null"},
	{Name: "stale", CommandLine: "sleep 1000", WorkingDirectory: "/", Stdin: "/dev/null", Stdout: "/dev/null", Stderr: "/dev/null"},
	{Name: "web", CommandLine: "sh -c 'echo up; exec sleep 1000'", WorkingDirectory: "/tmp", Stdin: "/dev/null", Stdout: "/tmp/script-web.out", Stderr: "/dev/null"},
	{Name: "zero", CommandLine: "sleep 1000", WorkingDirectory: "/", Stdin: "/dev/null", Stdout: "/dev/null", Stderr: "/dev/null"},
}

func TestScriptDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.sqlite")
	execute(t, path, script2008(t))
	check(t, os.Chmod(path, 0o644))
	before := plain(t, path, "SELECT * FROM process ORDER BY name")

	s := openStore(t, path, Existing)
	services, err := s.Services(background)
	check(t, err)
	if !reflect.DeepEqual(services, fixture) {
		t.Errorf("got  %+v\nwant %+v", services, fixture)
	}
	foreign, err := s.Foreign(background)
	check(t, err)
	if want := []ForeignPID{{"stale", 999999}, {"zero", 0}}; !slices.Equal(foreign, want) {
		t.Errorf("foreign pids %v", foreign)
	}
	if seven := plain(t, path, "SELECT name, pid, command_line, working_directory, stdin, stdout, stderr FROM process ORDER BY name"); !slices.Equal(seven, before) {
		t.Errorf("the seven columns were\n%v and are\n%v", before, seven)
	}
	kept := path + "-before-tend"
	if !strings.Contains(s.Notice(), kept) {
		t.Errorf("the notice %q does not name the copy", s.Notice())
	}
	if info, err := os.Stat(kept); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v", info, err)
	}
	if got := plain(t, kept, "SELECT * FROM process ORDER BY name"); !slices.Equal(got, before) {
		t.Errorf("the copy has %v", got)
	}
	check(t, s.Close())
	if again := openStore(t, path, Existing); again.Notice() != "" {
		t.Errorf("the second time it says %q", again.Notice())
	}
	left, err := filepath.Glob(path + "-*")
	check(t, err)
	if slices.Contains(left, path+"-migrating") || slices.Contains(left, kept+"-2") {
		t.Errorf("left behind: %v", left)
	}
}

func TestCopyIsNeverOverwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.sqlite")
	execute(t, path, script2008(t))
	check(t, os.WriteFile(path+"-before-tend", []byte("precious"), 0o400))
	s := openStore(t, path, Existing)
	if content, err := os.ReadFile(path + "-before-tend"); string(content) != "precious" || err != nil {
		t.Errorf("%q, %v", content, err)
	}
	if !strings.Contains(s.Notice(), path+"-before-tend-2") {
		t.Errorf("notice %q", s.Notice())
	}
}

// TestScriptQueries runs what the script ran on a migrated database.
func TestScriptQueries(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.sqlite")
	execute(t, path, script2008(t))
	s := openStore(t, path, Existing)
	plain(t, path, `INSERT INTO process (name, pid, command_line, working_directory, stdin, stdout, stderr)
		VALUES ('new', NULL, 'sleep 1', '/home', '/dev/null', '/dev/null', '/dev/null')`)
	plain(t, path, "UPDATE process SET pid = 55 WHERE process.name = 'new'")
	plain(t, path, "DELETE FROM process WHERE process.name = 'mine'")
	got := plain(t, path, `SELECT process.name AS process_name, process.pid AS process_pid, process.command_line AS process_command_line
		FROM process WHERE process.name = 'new' LIMIT 1 OFFSET 0`)
	if !slices.Equal(got, []string{"new|55|sleep 1"}) {
		t.Errorf("got %v", got)
	}
	if _, err := s.Service(background, "mine"); tend.CodeOf(err) != tend.CodeNoService {
		t.Errorf("got %v", err)
	}
}

func TestManyMigrateAtOnce(t *testing.T) {
	for name, script := range map[string]string{"script": script2008(t), "new": ""} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "server.sqlite")
			if script != "" {
				execute(t, path, script)
			}
			const processes = 4
			outputs, done := make([]bytes.Buffer, processes), make([]func() error, processes)
			for i := range processes {
				cmd := again("add", path, fmt.Sprintf("service-%d", i))
				cmd.Stdout, cmd.Stderr = &outputs[i], &outputs[i]
				check(t, cmd.Start())
				done[i] = cmd.Wait
			}
			for i := range processes {
				if err := done[i](); err != nil {
					t.Errorf("process %d: %v: %s", i, err, &outputs[i])
				}
			}
			s := openStore(t, path, Existing)
			services, err := s.Services(background)
			check(t, err)
			copies, err := filepath.Glob(path + "-before*")
			check(t, err)
			wantServices, wantCopies := processes, 0
			if script != "" {
				wantServices, wantCopies = processes+len(fixture), 1
			}
			if len(services) != wantServices || len(copies) != wantCopies {
				t.Errorf("%d services, copies %v", len(services), copies)
			}
		})
	}
}

// TestOutOfTurn goes behind the lock: a migration that another process has done meanwhile is not done twice.
func TestOutOfTurn(t *testing.T) {
	s := newStore(t)
	check(t, s.Add(background, simple("web")))
	check(t, s.Close())
	execute(t, s.path, "PRAGMA user_version = 0") // as goose saw it before the other process was done
	_, err := Open(background, s.path, Existing)
	if err == nil {
		t.Fatal("no error")
	}
	if got := plain(t, s.path, "SELECT name FROM process"); !slices.Equal(got, []string{"web"}) {
		t.Errorf("services %v", got)
	}
}

// TestEverySchema opens a database of every schema that was ever released. A new migration needs a new dump:
// go test ./store -run TestEverySchema -update.
func TestEverySchema(t *testing.T) {
	files, err := migrations.ReadDir("migrations")
	check(t, err)
	if len(files) != schemaVersion {
		t.Errorf("schemaVersion is %d, there are %d migrations", schemaVersion, len(files))
	}
	newest := fmt.Sprintf("testdata/schemas/%04d.sql", schemaVersion)
	if *update {
		check(t, os.WriteFile(newest, []byte(present(t)), 0o644))
	}
	if text, err := os.ReadFile(newest); err != nil || string(text) != present(t) {
		t.Errorf("%s is not the present schema (%v); a released one must never change", newest, err)
	}
	dumps, err := filepath.Glob("testdata/schemas/*.sql")
	check(t, err)
	if len(dumps) != schemaVersion+1 {
		t.Errorf("%d dumps for %d schemas", len(dumps), schemaVersion+1)
	}
	var schema []string
	for _, dump := range dumps {
		t.Run(filepath.Base(dump), func(t *testing.T) {
			text, err := os.ReadFile(dump)
			check(t, err)
			path := filepath.Join(t.TempDir(), "server.sqlite")
			execute(t, path, string(text))
			s := openStore(t, path, Existing)
			services, err := s.Services(background)
			check(t, err)
			if !reflect.DeepEqual(services, fixture) {
				t.Errorf("got  %+v\nwant %+v", services, fixture)
			}
			check(t, s.Add(background, everything()))
			check(t, s.Commit(background, batchFor("web")))
			if states, err := s.States(background); err != nil || states["web"].Run != "run-1" {
				t.Errorf("states %v, %v", states, err)
			}
			now := plain(t, path, "SELECT type, name, sql FROM sqlite_master ORDER BY name")
			if schema == nil {
				schema = now
			}
			if !slices.Equal(now, schema) {
				t.Errorf("it became\n%s, not\n%s", now, schema)
			}
		})
	}
}

// present dumps a database of the present schema with the services of the fixture.
func present(t *testing.T) string {
	path := filepath.Join(t.TempDir(), "server.sqlite")
	execute(t, path, script2008(t))
	check(t, openStore(t, path, Existing).Close())
	dump := fmt.Sprintf("PRAGMA application_id=%d;\nPRAGMA user_version=%d;\n", applicationID, schemaVersion)
	for _, line := range plain(t, path, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid") {
		dump += line + ";\n"
	}
	for _, line := range plain(t, path, `SELECT 'INSERT INTO process VALUES(' || quote(name) || ',' || quote(pid) || ',' || quote(command_line) || ',' ||
		quote(working_directory) || ',' || quote(stdin) || ',' || quote(stdout) || ',' || quote(stderr) || ',' || quote(settings) || ');' FROM process ORDER BY name`) {
		dump += line + "\n"
	}
	return dump
}

// TestSchemaIsPlain keeps the file readable by the sqlite3 of old hosts.
func TestSchemaIsPlain(t *testing.T) {
	s := newStore(t)
	for _, sql := range plain(t, s.path, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'trigger'") {
		for _, word := range []string{"WITHOUT ROWID", "STRICT", "GENERATED", "WHERE", "json"} {
			if strings.Contains(strings.ToUpper(sql), word) {
				t.Errorf("%s: %s", word, sql)
			}
		}
	}
}
