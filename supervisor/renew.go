package supervisor

import (
	"slices"

	"tend"
)

// What is to have a new run because of a file or the calendar is restarted in its turn, if it is one of several copies: see
// roll. Nobody has asked for that, and nobody is told.

// renew gives a copy a new run, in its turn.
func (s *Supervisor) renew(sv *service, e tend.Renewed) {
	name := sv.definition.Service()
	if len(s.copiesOf(name)) == 1 {
		s.apply(sv, e)
		return
	}
	for _, r := range s.rolls[name] {
		if r.op.renew != nil && slices.Contains(r.wait, sv) {
			return
		}
	}
	for _, r := range s.rolls[name] {
		if r.op.renew != nil && r.op.renew.Cause == e.Cause {
			r.op.all, r.wait = append(r.op.all, sv), append(r.wait, sv)
			r.op.open++
			return
		}
	}
	op := &operation{request: tend.Request{Command: tend.CommandRestart}, renew: &e, news: newMailbox[news](), all: []*service{sv}, open: 1}
	s.operations[op] = true
	op.onEnd = func() { delete(s.operations, op) }
	r := &roll{op: op, service: name, wait: []*service{sv}, ran: map[*service]bool{}}
	s.rolls[name] = append(s.rolls[name], r)
	if len(s.rolls[name]) == 1 {
		s.effect(func() { s.rollOn(r) }) // when those that are due as well have joined
	}
}

// wishRenewed gives it the new run, unless there is no reason any more.
func (s *Supervisor) wishRenewed(sv *service, op *operation) {
	st := sv.state
	passed := op.renew.Cause == tend.CauseSchedule && !s.restartDue(sv)
	switch {
	case !st.Wanted || st.Halting || passed || sv.definition.IsJob():
		s.tell(sv, op, tend.Progress{Kind: tend.ProgressNotRunning, Done: true})
		return
	case st.Phase == tend.PhaseStarting, st.Phase == tend.PhaseRunning:
		sv.wishes = append(sv.wishes, &wish{op: op, stopping: true, run: st.Run})
	case st.Phase == tend.PhaseBackoff, st.Phase == tend.PhaseExited, st.Phase == tend.PhaseFailed && st.Lacks == "":
		sv.wishes = append(sv.wishes, &wish{op: op})
	default:
		s.tell(sv, op, tend.Progress{Kind: tend.ProgressNotRunning, Done: true})
		return
	}
	s.apply(sv, *op.renew)
}

// restartDue reports whether the time of the restart schedule of a service that runs has come.
func (s *Supervisor) restartDue(sv *service) bool {
	st := sv.state
	return st.Phase == tend.PhaseRunning && !sv.definition.IsJob() && !st.Due.IsZero() && !s.wall().Before(st.Due)
}

// awaitsTurn reports whether the copy is to be renewed when those before it are.
func (s *Supervisor) awaitsTurn(sv *service) bool {
	return slices.ContainsFunc(s.rolls[sv.definition.Service()], func(r *roll) bool {
		return r.op.renew != nil && (r.turn == sv || slices.Contains(r.wait, sv))
	})
}

// renewsInTurn has a copy whose restart schedule has come renewed in its turn, unless its time was missed.
func (s *Supervisor) renewsInTurn(sv *service) bool {
	st := sv.state
	expired := !st.Expires.IsZero() && !s.wall().Before(st.Expires)
	if expired || !s.restartDue(sv) || len(s.copiesOf(sv.definition.Service())) == 1 {
		return false
	}
	if s.awaitsTurn(sv) {
		return true
	}
	if s.wall().Sub(st.Due) > tend.MissedGrace {
		return false
	}
	s.renew(sv, tend.Renewed{Cause: tend.CauseSchedule, Why: "to be restarted, as its restart schedule says"})
	return true
}
