package supervisor

import "tend"

// consequences is what follows, outside the state, from a change of the state: each area looks for itself at what it was
// before and what it is now. It comes in the same turn of the loop, before the change is written down; what must not be
// seen before that is an effect.
func (s *Supervisor) consequences(sv *service, before tend.State) {
	s.order(sv, before)
	s.probe(sv)
	s.blame(sv, before)
	s.listening(sv, before)
	s.weigh(sv, before)
	s.watching(sv, before)
	s.notifying(sv, before)
	s.missStopCommand(sv)
}
