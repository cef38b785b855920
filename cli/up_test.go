package cli

import (
	"testing"

	"tend"
)

// TestJudge: what follows from the states of the services of up.
func TestJudge(t *testing.T) {
	running := tend.State{Phase: tend.PhaseRunning}
	backoff := tend.State{Phase: tend.PhaseBackoff, Exit: &tend.Exit{Code: 3}}
	scheduled := tend.State{Phase: tend.PhaseScheduled}
	exited := tend.State{Phase: tend.PhaseExited, Exit: &tend.Exit{}}
	fine := tend.State{Phase: tend.PhaseExited, Exit: &tend.Exit{Code: 3}}
	failed := tend.State{Phase: tend.PhaseFailed, Exit: &tend.Exit{Code: 7}}
	killed := tend.State{Phase: tend.PhaseFailed, Exit: &tend.Exit{Signal: "TERM"}}
	lacking := tend.State{Phase: tend.PhaseFailed, Lacks: "db"}
	stopped := tend.State{Phase: tend.PhaseStopped}
	for _, c := range []struct {
		about           string
		a, b            []tend.State
		each, keepGoing bool
		over            bool
		status          exitStatus
	}{
		{"all run", []tend.State{running}, []tend.State{running}, false, false, false, 0},
		{"what will run counts", []tend.State{backoff}, []tend.State{scheduled}, true, false, false, 0},
		{"one has ended", []tend.State{exited}, []tend.State{running}, false, false, false, 0},
		{"one of a Procfile has ended", []tend.State{exited}, []tend.State{running}, true, false, true, 0},
		{"all have ended", []tend.State{exited}, []tend.State{fine}, false, false, true, 0},
		{"somebody has stopped all", []tend.State{stopped}, []tend.State{stopped}, false, false, true, 0},
		{"nobody has ever started them", nil, nil, false, false, true, 0},
		{"one has failed", []tend.State{running}, []tend.State{failed}, false, false, true, 7},
		{"one copy has failed", []tend.State{running, failed}, []tend.State{running}, false, false, true, 7},
		{"one was killed", []tend.State{killed}, []tend.State{running}, false, false, true, 128 + 15},
		{"it failed without a run", []tend.State{lacking}, []tend.State{running}, false, false, true, 1},
		{"the first counts", []tend.State{killed}, []tend.State{failed}, false, false, true, 128 + 15},
		{"others may go on", []tend.State{failed}, []tend.State{running}, false, true, false, 0},
		{"others of a Procfile may go on", []tend.State{exited}, []tend.State{running}, true, true, false, 0},
		{"none goes on", []tend.State{exited}, []tend.State{failed}, false, true, true, 7},
	} {
		v := judge([]string{"a", "b"}, map[string][]tend.State{"a": c.a, "b": c.b}, c.each, c.keepGoing)
		if v.over != c.over || v.status != c.status {
			t.Errorf("%s: %+v", c.about, v)
		}
	}
}
