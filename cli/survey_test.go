package cli

import (
	"testing"

	"tend"
	"tend/store"
)

// TestSurvey: what the database alone can answer, and when a supervisor must be asked.
func TestSurvey(t *testing.T) {
	here := tend.Place{Host: "a", Boot: "2", Namespace: 1}
	earlier := tend.Place{Host: "a", Boot: "1", Namespace: 1}
	container := tend.Place{Host: "a", Boot: "2", Namespace: 9}
	other := tend.Place{Host: "b", Boot: "7", Namespace: 1}
	for _, c := range []struct {
		what      string
		state     tend.State
		place     tend.Place
		needs     bool
		elsewhere string
	}{
		{"it rests", tend.State{Phase: tend.PhaseStopped}, here, false, ""},
		{"it runs", tend.State{Phase: tend.PhaseRunning, Wanted: true}, here, true, ""},
		{"it is to be started again", tend.State{Phase: tend.PhaseBackoff, Wanted: true}, here, true, ""},
		{"it ran before a reboot", tend.State{Phase: tend.PhaseRunning, Wanted: true}, earlier, true, ""},
		{"it has ended well", tend.State{Phase: tend.PhaseExited, Wanted: true}, here, false, ""},
		{"it had ended well before a reboot", tend.State{Phase: tend.PhaseExited, Wanted: true}, earlier, true, ""},
		{"it had failed in a container that is gone", tend.State{Phase: tend.PhaseFailed, Wanted: true}, container, true, ""},
		{"nobody wants it back", tend.State{Phase: tend.PhaseFailed}, earlier, false, ""},
		{"it runs on another host", tend.State{Phase: tend.PhaseRunning, Wanted: true}, other, false, "b"},
		{"it rests on another host", tend.State{Phase: tend.PhaseStopped}, other, false, ""},
	} {
		v := &survey{
			services: []tend.Service{{Name: "web"}}, here: here,
			states: map[string]store.Placed{"web": {State: c.state, Place: c.place}},
		}
		if got := v.needsSupervisor(); got != c.needs {
			t.Errorf("%s: needs a supervisor: %v", c.what, got)
		}
		if got := v.elsewhere("web"); got != c.elsewhere {
			t.Errorf("%s: elsewhere is %q", c.what, got)
		}
	}
	if !(&survey{foreign: true}).needsSupervisor() {
		t.Error("a process of the script needs a supervisor")
	}
	if (&survey{services: []tend.Service{{Name: "new"}}, here: here}).needsSupervisor() {
		t.Error("a service that was never started needs none")
	}
}
