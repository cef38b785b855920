package supervisor

import "tend"

// runStopCommand runs the command that comes before the first signal of a stop.
func (s *Supervisor) runStopCommand(sv *service) {
	run := sv.state.Run
	s.effect(func() { s.apply(sv, tend.StopCommandEnded{Run: run}) })
}
