package store

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tend"
)

func everything() tend.Service {
	umask := tend.Umask(0o022)
	return tend.Service{
		Name: "odd 'name' \"with\" things", CommandLine: `sh -c 'echo "up"; exec sleep 1'`, WorkingDirectory: "/tmp/übung",
		Stdin: "/dev/null", Stdout: "/tmp/out", Stderr: "/tmp/err",
		Settings: tend.Settings{
			Description: "a <line> & more", Tags: []string{"shop", "night"}, Shell: true,
			Environment: map[string]string{"PATH": "/bin", "EMPTY": "", "LINE": "a\nb"}, Umask: &umask, Restart: tend.RestartAlways,
			SuccessCodes: []int{3, 4}, Backoff: tend.Backoff{Min: tend.Duration(time.Second), Max: tend.Duration(time.Hour)},
			HealthyAfter: tend.Duration(time.Minute), GiveUpAfter: 5, Ready: tend.Check{Kind: tend.CheckAlive, After: tend.Duration(time.Second)},
			Stop: tend.StopSchedule{{Signal: "INT", Wait: tend.Duration(time.Second)}},
		},
	}
}

func TestServicesComeBackAsTheyWere(t *testing.T) {
	s := newStore(t)
	want := []tend.Service{simple("a"), everything(), simple("web")}
	for _, i := range []int{2, 0, 1} {
		check(t, s.Add(background, want[i]))
	}
	got, err := s.Services(background)
	check(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	one, err := s.Service(background, want[1].Name)
	check(t, err)
	if !reflect.DeepEqual(one, want[1]) {
		t.Errorf("got  %+v\nwant %+v", one, want[1])
	}
}

func TestChange(t *testing.T) {
	s := newStore(t)
	check(t, s.Add(background, simple("web")))
	check(t, s.Commit(background, Batch{States: map[string]tend.State{"web": {Phase: tend.PhaseRunning, Run: "run-1", Main: tend.Identity{PID: 77, Start: 1}}}}))
	want := everything()
	want.Name = "web"
	check(t, s.Change(background, want))
	got, err := s.Service(background, "web")
	check(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if states, err := s.States(background); err != nil || states["web"].Main.PID != 77 {
		t.Errorf("a change touched the state: %+v, %v", states, err)
	}
}

func TestNameTaken(t *testing.T) {
	s := newStore(t)
	check(t, s.Add(background, simple("my web")))
	other := simple("my web")
	other.CommandLine = "other"
	err := s.Add(background, other)
	wantError(t, err, tend.CodeConflict, "there is a service my web already", "tend remove 'my web'")
	if got, _ := s.Service(background, "my web"); got.CommandLine != "sleep 1000" {
		t.Errorf("the refused definition was written: %+v", got)
	}
}

func TestNoSuchService(t *testing.T) {
	s := newStore(t)
	check(t, s.Add(background, simple("web")))
	_, err := s.Service(background, "wbe")
	wantError(t, err, tend.CodeNoService, "no such service: wbe", "did you mean web?")
	wantError(t, s.Change(background, simple("wbe")), tend.CodeNoService, "wbe", "web")
	wantError(t, s.Remove(background, "web", "wbe"), tend.CodeNoService, "wbe", "web")
	if all, _ := s.Services(background); len(all) != 1 {
		t.Errorf("a removal that failed removed something: %+v", all)
	}
}

func TestRemoveKeepsRunsAndHistory(t *testing.T) {
	s := newStore(t)
	check(t, s.Add(background, simple("web")))
	check(t, s.Add(background, simple("db")))
	check(t, s.Commit(background, batchFor("web")))
	check(t, s.Remove(background, "web", "db"))
	if states, err := s.States(background); err != nil || len(states) != 0 {
		t.Errorf("states are left: %v, %v", states, err)
	}
	if runs, err := s.Runs(background, "web", 0); err != nil || len(runs) != 1 {
		t.Errorf("runs %v, %v", runs, err)
	}
	if events := plain(t, s.path, "SELECT kind FROM event"); !slices.Equal(events, []string{"started"}) {
		t.Errorf("events %v", events)
	}
}

func TestRowsWrittenByHand(t *testing.T) {
	s := newStore(t)
	before, err := s.DataVersion(background)
	check(t, err)
	plain(t, s.path, "INSERT INTO process (name, command_line) VALUES ('bare', 'true')")
	plain(t, s.path, "INSERT INTO process (name, pid, command_line, working_directory, stdin, stdout, stderr) VALUES ('full', NULL, 'true', '', '/i', '/dev/null', '/dev/null')")
	plain(t, s.path, "INSERT INTO process (name) VALUES ('nothing')")
	after, err := s.DataVersion(background)
	check(t, err)
	if before == after {
		t.Error("the data version did not change")
	}
	got, err := s.Services(background)
	check(t, err)
	want := []tend.Service{
		{Name: "bare", CommandLine: "true", WorkingDirectory: "/"},
		{Name: "full", CommandLine: "true", WorkingDirectory: "/", Stdin: "/i", Stdout: "/dev/null", Stderr: "/dev/null"},
		{Name: "nothing", WorkingDirectory: "/"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestRemovedByHand: sqlite3 and the script know nothing of foreign keys.
func TestRemovedByHand(t *testing.T) {
	s := newStore(t)
	for _, name := range []string{"web", "db"} {
		check(t, s.Add(background, simple(name)))
		check(t, s.Commit(background, Batch{States: map[string]tend.State{name: {Phase: tend.PhaseRunning, Run: "of " + name}}}))
	}
	plain(t, s.path, "DELETE FROM process WHERE name = 'web'")
	plain(t, s.path, "UPDATE process SET name = 'web' WHERE name = 'db'")
	states, err := s.States(background)
	check(t, err)
	if len(states) != 1 || states["web"].Run != "of db" {
		t.Errorf("states %+v", states)
	}
}

// A row of a state that somebody has edited does not hide the others, and still says what its other columns say.
func TestDamagedState(t *testing.T) {
	for damage, want := range map[string]tend.State{
		`state = '{'`:                             {Phase: tend.PhaseRunning, Wanted: true},
		`state = 'null, or so'`:                   {Phase: tend.PhaseRunning, Wanted: true},
		`state = x'00ff'`:                         {Phase: tend.PhaseRunning, Wanted: true},
		`state = 7, wanted = 'yes'`:               {Phase: tend.PhaseRunning},
		`state = '', phase = 'dancing'`:           {Wanted: true},
		`state = '{"phase":"dancing"}'`:           {Phase: tend.PhaseRunning, Wanted: true},
		`state = '{"phase":"running"}'`:           {Phase: tend.PhaseRunning, Wanted: true}, // without a run
		`state = '[]', wanted = 0, phase = x'00'`: {},
	} {
		s := newStore(t)
		for _, name := range []string{"web", "db"} {
			check(t, s.Add(background, simple(name)))
			check(t, s.Commit(background, batchFor(name)))
		}
		plain(t, s.path, "UPDATE state SET "+damage+" WHERE service = 'web'")
		states, err := s.States(background)
		if web := states["web"]; err != nil || web.Damage == nil || web.State != want || web.Place != here {
			t.Errorf("%s: %+v, %v", damage, web, err)
		}
		if states["db"].Damage != nil || states["db"].State != batchFor("db").States["db"] {
			t.Errorf("%s: db is %+v", damage, states["db"])
		}
	}
	s := newStore(t)
	check(t, s.Add(background, simple("web")))
	check(t, s.Commit(background, batchFor("web")))
	plain(t, s.path, "UPDATE state SET place = 'here'")
	if states, err := s.States(background); err != nil || states["web"].Damage == nil || states["web"].Run != "run-1" {
		t.Errorf("%+v, %v", states, err)
	}
}

// What cannot be read of a run hides neither the run nor others.
func TestDamagedRun(t *testing.T) {
	s := newStore(t)
	check(t, s.Add(background, simple("web")))
	check(t, s.Commit(background, batchFor("web")))
	plain(t, s.path, "UPDATE run SET started_at = 'long ago', ready_at = 'then', exit = '{', log_offset = 'much'")
	runs, err := s.LiveRuns(background)
	if err != nil || len(runs) != 1 || runs[0].PID != 4711 || !runs[0].StartedAt.IsZero() || runs[0].Exit == nil || !runs[0].Exit.Unknown {
		t.Errorf("%+v, %v", runs, err)
	}
	plain(t, s.path, "UPDATE run SET pid = 'somebody', start = 'x', namespace = 'y', ended_at = 'now'")
	runs, err = s.Runs(background, "web", 0)
	if err != nil || len(runs) != 1 || runs[0].PID != 0 || !runs[0].EndedAt.IsZero() {
		t.Errorf("%+v, %v", runs, err)
	}
}

// A row with bad settings does not hide the others.
func TestBadSettings(t *testing.T) {
	for _, settings := range []string{"{", "[]", `{"restart":"sometimes"}`, `{"colour":"red"}`, `{"umask":"999"}`} {
		s := newStore(t)
		check(t, s.Add(background, simple("it's")))
		check(t, s.Add(background, simple("web")))
		plain(t, s.path, "UPDATE process SET settings = '"+settings+"' WHERE name = 'it''s'")
		services, err := s.Services(background)
		check(t, err)
		if len(services) != 2 || services[0].Broken == nil || services[1].Broken != nil {
			t.Fatalf("got %+v", services)
		}
		bad := services[0]
		wantError(t, bad.Broken, tend.CodeUsage, "the settings of it's in the database", "UPDATE process")
		bad.Broken = nil
		if want := simple("it's"); !reflect.DeepEqual(bad.Settings, tend.Settings{}) || bad.CommandLine != want.CommandLine {
			t.Errorf("got %+v", bad)
		}
		_, err = s.Service(background, "it's")
		wantError(t, err, tend.CodeUsage, "the settings of it's in the database", `UPDATE process SET settings = '\''{}'\'' WHERE name = '\''it'\'\''s'\'`)
	}
}

func TestInitialize(t *testing.T) {
	s := newStore(t)
	kept, err := s.Initialize(background)
	if kept != "" || err != nil {
		t.Errorf("initializing an empty database: copy %q, %v", kept, err)
	}
	for n, suffix := range []string{"-before-initialize", "-before-initialize-2"} {
		check(t, s.Add(background, simple("web")))
		check(t, s.Commit(background, batchFor("web")))
		kept, err := s.Initialize(background)
		check(t, err)
		if kept != s.path+suffix {
			t.Errorf("copy %d is %s", n, kept)
		}
		if info, err := os.Stat(kept); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("copy %d: %v, %v", n, info, err)
		}
		for _, table := range []string{"process", "state", "run", "event"} {
			if left := plain(t, s.path, "SELECT * FROM "+table); len(left) > 0 {
				t.Errorf("%s still has %v", table, left)
			}
		}
		copied := openStore(t, kept, Existing)
		if services, err := copied.Services(background); err != nil || len(services) != 1 {
			t.Errorf("the copy has %v, %v", services, err)
		}
		if states, err := copied.States(background); err != nil || states["web"].Run != "run-1" {
			t.Errorf("the copy has the states %v, %v", states, err)
		}
	}
	left, err := filepath.Glob(s.path + "-*")
	check(t, err)
	if slices.ContainsFunc(left, func(name string) bool { return strings.Contains(name, "migrating") }) {
		t.Errorf("left behind: %v", left)
	}
}

func TestClosed(t *testing.T) {
	s := newStore(t)
	check(t, s.Close())
	check(t, s.Close())
	if _, err := s.Services(background); err == nil {
		t.Error("a closed store answers")
	}
}
