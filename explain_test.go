package tend_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"tend"
)

// TestExplain compares what is said of each situation with testdata/explain.txt; -update writes it anew, to be read.
func TestExplain(t *testing.T) {
	now := epoch.Add(2 * time.Hour)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	code := func(n int) *tend.Exit { return &tend.Exit{Code: n} }
	kill := &tend.Exit{Signal: "KILL"}
	main := tend.Identity{PID: 101, Start: 1}
	live := func(phase tend.Phase, since time.Duration) tend.State {
		return tend.State{Phase: phase, Wanted: true, Run: "r1", Begun: true, Main: main, Since: ago(since), Started: ago(since), Cause: tend.CauseStart}
	}
	rest := func(phase tend.Phase, exit *tend.Exit, since time.Duration) tend.State {
		return tend.State{Phase: phase, Wanted: true, Run: "r1", Begun: true, Since: ago(since), Started: ago(2 * since), Ended: ago(since), Exit: exit}
	}
	with := func(st tend.State, change func(*tend.State)) tend.State { change(&st); return st }
	run := func(cause tend.Cause, started time.Duration, exit *tend.Exit) tend.Run {
		r := tend.Run{Cause: cause, StartedAt: ago(started), Exit: exit}
		if exit != nil {
			r.EndedAt = ago(started - time.Second)
		}
		return r
	}
	crashed := tend.Absence{From: ago(6 * time.Minute), Exact: true, To: ago(4 * time.Minute), Cause: tend.AwayCrashed, Exit: kill}
	unknown := tend.Absence{From: ago(time.Hour), To: ago(5 * time.Minute), Cause: tend.AwayUnknown}
	idle := tend.Absence{From: ago(6 * time.Minute), Exact: true, To: ago(4 * time.Minute), Cause: tend.AwayIdle}
	always := tend.Service{Settings: tend.Settings{Restart: tend.RestartAlways}}
	nightly := tend.Service{Settings: tend.Settings{Schedule: "0 3 * * *", Timezone: "Europe/Berlin"}}
	atOnce := tend.Service{Settings: tend.Settings{Schedule: "@monthly", Timezone: "UTC", Missed: tend.MissedRun}}
	no := tend.Service{Settings: tend.Settings{Restart: tend.RestartNo}}
	var got strings.Builder
	for _, c := range []struct {
		name    string
		account tend.Account
	}{
		{"never started", tend.Account{}},
		{"stopped by a command", tend.Account{State: with(rest(tend.PhaseStopped, &tend.Exit{Signal: "TERM"}, 5*time.Minute), func(st *tend.State) { st.Wanted = false })}},
		{"expired", tend.Account{State: with(rest(tend.PhaseStopped, &tend.Exit{Signal: "TERM"}, 5*time.Minute), func(st *tend.State) { st.Wanted, st.Expired = false, true })}},
		{"stopped by a shutdown", tend.Account{State: rest(tend.PhaseStopped, code(0), 5*time.Minute), Absences: []tend.Absence{idle}}},
		{"stopped by a reboot while it was being stopped", tend.Account{State: with(rest(tend.PhaseStopped, &tend.Exit{Lost: "reboot"}, time.Minute), func(st *tend.State) { st.Wanted = false })}},
		{"exited", tend.Account{State: rest(tend.PhaseExited, code(0), 5*time.Minute)}},
		{"exited while supervision was away", tend.Account{State: rest(tend.PhaseExited, code(0), 5*time.Minute), Absences: []tend.Absence{crashed}}},
		{"failed", tend.Account{Service: no, State: with(rest(tend.PhaseFailed, code(3), 5*time.Minute), func(st *tend.State) {
			st.Reason = "exited with status 3, and its restart policy is no"
		})}},
		{"failed while supervision was away", tend.Account{Service: no, Absences: []tend.Absence{idle, crashed}, State: with(rest(tend.PhaseFailed, code(3), 5*time.Minute), func(st *tend.State) {
			st.Reason = "exited with status 3, and its restart policy is no"
		})}},
		{"failed unseen", tend.Account{Service: no, Absences: []tend.Absence{unknown}, State: with(rest(tend.PhaseFailed, &tend.Exit{Unknown: true}, 5*time.Minute), func(st *tend.State) {
			st.Reason, st.EndedAfter = "ended, nobody can say how, and its restart policy is no", ago(time.Hour)
		})}},
		{"could not be started", tend.Account{State: rest(tend.PhaseFailed, &tend.Exit{Error: `cannot execute "/no": no such file`}, 5*time.Minute)}},
		{"waiting", tend.Account{WaitsFor: []tend.Obstacle{
			{Dependency: tend.Dependency{Bond: tend.BondRequires}, Copy: "db", How: "is starting (pid 5)"}, {Dependency: tend.Dependency{Bond: tend.BondAfter}, Copy: "log@1", How: "is stopping (pid 6)"},
		}, State: tend.State{Phase: tend.PhaseWaiting, Wanted: true, Since: ago(time.Minute), Cause: tend.CauseStart}}},
		{"failed for want of another", tend.Account{State: tend.State{Phase: tend.PhaseFailed, Wanted: true, Since: ago(time.Minute), Lacks: "db", Reason: "it requires db, which failed: exited with status 1"}}},
		{"failed for want of another while it ran, and not wanted", tend.Account{State: with(rest(tend.PhaseFailed, code(0), 5*time.Minute), func(st *tend.State) {
			st.Wanted, st.Lacks, st.Fault, st.Reason = false, "db", "it requires db, which was removed", "it requires db, which was removed"
		})}},
		{"held before it is stopped", tend.Account{HeldBy: []string{"api", "web"}, State: with(live(tend.PhaseRunning, time.Hour), func(st *tend.State) { st.Wanted, st.Halting = false, true })}},
		{"held before it is restarted", tend.Account{HeldBy: []string{"web"}, State: with(live(tend.PhaseRunning, time.Hour), func(st *tend.State) { st.Halting, st.Then = true, tend.ThenStart })}},
		{"held before it fails", tend.Account{State: with(live(tend.PhaseRunning, time.Hour), func(st *tend.State) {
			st.Halting, st.Then, st.Fault = true, tend.ThenFail, "it requires db, which failed: exited with status 1"
		})}},
		{"back with what it requires", tend.Account{State: with(live(tend.PhaseRunning, time.Hour), func(st *tend.State) { st.Cause = tend.CauseDependency })}},
		{"backoff", tend.Account{State: with(rest(tend.PhaseBackoff, code(3), 5*time.Second), func(st *tend.State) {
			st.Failures, st.Restarts, st.Next = 4, 3, now.Add(1500*time.Millisecond)
		}), Service: tend.Service{Settings: tend.Settings{GiveUpAfter: 6}}}},
		{"backoff, nobody supervises", tend.Account{Unsupervised: true, State: with(rest(tend.PhaseBackoff, code(3), 5*time.Second), func(st *tend.State) {
			st.Failures, st.Next = 4, ago(time.Second)
		})}},
		{"backoff after a fault", tend.Account{State: with(rest(tend.PhaseBackoff, &tend.Exit{Signal: "TERM", Fault: "took 100MB of memory, and may have 50MB"}, 5*time.Second), func(st *tend.State) {
			st.Failures, st.Next = 2, now.Add(time.Second)
		})}},
		{"backoff after a success", tend.Account{Service: always, State: with(rest(tend.PhaseBackoff, code(0), time.Second), func(st *tend.State) { st.Next = now.Add(90 * time.Millisecond) })}},
		{"starting, no process yet", tend.Account{State: with(live(tend.PhaseStarting, time.Second), func(st *tend.State) { st.Begun, st.Main = false, tend.Identity{} })}},
		{"starting", tend.Account{State: with(live(tend.PhaseStarting, time.Second), func(st *tend.State) { st.Next = now.Add(200 * time.Millisecond) })}},
		{"running", tend.Account{State: live(tend.PhaseRunning, 25*time.Hour)}},
		{"running, its log was removed", tend.Account{State: live(tend.PhaseRunning, time.Hour), LogTrouble: "its log file was removed: what it writes goes where nobody sees it until it is restarted"}},
		{"running again", tend.Account{
			State: with(live(tend.PhaseRunning, 5*time.Second), func(st *tend.State) {
				st.Cause, st.Exit, st.Ended, st.Failures = tend.CauseFailure, kill, ago(5*time.Second), 2
			}),
			Runs: []tend.Run{run(tend.CauseFailure, 5*time.Second, nil), run(tend.CauseFailure, time.Minute, kill), run(tend.CauseFailure, 2*time.Minute, code(3)),
				run(tend.CauseFailure, 3*time.Minute, code(3)), run(tend.CauseFailure, 90*time.Minute, code(3)), run(tend.CauseStart, 2*time.Hour, code(9))},
		}},
		{"running again after a fault", tend.Account{
			State: with(live(tend.PhaseRunning, 5*time.Second), func(st *tend.State) { st.Cause = tend.CauseFailure }),
			Runs: []tend.Run{run(tend.CauseFailure, 5*time.Second, nil),
				run(tend.CauseStart, time.Minute, &tend.Exit{Signal: "TERM", Fault: "was not ready within 1s"})},
		}},
		{"running after an end that nobody saw", tend.Account{Absences: []tend.Absence{unknown},
			State: with(live(tend.PhaseRunning, 5*time.Minute), func(st *tend.State) {
				st.Cause, st.Exit, st.Ended, st.EndedAfter = tend.CauseFailure, &tend.Exit{Unknown: true}, ago(5*time.Minute), ago(time.Hour)
			}), Runs: []tend.Run{run(tend.CauseFailure, 5*time.Minute, nil), run(tend.CauseStart, 2*time.Hour, &tend.Exit{Unknown: true})}}},
		{"running, nobody supervises", tend.Account{State: live(tend.PhaseRunning, time.Hour), Unsupervised: true}},
		{"stopping", tend.Account{State: with(live(tend.PhaseStopping, time.Second), func(st *tend.State) { st.Next = now.Add(9 * time.Second) })}},
		{"stopping, last step", tend.Account{State: with(live(tend.PhaseStopping, 11*time.Second), func(st *tend.State) { st.StopStep, st.Next = 1, now.Add(4*time.Second) })}},
		{"stopping, survived", tend.Account{Left: []int{101, 102}, State: with(live(tend.PhaseStopping, time.Minute), func(st *tend.State) { st.StopStep = 2 })}},
		{"restarting", tend.Account{State: with(live(tend.PhaseStopping, time.Second), func(st *tend.State) { st.Then, st.Next = tend.ThenStart, now.Add(9*time.Second) })}},
		{"failed, and left others", tend.Account{State: with(live(tend.PhaseStopping, time.Second), func(st *tend.State) {
			st.Then, st.Next, st.Main, st.Reason = tend.ThenEnd, now.Add(9*time.Second), tend.Identity{}, "exited with status 1 and left 2 processes behind"
		})}},
		{"failed, and left others that have survived", tend.Account{Left: []int{102}, State: with(live(tend.PhaseStopping, time.Minute), func(st *tend.State) {
			st.Then, st.StopStep, st.Main, st.Exit, st.Reason = tend.ThenEnd, 2, tend.Identity{}, code(1), "it survived every step of its stop schedule"
		})}},
		{"restarted more often than is remembered", tend.Account{
			State: with(live(tend.PhaseRunning, 5*time.Second), func(st *tend.State) { st.Cause, st.Exit = tend.CauseFailure, code(3) }),
			Runs:  []tend.Run{run(tend.CauseFailure, 5*time.Second, nil), run(tend.CauseFailure, time.Minute, code(3)), run(tend.CauseFailure, 2*time.Minute, code(3))},
		}},
		{"exited, when its policy was another one", tend.Account{Service: always, State: rest(tend.PhaseExited, code(0), 5*time.Minute)}},
		{"damaged", tend.Account{State: tend.State{Phase: tend.PhaseFailed, Wanted: true}, Damage: errors.New("the state of web: unexpected end of JSON input")}},
		{"damaged, without a phase", tend.Account{Damage: errors.New("the state of web: unexpected end of JSON input")}},
		{"scheduled", tend.Account{Service: nightly, State: tend.State{Phase: tend.PhaseScheduled, Wanted: true, Since: ago(time.Hour), Due: now.Add(90 * time.Minute)}}},
		{"scheduled by no clock", tend.Account{Service: tend.Service{Settings: tend.Settings{Schedule: "@every 1h", Timezone: "Europe/Berlin"}},
			State: tend.State{Phase: tend.PhaseScheduled, Wanted: true, Since: ago(time.Hour), Due: now.Add(time.Minute)}}},
		{"scheduled, after failures", tend.Account{Service: atOnce, State: with(rest(tend.PhaseScheduled, code(3), 5*time.Minute), func(st *tend.State) {
			st.Failures, st.Due = 3, now.Add(30*24*time.Hour)
		})}},
		{"a job runs", tend.Account{Service: nightly, State: with(live(tend.PhaseRunning, time.Hour), func(st *tend.State) {
			st.Cause, st.Due = tend.CauseSchedule, now.Add(23*time.Hour)
		})}},
		{"a job runs, and is to run again", tend.Account{Service: nightly, State: with(live(tend.PhaseRunning, time.Hour), func(st *tend.State) {
			st.Cause, st.Due, st.Queued = tend.CauseSchedule, now.Add(23*time.Hour), true
		})}},
		{"one run", tend.Account{State: with(live(tend.PhaseRunning, time.Hour), func(st *tend.State) { st.Cause, st.Once, st.Wanted = tend.CauseOnce, true, false })}},
		{"running, and to be restarted, and to expire", tend.Account{State: with(live(tend.PhaseRunning, time.Hour), func(st *tend.State) {
			st.Due, st.Expires = now.Add(time.Hour), now.Add(2*time.Hour)
		})}},
		{"elsewhere", tend.Account{State: live(tend.PhaseRunning, time.Hour), Elsewhere: "other/1234"}},
		{"broken", tend.Account{Service: tend.Service{Broken: tend.Errorf(tend.CodeUsage, "the settings of web are not valid").WithHint("sqlite3 s.sqlite \"UPDATE …\"")}, State: live(tend.PhaseRunning, time.Hour)}},
		{"a name to be quoted", tend.Account{Service: tend.Service{Name: "my web"}}},
	} {
		if c.account.Service.Name == "" {
			c.account.Service.Name = "web"
		}
		got.WriteString(c.name + "\n")
		for _, sentence := range tend.Explain(c.account, now) {
			got.WriteString("  " + sentence + "\n")
		}
	}
	const file = "testdata/explain.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wantLines, gotLines := strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")
	for i := range max(len(wantLines), len(gotLines)) {
		if i >= len(wantLines) || i >= len(gotLines) || wantLines[i] != gotLines[i] {
			t.Fatalf("%s:%d: it says something else now:\n%s", file, i+1, got.String())
		}
	}
}
