package supervisor

import "tend"

// order lets those that depend on each other wait for each other.
func (s *Supervisor) order(sv *service, before tend.State) {
	if sv.state.Phase == tend.PhaseWaiting {
		s.apply(sv, tend.Cleared{})
	}
}
