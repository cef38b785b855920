package tend

import (
	"strings"
	"testing"
	"time"
)

func TestWhySaysWhatAStartWaitsForAndWhatItWasAnswered(t *testing.T) {
	now := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"alive:1s":         "if it is still alive in 5s",
		"tcp:8000":         "when connections are taken on 8000",
		"http:8000/health": "when GET http://localhost:8000/health is answered",
		"log:is ready":     `a line that matches "is ready"`,
		"command:true":     "when this command ends well: true",
		"notify":           "sd_notify",
		"fd:3":             "descriptor 3",
		"exit":             "when it has ended well",
	} {
		check, err := ParseReady(text)
		if err != nil {
			t.Fatal(err)
		}
		st := State{Phase: PhaseStarting, Begun: true, Main: Identity{PID: 10, Start: 1}, Started: now, Next: now.Add(5 * time.Second), Cause: CauseStart}
		said := strings.Join(Explain(Account{Service: Service{Name: "web", Settings: Settings{Ready: check}}, State: st, Unready: "connection refused"}, now), "\n")
		if !strings.Contains(said, want) || text != "alive:1s" && !strings.Contains(said, "So far: connection refused") {
			t.Errorf("%s: %s", text, said)
		}
	}
	st := State{Phase: PhaseRunning, Begun: true, Main: Identity{PID: 10, Start: 1}, Started: now, Cause: CauseStart}
	said := strings.Join(Explain(Account{Service: Service{Name: "web", Settings: Settings{Health: Check{Kind: CheckTCP, Target: "1"}}}, State: st, Unhealthy: "refused"}, now), "\n")
	if !strings.Contains(said, "health check fails just now: refused") || !strings.Contains(said, "3 times in a row") {
		t.Error(said)
	}
}
