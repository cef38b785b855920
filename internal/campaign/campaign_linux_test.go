package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"tend"
	"tend/internal/fault"
)

func TestMain(m *testing.M) {
	if status, played := play(os.Args[1:]); played {
		os.Exit(status)
	}
	os.Exit(m.Run())
}

// TestCampaign is the short form. On a machine that is busy with other tests it kills less often, and nothing is said of
// how fast supervision is back.
func TestCampaign(t *testing.T) {
	p := plan{
		seed: uint64(time.Now().UnixNano()), kills: 400, services: 18, limit: 8 * time.Second, every: 3 * time.Second,
		backIn: 20 * time.Second, without: os.Getenv("TEND_WITHOUT"),
	}
	report, err := campaignIn(context.Background(), p, "", false)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	report.print(&table)
	t.Logf("\n%s", &table)
	for _, v := range report.Violations {
		t.Error(v)
	}
}

var (
	long, stubborn, short = kind{name: "silent", long: true}, kind{name: "stubborn", long: true, killed: true}, kind{name: "short"}

	noon  = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	main1 = tend.Identity{PID: 4711, Start: 99}
)

// at is so many seconds after noon.
func at(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

// A good run, and everything that may be wrong with it: the judge must see each.
func TestJudge(t *testing.T) {
	exit := func(e tend.Exit) *tend.Exit { return &e }
	row := func(e tend.Exit) tend.Run {
		return tend.Run{ID: "R", Identity: main1, StartedAt: at(0), EndedAt: at(10), Exit: &e}
	}
	rec := func(e *tend.Exit) *record {
		r := &record{Identity: main1, begun: at(0.1), end: e}
		if e != nil {
			r.endedAt = at(9.99)
		}
		return r
	}
	stop := history{stops: []span{{at(9), at(11)}}}
	lost := history{orphaned: []time.Time{at(5)}, away: []span{{at(9.5), at(10.5)}}}
	term := tend.Exit{Signal: "TERM"}
	for name, test := range map[string]struct {
		kind       kind
		row        tend.Run
		record     *record
		history    history
		wrong      string
		unknowable bool
	}{
		"ended by itself":               {short, row(tend.Exit{Code: 3}), rec(exit(tend.Exit{Code: 3})), history{}, "", false},
		"stopped":                       {long, row(term), rec(&term), stop, "", false},
		"killed by a stop":              {stubborn, row(tend.Exit{Signal: "KILL"}), rec(nil), stop, "", false},
		"stopped before its first word": {long, row(term), nil, stop, "", false},
		"stopped before it began":       {long, row(tend.Exit{Error: "it was stopped before it began"}), nil, stop, "", false},
		"lost with all keepers":         {short, row(tend.Exit{Unknown: true}), rec(exit(tend.Exit{Code: 3})), lost, "", true},

		"another status":               {short, row(tend.Exit{Code: 4}), rec(exit(tend.Exit{Code: 3})), history{}, "its record says", false},
		"a signal for a status":        {short, row(term), rec(exit(tend.Exit{Code: 3})), history{}, "its record says", false},
		"unknown":                      {short, row(tend.Exit{Unknown: true}), rec(exit(tend.Exit{Code: 3})), history{}, "does not know", false},
		"unknown, keepers lost before": {short, row(tend.Exit{Unknown: true}), rec(exit(tend.Exit{Code: 3})), history{orphaned: []time.Time{at(-5)}, away: lost.away}, "does not know", false},
		"unknown, supervised":          {short, row(tend.Exit{Unknown: true}), rec(exit(tend.Exit{Code: 3})), history{orphaned: lost.orphaned}, "does not know", false},
		"unknown, and stopped":         {long, row(tend.Exit{Unknown: true}), rec(&term), stop, "does not know", false},
		"died, nobody wanted it":       {long, row(tend.Exit{Signal: "KILL"}), rec(nil), history{}, "nobody wanted", false},
		"ended, nobody wanted it":      {long, row(term), rec(&term), history{stops: []span{{at(1), at(2)}}}, "nobody wanted", false},
		"killed in place of stopped":   {long, row(tend.Exit{Signal: "KILL"}), rec(nil), stop, "its record says nothing", false},
		"no record":                    {short, row(tend.Exit{Code: 3}), nil, history{}, "no record", false},
		"no record, stopped by KILL":   {long, row(tend.Exit{Signal: "KILL"}), nil, stop, "no record", false},
		"not begun":                    {short, row(tend.Exit{Error: "cannot execute"}), nil, history{}, "cannot execute", false},
		"begun, the row says not":      {short, row(tend.Exit{Error: "it was stopped before it began"}), rec(&term), stop, "its record says", false},
		"another process":              {short, tend.Run{Identity: tend.Identity{PID: 4711, Start: 98}, EndedAt: at(10), Exit: exit(tend.Exit{Code: 3})}, rec(exit(tend.Exit{Code: 3})), history{}, "start 98", false},
		"rebooted":                     {short, row(tend.Exit{Lost: "reboot"}), rec(nil), history{}, "lost by reboot", false},
	} {
		wrong, unknowable := judge(test.kind, test.row, test.record, test.history)
		if unknowable != test.unknowable || (wrong == "") != (test.wrong == "") || !strings.Contains(wrong, test.wrong) {
			t.Errorf("%s: %q, %v; should be %q, %v", name, wrong, unknowable, test.wrong, test.unknowable)
		}
	}
}

func TestLineCheck(t *testing.T) {
	a := func(seq int) string { return line("A", 0, seq) }
	for name, test := range map[string]struct {
		parts []string // as they are read
		count int
		ended bool
		wrong string
	}{
		"good":                       {[]string{a(1) + a(2), a(3)}, 3, true, ""},
		"two writers and two runs":   {[]string{a(1) + line("A", 1, 1) + line("B", 0, 1) + a(2)}, 2, true, ""},
		"read in the middle":         {[]string{a(1)[:7], a(1)[7:] + a(2)}, 2, true, ""},
		"one line not counted yet":   {[]string{a(1) + a(2) + a(3)}, 2, true, ""},
		"more lines than were known": {[]string{a(1) + a(2) + a(3) + a(4)}, 2, false, ""},

		"a line is missing":        {[]string{a(1) + a(3)}, 3, true, "after line 1 comes line 3"},
		"the first is missing":     {[]string{a(2)}, 2, true, "after line 0 comes line 2"},
		"the last is missing":      {[]string{a(1) + a(2)}, 3, true, "has written 3 lines, the log has 2"},
		"all are missing":          {nil, 3, false, "has written 3 lines, the log has 0"},
		"a line is there twice":    {[]string{a(1) + a(2) + a(2)}, 2, true, "after line 2 comes line 2"},
		"two lines too many":       {[]string{a(1) + a(2) + a(3)}, 1, true, "has written 1 lines, the log has 3"},
		"in another order":         {[]string{a(2) + a(1)}, 2, true, "after line 0 comes line 2"},
		"torn":                     {[]string{a(7)[:9] + line("A", 1, 1)}, 0, false, "is no line"},
		"cut":                      {[]string{"A 0 1\n"}, 0, false, "is no line"},
		"somebody else's":          {[]string{"panic: help\n"}, 0, false, "is no line"},
		"no writer has the number": {[]string{line("A", writers, 1)}, 0, false, "is no line"},
	} {
		var c lineCheck
		var wrong []string
		for _, part := range test.parts {
			wrong = append(wrong, c.take(part)...)
		}
		wrong = append(wrong, c.missing("A", [writers]int{test.count}, test.ended)...)
		if said := strings.Join(wrong, "; "); (said == "") != (test.wrong == "") || !strings.Contains(said, test.wrong) {
			t.Errorf("%s: %q; should be %q", name, said, test.wrong)
		}
	}
}

// A campaign that has seen nothing has shown nothing, and a full one must have come to every point.
func TestNothingSeenIsNoSuccess(t *testing.T) {
	r := newReport(plan{})
	r.close(false)
	for _, what := range []string{"kills", "runs", "commands", "lines", "connections", "checks of everything", "measured recoveries"} {
		if said := strings.Join(r.Violations, "\n"); !strings.Contains(said, "there were no "+what) {
			t.Errorf("that there were no %s is not seen: %s", what, said)
		}
	}
	seen := func(points ...fault.Point) *report {
		r := newReport(plan{})
		r.Kills, r.Runs, r.Commands, r.Lines, r.Served, r.Checks = 1, 1, 1, 1, 1, 1
		r.measure(&r.recovered, time.Millisecond)
		for _, p := range points {
			r.struck(p)
		}
		return r
	}
	for name, test := range map[string]struct {
		points []fault.Point
		full   bool
		wrong  int
	}{
		"short":             {nil, false, 0},
		"full":              {fault.Points(), true, 0},
		"full, but for one": {fault.Points()[1:], true, 1},
	} {
		r := seen(test.points...)
		if r.close(test.full); len(r.Violations) != test.wrong {
			t.Errorf("%s: %q", name, r.Violations)
		}
	}
}

func TestWhoIsToGoOn(t *testing.T) {
	for _, test := range []struct {
		kind  string
		phase tend.Phase
		may   bool
	}{
		{"short", tend.PhaseBackoff, true}, {"short", tend.PhaseStarting, true}, {"short", tend.PhaseExited, false}, {"short", tend.PhaseFailed, false},
		{"job", tend.PhaseScheduled, true}, {"job", tend.PhaseFailed, false}, {"short", tend.PhaseScheduled, false}, {"short", tend.PhaseWaiting, false},
		{"failing", tend.PhaseExited, true}, {"failing", tend.PhaseFailed, false}, {"crashing", tend.PhaseStopped, false},
	} {
		if kindNamed(test.kind).goesOn(test.phase) != test.may {
			t.Errorf("%s, %s: %v", test.kind, test.phase, !test.may)
		}
	}
}
