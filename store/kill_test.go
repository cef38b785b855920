package store

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tend"
)

// helpers are what this binary does when it is run again by a test; see TestMain.
var helpers = map[string]func(args []string) error{
	"open":   helpOpen,
	"add":    helpAdd,
	"write":  helpWrite,
	"narrow": helpNarrow,
}

func helpOpen(args []string) error {
	s, err := Open(background, args[0], Create)
	if err == nil {
		err = s.Close()
	}
	return err
}

func helpAdd(args []string) error {
	s, err := Open(background, args[0], Create)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Add(background, simple(args[1]))
}

// helpWrite commits one number after the other, beginning with args[1], and says each when it is acknowledged.
func helpWrite(args []string) error {
	s, err := Open(background, args[0], Existing)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[1])
	for ; err == nil; n++ {
		id := strconv.Itoa(n)
		if n%10 == 0 {
			err = s.Add(background, simple(id))
		}
		if err == nil {
			err = s.Commit(background, Batch{Place: here,
				States: map[string]tend.State{"web": {Phase: tend.PhaseRunning, Run: id}},
				Runs:   []tend.Run{{ID: id, Service: "web", StartedAt: instant}},
				Notes:  []tend.Entry{{At: instant, Service: "web", Run: id, Kind: tend.NoteStarted, Text: strings.Repeat(id, 100)}},
			})
		}
		if err == nil {
			fmt.Println(n)
		}
	}
	return err
}

func TestNothingAcknowledgedIsLostByAKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "server.sqlite")
	made(t, path)
	next := 0
	for range 15 {
		cmd := again("write", path, strconv.Itoa(next))
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		check(t, err)
		check(t, cmd.Start())
		enough := rand.IntN(300)
		acknowledged := next - 1
		for lines := bufio.NewScanner(out); lines.Scan(); { // to the end: what it said just before it died counts
			acknowledged, err = strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatal(lines.Text())
			}
			if acknowledged-next == enough {
				check(t, cmd.Process.Kill())
			}
		}
		cmd.Wait()

		s := openStore(t, path, Existing)
		var verdict string
		check(t, s.conn.QueryRowContext(background, "PRAGMA quick_check").Scan(&verdict))
		if verdict != "ok" {
			t.Fatalf("quick_check: %s", verdict)
		}
		states, err := s.States(background)
		check(t, err)
		last, err := strconv.Atoi(states["web"].Run)
		check(t, err)
		runs, err := s.number(background, "SELECT count(*) FROM run")
		check(t, err)
		events, err := s.number(background, "SELECT count(*) FROM event")
		check(t, err)
		added, err := s.number(background, "SELECT count(*) FROM process WHERE name <> 'web'")
		check(t, err)
		if last < acknowledged || runs != int64(last)+1 || events != runs || added < int64(last)/10+1 {
			t.Fatalf("acknowledged up to %d; state %d, %d runs, %d events, %d services", acknowledged, last, runs, events, added)
		}
		next = last + 1
		if err := s.Remove(background, strconv.Itoa(next)); tend.CodeOf(err) != tend.CodeNoService { // added, and no commit after it
			check(t, err)
		}
		check(t, s.Close())
	}
	t.Logf("%d commits", next)
}

func TestKilledWhileMigrating(t *testing.T) {
	for range 12 {
		path := filepath.Join(t.TempDir(), "server.sqlite")
		execute(t, path, script2008(t))
		cmd := again("open", path)
		check(t, cmd.Start())
		kill := time.AfterFunc(time.Duration(rand.IntN(25_000))*time.Microsecond, func() { cmd.Process.Kill() })
		cmd.Wait()
		kill.Stop()
		s := openStore(t, path, Existing)
		services, err := s.Services(background)
		check(t, err)
		if len(services) != len(fixture) {
			t.Errorf("%d services", len(services))
		}
		copies, err := filepath.Glob(path + "-before-tend")
		check(t, err)
		for _, kept := range copies { // a copy that has its name is whole
			if rows := plain(t, kept, "SELECT name FROM process"); len(rows) != len(fixture) {
				t.Errorf("the copy has %v", rows)
			}
		}
		check(t, s.Close())
	}
}
