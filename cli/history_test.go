package cli

import (
	"strings"
	"testing"
	"time"

	"tend"
)

// What there is to say of an end that nobody saw is seen on a narrow terminal as well.
func TestHistoryOnANarrowTerminal(t *testing.T) {
	yesterday := noon.Add(-24 * time.Hour)
	run := tend.Run{ID: "R", Service: "web", Cause: tend.CauseFailure, StartedAt: yesterday, EndedAt: yesterday.Add(time.Hour), Exit: &tend.Exit{Signal: "KILL"}}
	unseen := run
	unseen.EndedAfter = yesterday.Add(time.Minute)
	p := &past{survey: &survey{}, absences: []tend.Absence{{From: unseen.EndedAfter, To: unseen.EndedAt, Cause: tend.AwayUnknown}}}
	got := historyGrid([]pastRun{p.tell(unseen, noon), p.tell(run, noon)}, false, noon).render(terminal{width: 80})
	for line := range strings.Lines(got) {
		if width(strings.TrimSuffix(line, "\n")) > 80 || strings.Contains(line, "…") {
			t.Errorf("too wide: %s", line)
		}
	}
	for _, want := range []string{
		"2026-03-13 12:00:00  13:00:00       1h  was killed by SIGKILL  a failure",
		"2026-03-13 12:00:00  ?            ≥ 1m  ", "\n  it ended between 2026-03-13 12:01:00 and 2026-03-13 13:00:00; supervision was\n  away",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("it lacks %q:\n%s", want, got)
		}
	}
}
