package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tend"
)

// noon is now in all golden files.
var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

// look compares what was rendered with the golden file, or with TEND_GOLDEN=write writes it.
func look(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if os.Getenv("TEND_GOLDEN") == "write" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// samples are services in all states.
func samples() []tend.Status {
	caller := tend.Caller{Directory: "/home/me/site", Umask: 0o022, Environ: []string{"PATH=/usr/bin", "HOME=/home/me"}}
	make := func(name, command string, st tend.State) tend.Status {
		s := caller.NewService(name, command)
		return tend.NewStatus(s, st, "/home/me/server.sqlite-logs/"+name+".log", noon)
	}
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	failure := &tend.Exit{Code: 3}
	web := make("web", "python3 -m http.server --bind 127.0.0.1 --directory /home/me/site/public 8000", tend.State{
		Phase: tend.PhaseRunning, Wanted: true, Since: ago(3*time.Hour + 2*time.Minute), Started: ago(3*time.Hour + 2*time.Minute),
		Begun: true, Main: tend.Identity{PID: 4711, Start: 1},
	})
	db := make("数据库", "redis-server", tend.State{
		Phase: tend.PhaseRunning, Wanted: true, Since: ago(50 * time.Hour), Started: ago(50 * time.Hour), Begun: true,
		Main: tend.Identity{PID: 99, Start: 1}, Restarts: 12, Exit: &tend.Exit{Signal: "KILL"}, Ended: ago(50*time.Hour + time.Second),
	})
	worker := make("worker", "./worker --queue default", tend.State{
		Phase: tend.PhaseBackoff, Wanted: true, Since: ago(time.Second), Next: noon.Add(3 * time.Second), Restarts: 4, Failures: 5,
		Exit: failure, Ended: ago(time.Second),
	})
	job := make("job", "./job", tend.State{
		Phase: tend.PhaseFailed, Wanted: true, Since: ago(26 * time.Hour), Failures: 3, Exit: failure, Ended: ago(26 * time.Hour),
		Reason: "exited with status 3, failure 3 of 3 in a row",
	})
	evil := make("e\x1b[31mvil", "printf '\x1b]0;title\a'\n\tmore", tend.State{})
	away := make("away", "./server", tend.State{Phase: tend.PhaseRunning, Begun: true, Wanted: true, Main: tend.Identity{PID: 7, Start: 1}, Started: ago(time.Hour)})
	away.Elsewhere = "node2/1234abcd"
	return []tend.Status{away, evil, job, web, worker, db}
}

func TestList(t *testing.T) {
	usual, err := chooseColumns(nil)
	if err != nil {
		t.Fatal(err)
	}
	all, err := chooseColumns(columnNames())
	if err != nil {
		t.Fatal(err)
	}
	look(t, "list-80.txt", renderTable(usual, samples(), terminal{out: true, width: 80}, noon))
	look(t, "list-wide.txt", renderTable(usual, samples(), terminal{out: true}, noon))
	look(t, "list-colour.txt", renderTable(usual, samples(), terminal{out: true, width: 60, colour: true}, noon))
	look(t, "list.tsv", renderTSV(all, samples(), noon))
}

func TestNoLineIsWiderThanTheTerminal(t *testing.T) {
	usual, _ := chooseColumns(nil)
	for _, columns := range []int{20, 40, 60, 80, 132} {
		for _, line := range strings.Split(renderTable(usual, samples(), terminal{width: columns, colour: true}, noon), "\n") {
			if n := width(line); n > columns {
				t.Errorf("%d columns in a terminal of %d: %q", n, columns, line)
			}
		}
	}
}

func TestStatusCard(t *testing.T) {
	var b strings.Builder
	for _, s := range samples() {
		b.WriteString(renderCard(s, nil, terminal{}, noon))
	}
	look(t, "cards.txt", b.String())
	look(t, "card-failed.txt", renderCard(samples()[2], []string{"Traceback", "  \x1b[31mred", "KeyError: 'x'"}, terminal{width: 60, colour: true}, noon))
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", -time.Second: "0s", 900 * time.Millisecond: "0s", 59 * time.Second: "59s", time.Minute: "1m",
		125 * time.Second: "2m 5s", time.Hour: "1h", 3*time.Hour + 2*time.Minute + 9*time.Second: "3h 2m", 50 * time.Hour: "2d 2h",
	} {
		if got := tend.Span(d); got != want {
			t.Errorf("%v: %s, not %s", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		-1: "now", time.Millisecond: "in 10ms", 100 * time.Millisecond: "in 100ms", 2900 * time.Millisecond: "in 3s", time.Minute: "in 1m",
	} {
		if got := tend.Soon(d); got != want {
			t.Errorf("%v: %s, not %s", d, got, want)
		}
	}
}
