package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tend"
)

func TestATimeThatIsRunTwiceIsSeen(t *testing.T) {
	run := func(id string, cause tend.Cause, seconds float64) tend.Run {
		return tend.Run{ID: id, Cause: cause, StartedAt: at(seconds)}
	}
	for name, test := range map[string]struct {
		rows  []tend.Run // the latest first
		wrong string
	}{
		"each second":       {[]tend.Run{run("C", tend.CauseSchedule, 2), run("B", tend.CauseSchedule, 1.001), run("A", tend.CauseSchedule, 0)}, ""},
		"one was late":      {[]tend.Run{run("B", tend.CauseSchedule, 2), run("A", tend.CauseSchedule, 1.9)}, ""},
		"and one by hand":   {[]tend.Run{run("B", tend.CauseSchedule, 1.5), run("A", tend.CauseOnce, 1.1)}, ""},
		"twice":             {[]tend.Run{run("B", tend.CauseSchedule, 1.2), run("A", tend.CauseSchedule, 1)}, "one time was run twice: by A"},
		"at the same time":  {[]tend.Run{run("B", tend.CauseSchedule, 1), run("A", tend.CauseSchedule, 1)}, "one time was run twice"},
		"twice, and judged": {[]tend.Run{run("J", tend.CauseSchedule, 1.2), run("A", tend.CauseSchedule, 1)}, ""},
	} {
		s := newService("job", kindNamed("job"))
		s.judged["J"] = true
		if said := strings.Join(s.checkTimes(test.rows), "; "); (said == "") != (test.wrong == "") || !strings.Contains(said, test.wrong) {
			t.Errorf("%s: %q; should be %q", name, said, test.wrong)
		}
	}
}

func TestADescriptorThatIsNotKeptIsSeen(t *testing.T) {
	first := &record{begun: at(0), kept: "A", keptAt: at(1)}
	for name, test := range map[string]struct {
		old, fresh *record
		dead       bool
		wrong      string
	}{
		"handed on":           {first, &record{begun: at(5), kept: "A"}, false, ""},
		"handed on again":     {&record{begun: at(5), kept: "A", keptAt: at(5)}, &record{begun: at(9), kept: "A"}, false, ""},
		"never kept":          {&record{begun: at(0)}, &record{begun: at(5), kept: "B"}, false, ""},
		"not for certain yet": {&record{begun: at(0), kept: "A", keptAt: at(6)}, &record{begun: at(5), kept: "B"}, false, ""},
		"all keepers killed":  {first, &record{begun: at(5), kept: "B"}, true, ""},
		"lost":                {first, &record{begun: at(5), kept: "B"}, false, "of the run A is not there"},
		"lost, nothing since": {first, &record{begun: at(5)}, false, "of the run A is not there"},
		"another":             {first, &record{begun: at(5), kept: "C"}, true, "has the descriptor of the run C"},
	} {
		if said := lost(test.old, test.fresh, "B", test.dead); (said == "") != (test.wrong == "") || !strings.Contains(said, test.wrong) {
			t.Errorf("%s: %q; should be %q", name, said, test.wrong)
		}
	}
}

func TestWhatNobodyHasHeardIsSeen(t *testing.T) {
	r := &record{alone: []unheardAt{{at(10), "connection-refused"}}}
	if said := unheard(r, history{dead: []span{{at(9), at(9.5)}}}); len(said) > 0 {
		t.Errorf("no keeper was there: %q", said)
	}
	if said := unheard(r, history{dead: []span{{at(2), at(3)}}}); len(said) != 1 || !strings.Contains(said[0], "connection-refused") {
		t.Errorf("a keeper was there: %q", said)
	}
}

