package supervisor

import "tend"

// A roll is a rolling restart: the copies of a service are restarted one after the other, each when the one before it is
// ready. At the first that does not become ready it ends, and the others run on as they are.
//
// It lives in this process alone. When that is killed, whoever asked for it asks the next supervisor, and those that have
// been restarted since they asked count as done.
type roll struct {
	op      *operation
	service string
	turn    *service   // whose turn it is
	wait    []*service // for theirs
	ran     map[*service]bool
}

// rollAll begins a roll for each service of which several copies are to be restarted and one runs, and returns the others.
func (s *Supervisor) rollAll(services []*service, op *operation) (others []*service) {
	if op.request.Command != tend.CommandRestart {
		return services
	}
	copies, ran := map[string][]*service{}, map[*service]bool{}
	runs := map[string]bool{}
	for _, sv := range services {
		name := sv.definition.Service()
		copies[name] = append(copies[name], sv)
		ran[sv] = sv.state.Phase.Live()
		runs[name] = runs[name] || ran[sv]
	}
	for _, sv := range services {
		name := sv.definition.Service()
		switch {
		case len(copies[name]) == 1, !runs[name], op.command(sv) != tend.CommandRestart:
			others = append(others, sv)
		case copies[name][0] == sv:
			r := &roll{op: op, service: name, wait: copies[name], ran: ran}
			s.rolls[name] = append(s.rolls[name], r)
			if len(s.rolls[name]) == 1 {
				s.rollOn(r)
			}
		}
	}
	return others
}

// rollOn restarts the next copy.
func (s *Supervisor) rollOn(r *roll) {
	if len(r.wait) == 0 {
		s.endRoll(r)
		return
	}
	sv := r.wait[0]
	r.turn, r.wait = sv, r.wait[1:]
	switch {
	case s.services[sv.name()] != sv || sv.surplus:
		s.effect(r.op.done)
		s.rollOn(r)
	case r.op.renew != nil:
		s.wishRenewed(sv, r.op)
	case r.ran[sv] && !sv.state.Wanted:
		s.tell(sv, r.op, failed(tend.Errorf(tend.CodeConflict, "%s was stopped by another command meanwhile", sv.label())))
	default:
		s.wish(sv, r.op)
	}
}

// rolled goes on with a roll when a copy is done with.
func (s *Supervisor) rolled(sv *service, op *operation, well bool) {
	rolls := s.rolls[sv.definition.Service()]
	if len(rolls) == 0 || rolls[0].op != op || rolls[0].turn != sv {
		return
	}
	r := rolls[0]
	r.turn = nil
	s.effect(func() {
		if well {
			s.rollOn(r)
			return
		}
		for _, other := range r.wait {
			if op.renew != nil {
				s.apply(other, tend.Spared{Why: sv.label() + ", whose turn was before, did not become ready"})
			}
			s.tell(other, op, tend.Progress{Kind: tend.ProgressUntouched, PID: other.state.Main.PID, Done: true})
		}
		s.endRoll(r)
	})
}

// endRoll begins the next one of the same service, if there is one.
func (s *Supervisor) endRoll(r *roll) {
	rolls := s.rolls[r.service]
	if len(rolls) == 0 || rolls[0] != r {
		return
	}
	if s.rolls[r.service] = rolls[1:]; len(rolls) > 1 {
		s.rollOn(rolls[1])
	} else {
		delete(s.rolls, r.service)
	}
}
