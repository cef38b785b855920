package cli

import (
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// commandRefused runs `refused N COMMAND…`: the command must end with that exit status and say why, and every table of the
// database must hold afterwards what it held before; where there was none, there is none.
func commandRefused(ts *testscript.TestScript, neg bool, args []string) {
	dump := func() string {
		cmd := exec.Command("database", databaseOf(ts.Getenv))
		cmd.Dir = ts.MkAbs(".")
		said, err := cmd.CombinedOutput()
		if err != nil {
			ts.Fatalf("reading the database: %v\n%s", err, said)
		}
		return string(said)
	}
	before := dump()
	commandStatus(ts, neg, args)
	if said := ts.ReadFile("stderr"); !strings.Contains(said, "tend: ") {
		ts.Fatalf("standard error does not say what is wrong")
	}
	if after := dump(); after != before {
		ts.Fatalf("the database was\n%s\nand is\n%s", before, after)
	}
}

// databaseOf is the database that a command uses, "" if it can use none.
func databaseOf(getenv func(string) string) string {
	switch {
	case getenv("SERVER_FILE") != "":
		return getenv("SERVER_FILE")
	case getenv("HOME") != "":
		return filepath.Join(getenv("HOME"), "server.sqlite")
	}
	return ""
}

// writeDatabase is a program of its own: `database FILE` writes all that the file holds to standard output, `database FILE
// SQL…` carries out the statements, then says "done" and waits until its standard input ends. SQLite's locks belong to a
// process, so that one that looks in from the inside would break what it looks at.
func writeDatabase() {
	if err := readOrChange(os.Args[1], os.Args[2:]); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func readOrChange(path string, statements []string) error {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		fmt.Println("there is no database")
		return nil
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("PRAGMA busy_timeout = 10000"); err != nil { // a supervisor that leaves locks it for a moment
		return err
	}
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			return err
		}
	}
	if len(statements) > 0 {
		fmt.Println("done")
		os.Stdin.Read(make([]byte, 1))
		return nil
	}
	if err := dumpTables(db); err != nil { // not a database: then the file itself is what must not change
		content, err := os.ReadFile(path)
		fmt.Printf("%x %v\n", sha256.Sum256(content), err)
	}
	return nil
}

// dumpTables writes the schema and every row of every table.
func dumpTables(db *sql.DB) error {
	queries := []string{"PRAGMA user_version", "PRAGMA application_id", "SELECT name, sql FROM sqlite_master ORDER BY name"}
	tables, err := db.Query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
	if err != nil {
		return err
	}
	for tables.Next() {
		var name string
		if err := tables.Scan(&name); err != nil {
			return err
		}
		queries = append(queries, fmt.Sprintf("SELECT * FROM %q ORDER BY 1, 2", name))
	}
	if err := tables.Err(); err != nil {
		return err
	}
	for _, query := range queries {
		if err := dumpRows(db, query); err != nil {
			return err
		}
	}
	return nil
}

func dumpRows(db *sql.DB, query string) error {
	rows, err := db.Query(query)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	fmt.Println(query)
	for rows.Next() {
		values := make([]any, len(names))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			return err
		}
		for i, name := range names {
			fmt.Printf("  %s=%q", name, fmt.Sprint(*values[i].(*any)))
		}
		fmt.Println()
	}
	return rows.Err()
}

// TestRefusedSeesAChange: what sees to the database would see if it changed.
func TestRefusedSeesAChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.sqlite")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE a (b, c); INSERT INTO a VALUES (1, 2)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	dump := func() string {
		said, err := exec.Command("database", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(said)
	}
	before := dump()
	change := exec.Command("database", path, "UPDATE a SET c = 3")
	if said, err := change.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if after := dump(); before == after || !strings.Contains(after, `c="3"`) {
		t.Errorf("before %s\nafter %s", before, after)
	}
}
