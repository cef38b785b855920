package supervisor

import (
	"slices"

	"tend"
)

// Each copy of a service is a service under supervision, by the name of tend.CopyName. What its definition says of their
// number may change at any time: copies that were not there are started if the others are wanted, those that are no more are
// stopped, from the highest on, and forgotten.

// lasting are the names of what is there to stay.
func (s *Supervisor) lasting() (names []string) {
	for name, sv := range s.services {
		if !sv.surplus {
			names = append(names, name)
		}
	}
	return names
}

// copiesOf are the copies of a service, in order.
func (s *Supervisor) copiesOf(name string) (copies []*service) {
	for _, sv := range s.services {
		if sv.definition.Service() == name {
			copies = append(copies, sv)
		}
	}
	slices.SortFunc(copies, func(a, b *service) int { return a.definition.Copy - b.definition.Copy })
	return copies
}

// grow starts copies that were not there before, if any of the others is wanted and has not come to its end. That is what a
// copy without a row is told by: so those that are not started get one.
func (s *Supervisor) grow() {
	if s.leaving {
		return
	}
	for _, sv := range sorted(s.services) {
		if !sv.fresh {
			continue
		}
		sv.fresh = false
		if sv.broken == nil && s.othersWanted(sv) {
			s.apply(sv, tend.StartRequested{})
		} else {
			s.pending.states[sv.name()] = sv.state
		}
	}
}

func (s *Supervisor) othersWanted(sv *service) bool {
	return slices.ContainsFunc(s.copiesOf(sv.definition.Service()), func(other *service) bool {
		over := other.state.Phase == tend.PhaseExited || other.state.Phase == tend.PhaseFailed
		return other != sv && other.state.Wanted && !over && s.local(other) && !other.surplus
	})
}

// surplus makes a service of a copy that is only known by what it left behind: there are fewer by now.
func (s *Supervisor) surplus(name string) (sv *service, ok bool) {
	of, copy, ok := tend.ParseCopy(name)
	first := s.services[of]
	if !ok || first == nil || copy == 0 {
		return nil, false
	}
	sv = &service{definition: first.definition.CopyOf(copy), broken: first.broken, state: tend.State{Phase: tend.PhaseStopped}, surplus: true}
	s.services[name] = sv
	return sv, true
}

// retire stops a copy that is no more.
func (s *Supervisor) retire(sv *service) {
	if s.elsewhere(sv) != "" {
		delete(s.services, sv.name())
		return
	}
	sv.surplus = true
	s.apply(sv, tend.StopRequested{})
}

// retireAll stops all copies that were no more when we came.
func (s *Supervisor) retireAll() {
	for _, sv := range slices.Backward(sorted(s.services)) {
		if sv.surplus {
			s.retire(sv)
		}
	}
}

// dropSurplus forgets a copy that is no more once nothing of it runs. Its log stays.
func (s *Supervisor) dropSurplus(sv *service) {
	if !sv.surplus || sv.state.Phase.Live() || s.services[sv.name()] != sv {
		return
	}
	delete(s.services, sv.name())
	delete(s.pending.states, sv.name())
	s.pending.forget = append(s.pending.forget, sv.name())
	s.partHooks(sv.name())
}

// wishScale waits for what a new number of copies has begun.
func (s *Supervisor) wishScale(sv *service, op *operation) {
	st := sv.state
	switch {
	case sv.surplus && st.Phase.Live():
		s.wishStop(sv, op)
	case st.Wanted && (st.Phase == tend.PhaseStarting || st.Phase == tend.PhaseWaiting), st.Phase == tend.PhaseRunning && s.sinceAsked(op, st.Started):
		s.wishStart(sv, op)
	default:
		s.effect(op.done)
	}
}
