package supervisor

import (
	"testing"
	"time"

	"tend"
)

// On a busy machine it may take long to find out what a main process has left behind. Nobody is said to be ready, or to
// have survived everything, who is known to have ended.
func TestNoStepIsDueOfWhatHasEnded(t *testing.T) {
	now := time.Now()
	for _, phase := range []tend.Phase{tend.PhaseStarting, tend.PhaseStopping} {
		st := tend.State{Phase: phase, Run: "r", Begun: true, Main: tend.Identity{PID: 1 << 23, Start: 1}, StopStep: 9, Next: now.Add(-time.Second).Round(0)}
		sv := &service{definition: tend.Service{Name: "s"}, state: st, run: &tend.Run{ID: "r"}, ending: true}
		s := &Supervisor{now: now, services: map[string]*service{"s": sv}, pending: newPending()}
		s.near, s.channels, s.sockets = s.newNeighbours(), s.newChannels(), newSockets(s)
		s.tick()
		if sv.state.Phase != phase || sv.state.Next != st.Next || !s.pending.empty() {
			t.Errorf("%s: %+v", phase, sv.state)
		}
		if sv.state.StopStep = 0; sv.held() != (phase == tend.PhaseStarting) {
			t.Errorf("%s: its first step is held %v", phase, sv.held())
		}
		sv.state.StopStep = st.StopStep
		sv.ending = false
		s.tick()
		if sv.state.Next == st.Next {
			t.Errorf("%s: nothing has happened", phase)
		}
	}
}
