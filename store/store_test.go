package store

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tend"
)

var background = context.Background()

// instant is a time with all nine decimals, and one that RFC3339Nano would write shorter.
var instant = time.Date(2026, 3, 4, 5, 6, 7, 123456789, time.UTC)

// newStore makes an empty database in a directory of its own.
func newStore(t testing.TB) *Store {
	t.Helper()
	return openStore(t, filepath.Join(t.TempDir(), "server.sqlite"), Create)
}

func openStore(t testing.TB, path string, mode Mode) *Store {
	t.Helper()
	s, err := Open(background, path, mode)
	check(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// plain runs a statement beside the store, as somebody with sqlite3 would, and returns the rows with | between fields.
func plain(t testing.TB, path, query string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?_busy_timeout=5000")
	check(t, err)
	defer db.Close()
	rows, err := db.Query(query)
	check(t, err)
	defer rows.Close()
	names, err := rows.Columns()
	check(t, err)
	var lines []string
	for rows.Next() {
		values := make([]any, len(names))
		for i := range values {
			values[i] = new(any)
		}
		check(t, rows.Scan(values...))
		var fields []string
		for _, v := range values {
			if v = *v.(*any); v == nil {
				v = ""
			}
			fields = append(fields, fmt.Sprint(v))
		}
		lines = append(lines, strings.Join(fields, "|"))
	}
	check(t, rows.Err())
	return lines
}

// execute runs SQL on a file without the store, which it makes where it is not there.
func execute(t testing.TB, path, script string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	check(t, err)
	defer db.Close()
	_, err = db.Exec(script)
	check(t, err)
	check(t, os.Chmod(path, 0o600))
}

func simple(name string) tend.Service {
	return tend.Service{Name: name, CommandLine: "sleep 1000", WorkingDirectory: "/"}
}

// again is a command that runs this test binary as a helper process; see TestMain.
func again(helper string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "STORE_TEST_HELPER="+helper)
	return cmd
}

// TestMain is also the entry of the helper processes, which must not be this process: they are killed, are somebody
// else, or may not write much.
func TestMain(m *testing.M) {
	helper, ok := helpers[os.Getenv("STORE_TEST_HELPER")]
	if !ok {
		os.Exit(m.Run())
	}
	if err := helper(os.Args[1:]); err != nil {
		fmt.Printf("error %d %v\n", tend.ExitStatus(err), err)
		os.Exit(1)
	}
	os.Exit(0)
}
