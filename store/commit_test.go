package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"tend"
)

var here = tend.Place{Host: "h/1", Boot: "b", Namespace: 1<<63 + 5}

func batchFor(service string) Batch {
	main := tend.Identity{PID: 4711, Start: 1<<63 + 9}
	return Batch{
		Place:  here,
		States: map[string]tend.State{service: {Phase: tend.PhaseRunning, Wanted: true, Run: "run-1", Main: main, Begun: true, Since: instant}},
		Runs:   []tend.Run{{ID: "run-1", Service: service, Cause: tend.CauseStart, Identity: main, StartedAt: instant}},
		Notes:  []tend.Entry{{At: instant, Service: service, Run: "run-1", Kind: tend.NoteStarted, Text: "runs as process 4711"}},
	}
}

func TestCommitComesBack(t *testing.T) {
	s := newStore(t)
	check(t, s.Add(background, simple("web")))
	b := batchFor("web")
	check(t, s.Commit(background, b))

	states, err := s.States(background)
	check(t, err)
	if want := map[string]Placed{"web": {State: b.States["web"], Place: here}}; !reflect.DeepEqual(states, want) {
		t.Errorf("got  %+v\nwant %+v", states, want)
	}
	live, err := s.LiveRuns(background)
	check(t, err)
	want := b.Runs[0]
	want.Place = here
	if !reflect.DeepEqual(live, []tend.Run{want}) {
		t.Errorf("got  %+v\nwant %+v", live, want)
	}
	for query, line := range map[string]string{
		"SELECT name, pid FROM process":                          "web|4711",
		"SELECT service, phase, wanted FROM state":               "web|running|1",
		"SELECT at, service, run, kind, text FROM event":         "2026-03-04T05:06:07.123456789Z|web|run-1|started|runs as process 4711",
		"SELECT pid, started_at, ended_at, exit_code FROM run":   "4711|2026-03-04T05:06:07.123456789Z||",
		"SELECT strftime('%Y-%m-%d %H:%M', started_at) FROM run": "2026-03-04 05:06",
	} {
		if got := plain(t, s.path, query); !slices.Equal(got, []string{line}) {
			t.Errorf("%s: %v", query, got)
		}
	}
}

// A run whose main process has ended is live for as long as the rest of its tree is being stopped.
func TestRunWithATreeIsLive(t *testing.T) {
	s := newStore(t)
	check(t, s.Add(background, simple("web")))
	b := batchFor("web")
	b.Runs[0].EndedAt, b.Runs[0].Exit = instant, &tend.Exit{}
	for phase, want := range map[tend.Phase]int{tend.PhaseStopping: 1, tend.PhaseStopped: 0} {
		b.States["web"] = tend.State{Phase: phase, Run: "run-1", Begun: true, Since: instant}
		check(t, s.Commit(background, b))
		if live, err := s.LiveRuns(background); err != nil || len(live) != want {
			t.Errorf("%s: %+v, %v", phase, live, err)
		}
	}
}

func TestRunEnds(t *testing.T) {
	s := newStore(t)
	check(t, s.Add(background, simple("web")))
	check(t, s.Commit(background, batchFor("web")))
	run := tend.Run{ID: "run-1", Service: "web", Cause: tend.CauseFailure, Place: here, Identity: tend.Identity{PID: 1, Start: 2},
		StartedAt: instant, ReadyAt: instant.Add(time.Second), EndedAt: instant.Truncate(time.Hour), LogOffset: 9}
	for _, test := range []struct {
		exit tend.Exit
		want string
	}{
		{tend.Exit{Code: 3}, "3|"},
		{tend.Exit{}, "0|"},
		{tend.Exit{Signal: "KILL"}, "|KILL"},
		{tend.Exit{Lost: "reboot"}, "|"},
		{tend.Exit{Unknown: true}, "|"},
		{tend.Exit{Error: "no such file"}, "|"},
	} {
		run.Exit = &test.exit
		check(t, s.Commit(background, Batch{Place: here, Runs: []tend.Run{run}, States: map[string]tend.State{"web": {Phase: tend.PhaseExited}}}))
		if got, err := s.Runs(background, "web", 5); err != nil || !reflect.DeepEqual(got, []tend.Run{run}) {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, run)
		}
		if got := plain(t, s.path, "SELECT exit_code, exit_signal FROM run"); got[0] != test.want {
			t.Errorf("%+v is %s", test.exit, got[0])
		}
	}
	if live, err := s.LiveRuns(background); err != nil || len(live) != 0 {
		t.Errorf("live runs %v, %v", live, err)
	}
	if got := plain(t, s.path, "SELECT pid IS NULL FROM process"); got[0] != "1" {
		t.Errorf("the pid of an ended run is still there")
	}
}

