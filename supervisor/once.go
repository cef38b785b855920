package supervisor

import (
	"cmp"

	"tend"
)

// wishOnce begins one run of the service. A request that is sent again finds its run on the way, or over.
func (s *Supervisor) wishOnce(sv *service, op *operation) {
	st := sv.state
	ours := st.Cause == tend.CauseOnce && st.Run != "" && s.sinceAsked(op, st.Started)
	switch {
	case ours:
	case sv.broken != nil:
		s.tell(sv, op, failed(sv.broken))
		return
	case st.Phase.Live():
		s.tell(sv, op, failed(tend.Errorf(tend.CodeConflict, "%s is %s, as process %d", sv.label(), st.Phase, st.Main.PID).
			WithHint("tend stop %s", sv.typed())))
		return
	case st.Wanted && st.Phase.Pending() && !sv.definition.IsJob():
		s.tell(sv, op, failed(tend.Errorf(tend.CodeConflict, "%s is about to be started again by itself", sv.label()).
			WithHint("tend stop %s", sv.typed())))
		return
	}
	w := &wish{op: op, once: true}
	s.tell(sv, op, tend.Progress{Kind: tend.ProgressStarting})
	if ours {
		w.run = st.Run
		if !s.seeOnce(sv, w) {
			sv.wishes = append(sv.wishes, w)
		}
		return
	}
	sv.wishes = append(sv.wishes, w)
	s.apply(sv, tend.RunRequested{})
}

// seeOnce looks for the process of the run, and for its end.
func (s *Supervisor) seeOnce(sv *service, w *wish) (done bool) {
	st := sv.state
	if w.run == "" {
		switch {
		case st.Phase.Live() && st.Cause == tend.CauseOnce:
			w.run = st.Run
		case st.Phase == tend.PhaseWaiting:
			return false
		default:
			why := cmp.Or(st.Reason, "it was stopped by another command meanwhile")
			s.tell(sv, w.op, failed(tend.Errorf(tend.CodeFailed, "%s did not run: %s", sv.label(), why)))
			return true
		}
	}
	if st.Run == w.run && st.Phase.Live() {
		if st.Begun && !w.begun && !st.Main.IsZero() {
			w.begun = true
			s.tell(sv, w.op, tend.Progress{Kind: tend.ProgressBegun, PID: st.Main.PID, Run: st.Run})
		}
		return s.seeSurvivors(sv, w)
	}
	exit := sv.exitOf(w.run)
	p := tend.Progress{Kind: tend.ProgressEnded, Run: w.run, Exit: &exit, Done: true}
	if exit.Error != "" {
		p = failed(tend.Errorf(tend.CodeFailed, "%s %s", sv.label(), exit))
		p.Exit = &exit
	}
	s.tell(sv, w.op, s.withStatus(sv, p))
	return true
}

// exitOf is how the run ended, as far as that is remembered.
func (sv *service) exitOf(run string) tend.Exit {
	switch {
	case sv.last != nil && sv.last.ID == run && sv.last.Exit != nil:
		return *sv.last.Exit
	case sv.state.Run == run && sv.state.Exit != nil:
		return *sv.state.Exit
	}
	return tend.Exit{Unknown: true}
}
