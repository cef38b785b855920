package store

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"tend"
)

func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "server.sqlite")
	s := openStore(b, path, Create)
	check(b, s.Add(background, simple("web")))
	for _, beside := range []string{"alone", "beside a supervisor"} {
		b.Run(beside, func(b *testing.B) {
			if beside == "alone" {
				s.Close()
			} else {
				other := openStore(b, path, Existing)
				_, err := other.Services(background)
				check(b, err)
			}
			ctx, cancel := context.WithCancel(background)
			defer cancel()
			for b.Loop() {
				s, err := Open(ctx, path, Existing)
				check(b, err)
				check(b, s.Close())
			}
		})
	}
}

func BenchmarkStatus(b *testing.B) {
	path := filepath.Join(b.TempDir(), "server.sqlite")
	s := openStore(b, path, Create)
	check(b, s.Add(background, simple("web")))
	s.Close()
	for b.Loop() {
		s, err := Open(background, path, Existing)
		check(b, err)
		_, err = s.Service(background, "web")
		check(b, err)
		_, err = s.States(background)
		check(b, err)
		check(b, s.Close())
	}
}

func BenchmarkAdd(b *testing.B) {
	s := newStore(b)
	n := 0
	for b.Loop() {
		n++
		check(b, s.Add(background, simple(fmt.Sprintf("service-%d", n))))
	}
}

// BenchmarkCommit writes states, runs and notes of that many services.
func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{1, 1000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := newStore(b)
			script := "BEGIN;"
			for i := range size {
				script += fmt.Sprintf("INSERT INTO process (name, command_line) VALUES ('service-%04d', 'sleep 1000');", i)
			}
			_, err := s.conn.ExecContext(background, script+"COMMIT")
			check(b, err)
			round := 0
			for b.Loop() {
				round++
				check(b, s.Commit(background, batchOf(size, round)))
			}
		})
	}
}

func batchOf(size, round int) Batch {
	b := Batch{Place: tend.Place{Host: "host/01234567", Boot: "0af0a5b8-4a1e-4c3e-8a53-0ad1a2e4d0f1", Namespace: 4026531836}, States: map[string]tend.State{}}
	for i := range size {
		name, id := fmt.Sprintf("service-%04d", i), fmt.Sprintf("%08x%08x", round*7919, i)
		main := tend.Identity{PID: 1000 + i + round, Start: 123456}
		b.States[name] = tend.State{Phase: tend.PhaseStarting, Wanted: true, Since: instant, Next: instant, Cause: tend.CauseStart, Run: id, Main: main, Begun: true, Started: instant}
		b.Runs = append(b.Runs, tend.Run{ID: id, Service: name, Cause: tend.CauseStart, Identity: main, StartedAt: instant})
		b.Notes = append(b.Notes, tend.Entry{At: instant, Service: name, Run: id, Kind: tend.NoteStarted, Text: "runs as process 1000"})
	}
	return b
}