func TestAWrongAnswerOfOneRunIsSeen(t *testing.T) {
	unknown := tend.Run{EndedAt: at(1), Exit: &tend.Exit{Unknown: true}}
	for name, test := range map[string]struct{ said, wrong string }{
		"its status":             {waited(result{status: 3}, &record{end: &tend.Exit{Code: 3}}), ""},
		"its signal":             {waited(result{status: 137}, &record{end: &tend.Exit{Signal: "KILL"}}), ""},
		"another status":         {waited(result{status: 1}, &record{end: &tend.Exit{Code: 3}}), "should be 3"},
		"a signal, and 0":        {waited(result{}, &record{end: &tend.Exit{Signal: "HUP"}}), "should be 129"},
		"no end":                 {waited(result{}, &record{}), "has not said"},
		"unknown, and told":      {cutOff(result{status: 1, stderr: "one ended, nobody can say how"}, unknown), ""},
		"unknown, and not told":  {cutOff(result{status: 0}, unknown), "was not told"},
		"it runs on":             {cutOff(result{status: 0}, tend.Run{}), "has not ended"},
		"known, so nothing here": {cutOff(result{status: 7}, tend.Run{EndedAt: at(1), Exit: &tend.Exit{Code: 3}}), ""},
	} {
		if (test.said == "") != (test.wrong == "") || !strings.Contains(test.said, test.wrong) {
			t.Errorf("%s: %q; should be %q", name, test.said, test.wrong)
		}
	}
}

func TestWhoNeedsWhom(t *testing.T) {
	g := diamond()
	for name, test := range map[string]struct{ got, want string }{
		"those that a stop of the first stops":  {sorted(g.needing("diamond-a", false)), "diamond-b diamond-c diamond-d"},
		"those that require the wanted one":     {sorted(g.needing("diamond-c", false)), ""},
		"those that need the wanted one":        {sorted(g.needing("diamond-c", true)), "diamond-d"},
		"those that the last is started with":   {sorted(g.needed("diamond-d")), "diamond-a diamond-b diamond-c"},
		"those that the second is started with": {sorted(g.needed("diamond-b")), "diamond-a"},
		"those above the first of the chain":    {sorted(chained().needing("chain-a", false)), "chain-b chain-c"},
	} {
		if test.got != test.want {
			t.Errorf("%s: %q; should be %q", name, test.got, test.want)
		}
	}
}

func sorted(names []string) string {
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}

// A start before what is required is ready, and a stop before those that need it have ended, are seen by the service itself.
func TestAWrongOrderIsSeen(t *testing.T) {
	c, said := broken(t)
	cmd := runOf(t, c, "linked", "FIRST") // it is ready soon, and finds nobody to tell that
	lock := lockPath(c.servicesDir, "one")
	eventually(t, "it is ready", func() bool {
		text, _ := os.ReadFile(lock)
		return strings.HasSuffix(string(text), " ready\n")
	})
	order := filepath.Join(c.servicesDir, "order")
	r := &run{dir: c.servicesDir, service: "two", id: "SECOND"}
	t.Setenv(needsVariable, "one")
	t.Setenv(neededVariable, "one")
	t.Setenv(orderVariable, order)
	r.checkNeeds()
	r.checkNeeded()
	if err := writeOrder(order, []string{"two", "three"}); err != nil {
		t.Fatal(err)
	}
	r.checkNeeded()
	if got := said(); got != "" {
		t.Fatalf("all is well: %s", got)
	}
	if err := writeOrder(order, []string{"one", "two"}); err != nil {
		t.Fatal(err)
	}
	if r.checkNeeded(); !strings.Contains(said(), "which needs it and is being stopped too, lives") {
		t.Error("a stop that comes too early is not seen")
	}
	text, _ := os.ReadFile(lock)
	for what, not := range map[string]string{"is not ready yet": strings.TrimSuffix(string(text), " ready\n") + "\n", "is not there": ""} {
		if err := os.WriteFile(lock, []byte(not), 0o600); err != nil {
			t.Fatal(err)
		}
		if r.checkNeeds(); !strings.Contains(said(), "what it requires is not ready: one") {
			t.Errorf("a start while what it requires %s is not seen", what)
		}
	}
	if err := os.WriteFile(lock, text, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Signal(syscall.SIGKILL)
	_ = cmd.Wait()
	if r.checkNeeds(); !strings.Contains(said(), "is not ready: one") {
		t.Error("a start after the end of what it requires is not seen")
	}
	r.checkNeeded()
	if got := said(); got != "" {
		t.Errorf("it has ended, and then the other is told to: %s", got)
	}
}

func TestARefusedConnectionIsSeen(t *testing.T) {
	c, _ := broken(t)
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	c.load = &load{address: address}
	stop := c.startLoad()
	eventually(t, "it is seen", func() bool {
		c.report.mu.Lock()
		defer c.report.mu.Unlock()
		return strings.Contains(strings.Join(c.report.Violations, " "), "was refused")
	})
	stop()
}