func TestStateOfARemovedServiceIsPassedOver(t *testing.T) {
	s := newStore(t)
	check(t, s.Add(background, simple("web")))
	check(t, s.Add(background, simple("old")))
	b := batchFor("web")
	b.States["gone"] = tend.State{Phase: tend.PhaseStopped}
	b.States["old"] = tend.State{Phase: tend.PhaseStopped}
	b.Remove = []string{"old", "never there"}
	check(t, s.Commit(background, b))
	states, err := s.States(background)
	check(t, err)
	if len(states) != 1 || states["web"].Run != "run-1" {
		t.Errorf("states %+v", states)
	}
	if got := plain(t, s.path, "SELECT name FROM process"); !slices.Equal(got, []string{"web"}) {
		t.Errorf("services %v", got)
	}
}

func TestCommitIsAllOrNothing(t *testing.T) {
	s := newStore(t)
	check(t, s.Add(background, simple("web")))
	plain(t, s.path, "CREATE TRIGGER refuse BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'refused'); END")
	b := batchFor("web")
	b.Remove = []string{"web"}
	if err := s.Commit(background, b); err == nil {
		t.Fatal("no error")
	}
	if services, _ := s.Services(background); len(services) != 1 {
		t.Error("the service was removed")
	}
	if live, _ := s.LiveRuns(background); len(live) != 0 {
		t.Error("the run was written")
	}
	check(t, s.Add(background, simple("next"))) // the transaction is over
}

func TestContextEnded(t *testing.T) {
	s := newStore(t)
	ctx, cancel := context.WithCancel(background)
	cancel()
	if err := s.Add(ctx, simple("web")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Services(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	check(t, s.Add(background, simple("web")))
}

func TestForeign(t *testing.T) {
	s := newStore(t)
	for _, name := range []string{"known", "never"} {
		check(t, s.Add(background, simple(name)))
	}
	check(t, s.Commit(background, batchFor("known")))
	plain(t, s.path, "INSERT INTO process (name, pid, command_line) VALUES ('stale', 999999, 'x'), ('zero', 0, 'x'), ('text', 'abc', 'x')")
	got, err := s.Foreign(background)
	check(t, err)
	if want := []ForeignPID{{"stale", 999999}, {"zero", 0}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	check(t, s.Commit(background, Batch{States: map[string]tend.State{"stale": {Phase: tend.PhaseStopped}}}))
	if got, err = s.Foreign(background); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestTimesSort(t *testing.T) {
	early, late := timeText(instant.Truncate(time.Second)).(string), timeText(instant).(string)
	if early >= late {
		t.Errorf("%s is not before %s", early, late)
	}
}

func TestHistoryDoesNotGrowForEver(t *testing.T) {
	s := newStore(t)
	check(t, s.Add(background, simple("web")))
	const batch, rounds = 500, 60
	n := 0
	for range rounds {
		b := Batch{Place: here}
		for range batch {
			n++
			at, id := instant.Add(time.Duration(n)*time.Second), fmt.Sprintf("id-%d", n)
			b.Notes = append(b.Notes, tend.Entry{At: at, Service: "web", Kind: tend.NoteEnded, Text: id})
			if n%5 == 0 {
				b.Runs = append(b.Runs, tend.Run{ID: id, Service: "web", StartedAt: at, EndedAt: at, Exit: &tend.Exit{}})
			}
			if n%100 == 0 {
				b.Runs = append(b.Runs, tend.Run{ID: "gone" + id, Service: "gone" + id, StartedAt: at, EndedAt: at, Exit: &tend.Exit{}})
			}
			if n == 1 {
				b.Runs = append(b.Runs, tend.Run{ID: "live", Service: "web", StartedAt: at})
			}
		}
		check(t, s.Commit(background, b))
	}
	count := func(query string) int64 {
		t.Helper()
		got, err := s.number(background, query)
		check(t, err)
		return got
	}
	if got := count("SELECT count(*) FROM event"); got < keptEvents || got > keptEvents+eventStep+batch {
		t.Errorf("%d events", got)
	}
	if got := count("SELECT count(*) FROM event WHERE text = 'id-30000'"); got != 1 {
		t.Error("the newest event went")
	}
	if got := count("SELECT count(*) FROM run WHERE service = 'web' AND ended_at IS NOT NULL"); got < keptRuns || got > keptRuns+20*runStep {
		t.Errorf("%d runs", got)
	}
	if got := count("SELECT count(*) FROM run WHERE service LIKE 'gone%'"); got < keptEvents/100 || got > (keptEvents+2*eventStep+batch)/100 {
		t.Errorf("%d runs of removed services", got)
	}
	if live, err := s.LiveRuns(background); err != nil || len(live) != 1 || live[0].ID != "live" {
		t.Errorf("live runs %v, %v", live, err)
	}
	newest, err := s.Runs(background, "web", 1)
	check(t, err)
	if newest[0].ID != "id-30000" {
		t.Errorf("the newest run is %s", newest[0].ID)
	}
}
