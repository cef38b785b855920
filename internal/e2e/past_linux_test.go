package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"tend"
	"tend/process"
)

// tendDies kills all of tend's own processes of this world at one instant, and waits for their end: none may do anything
// about another's death. So they are stopped before, from the outer keeper down: it would have the others go on.
func (w *world) tendDies() {
	w.t.Helper()
	chain := w.chain()
	for _, role := range []string{"outer", "inner", "supervisor"} {
		id := chain[role]
		if err := process.Signal(id, "STOP"); err != nil {
			w.t.Fatalf("stopping the %s: %v", role, err)
		}
		eventually(w.t, "the "+role+" is stopped", func() bool { stat, err := process.ReadStat(id.PID); return err == nil && stat.Stopped() })
	}
	for _, id := range chain {
		kill(id)
	}
	for _, id := range chain {
		awaitEnd(w.t, id)
	}
}

// told is the answer of history --json.
type told struct {
	Runs []struct {
		tend.Run
		How, Why, Note string
		Away           *tend.Absence
	}
}

func (w *world) history(name string) (h told) {
	w.t.Helper()
	r := w.tend("history", "--json", name).ok()
	if err := json.Unmarshal([]byte(r.stdout), &h); err != nil {
		w.t.Fatalf("%v: %s", err, r)
	}
	return h
}

// A run ends while all of tend is dead. The next command knows no more than anybody can, and says so.
func TestTheNextCommandTellsWhatHappenedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.up("job", "--restart", "no", "--", "sh", "-c", "while ! test -e go; do sleep 0.01; done; exit 3")
	other := w.up("other", "--", "sleep", "1000")
	w.tendDies()
	write(t, w.work+"/go", "", 0o600)
	awaitEnd(t, id)
	for _, command := range []string{"why", "history", "events"} {
		if r := w.tend(command, "job").ok(); r.stderr != "" {
			t.Errorf("it talks: %s", r)
		}
	}
	run := w.history("job").Runs[0]
	if run.Exit == nil || !run.Exit.Unknown && *run.Exit != (tend.Exit{Code: 3}) {
		t.Errorf("it ended by %v", run.Exit)
	}
	if run.EndedAfter.IsZero() || run.EndedAfter.After(run.EndedAt) || run.Away == nil || run.Away.Exact || run.Away.Cause != tend.AwayUnknown {
		t.Errorf("it ended between %s and %s, and the absence is %+v", run.EndedAfter, run.EndedAt, run.Away)
	}
	for _, want := range []string{"job has failed at ", "ended at an unknown moment between ", "Supervision was away from some moment after ", "tend start job"} {
		if r := w.tend("why", "job"); !strings.Contains(r.stdout, want) {
			t.Errorf("it does not say %q: %s", want, r)
		}
	}
	if run := w.history("other").Runs[0]; !run.EndedAt.IsZero() || run.How != "running" || run.Away != nil {
		t.Errorf("of the other it says %+v", run)
	}
	if w.running("other") != other {
		t.Error("the other is another")
	}
}

// A run ends while the supervisor is dead and its keeper lives: how and when it ended is known, and so is when and by what
// the supervisor did.
func TestAKeeperHasSeenWhatHappenedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.up("job", "--restart", "no", "--", "sh", "-c", "while ! test -e go; do sleep 0.01; done; exit 3")
	var supervisor tend.Identity
	for _, p := range living() {
		if len(p.words) > 1 && p.words[0] == "tend" && p.words[1] == "supervise" && strings.Contains(strings.Join(p.words, " "), w.runtime) {
			supervisor = p.Identity
		}
	}
	if err := process.Signal(supervisor, "STOP"); err != nil { // nobody supervises, and nobody comes to do so
		t.Fatal(err)
	}
	write(t, w.work+"/go", "", 0o600)
	awaitEnd(t, id)
	eventually(t, "its keeper has reaped it", func() bool { _, err := os.Stat(fmt.Sprintf("/proc/%d", id.PID)); return err != nil })
	kill(supervisor)
	w.becomes("job", "has failed", func(s tend.Status) bool { return s.State == tend.PhaseFailed })
	run := w.history("job").Runs[0]
	if run.Exit == nil || *run.Exit != (tend.Exit{Code: 3}) || !run.EndedAfter.IsZero() {
		t.Errorf("it ended by %v between %s and %s", run.Exit, run.EndedAfter, run.EndedAt)
	}
	r := w.tend("events").ok()
	if !strings.Contains(r.stdout, "the supervisor before was killed by SIGKILL") || !strings.Contains(r.stdout, "exited with status 3\n") {
		t.Errorf("%s", r)
	}
}
