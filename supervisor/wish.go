package supervisor

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"tend"
	"tend/logs"
)

// wish is one operation's interest in one service: what has to be seen happening before the operation is done with it.
type wish struct {
	op       *operation
	once     bool   // waits for the process of the one run that it is about, and then for its end
	begun    bool   // that process was told of
	stopping bool   // waits for the end of the run; otherwise for a run to become ready
	run      string // the run that is waited for; "" while none has been begun

	until func() (done bool) // waits for something else, of which this tells when it has come
}

// wish begins what the operation wants of the service.
func (s *Supervisor) wish(sv *service, op *operation) {
	if host := s.elsewhere(sv); host != "" && !(op.request.Here && op.request.Command == tend.CommandStart) {
		where := fmt.Sprintf("%s is %s on %s", sv.label(), sv.state.Phase, host)
		if pid := sv.state.Main.PID; pid != 0 {
			where += fmt.Sprintf(", as process %d", pid)
		}
		s.tell(sv, op, failed(tend.Errorf(tend.CodeConflict, "%s", where).
			WithHint("use tend there; if that host is gone for good: tend start --here %s", sv.typed())))
		return
	}
	command := op.command(sv)
	if sv.surplus && (command == tend.CommandStart || command == tend.CommandRestart) {
		command = tend.CommandScale // it is being stopped for good
	}
	switch command {
	case tend.CommandStart:
		s.wishStart(sv, op)
	case tend.CommandRestart:
		s.wishRestart(sv, op)
	case tend.CommandStop:
		s.wishStop(sv, op)
	case tend.CommandRemove:
		s.wishRemove(sv, op)
	case tend.CommandOnce:
		if slices.Contains(op.named, sv) {
			s.wishOnce(sv, op)
		} else {
			s.wishStart(sv, op) // it is needed for that
		}
	case tend.CommandScale:
		s.wishScale(sv, op)
	case tend.CommandSignal:
		s.wishSignal(sv, op)
	case tend.CommandReload:
		s.wishReload(sv, op)
	case tend.CommandWait:
		s.wishWait(sv, op)
	default:
		s.tell(sv, op, failed(tend.Errorf(tend.CodeUsage, "there is no command %q", op.request.Command)))
	}
}

func (s *Supervisor) wishStart(sv *service, op *operation) {
	if s.elsewhere(sv) != "" {
		s.takeHere(sv)
	}
	if sv.state.Phase == tend.PhaseRunning {
		s.apply(sv, tend.StartRequested{})
		kind := tend.ProgressRunning
		if s.sinceAsked(op, sv.state.Started) {
			kind = tend.ProgressStarted
		}
		s.tell(sv, op, tend.Progress{Kind: kind, PID: sv.state.Main.PID, Done: true})
		return
	}
	if sv.state.Phase == tend.PhaseExited && s.sinceAsked(op, sv.state.Started) {
		s.tell(sv, op, s.withStatus(sv, tend.Progress{Kind: tend.ProgressExited, Done: true}))
		return
	}
	if sv.broken != nil {
		s.tell(sv, op, failed(sv.broken))
		return
	}
	s.tell(sv, op, tend.Progress{Kind: tend.ProgressStarting})
	w := &wish{op: op}
	sv.wishes = append(sv.wishes, w)
	if sv.state.Phase == tend.PhaseStarting {
		w.run = sv.state.Run
	}
	s.apply(sv, tend.StartRequested{})
}

// sinceAsked reports whether the time is after the user asked: then it was this very request, sent before.
func (s *Supervisor) sinceAsked(op *operation, t time.Time) bool {
	return !op.request.Since.IsZero() && !t.Before(op.request.Since)
}

func (s *Supervisor) wishRestart(sv *service, op *operation) {
	switch {
	case sv.broken != nil:
		s.tell(sv, op, failed(sv.broken))
	case sv.state.Phase.Live() && s.sinceAsked(op, sv.state.Started):
		s.wishStart(sv, op)
	case sv.state.Phase.Live():
		s.tell(sv, op, tend.Progress{Kind: tend.ProgressStopping, PID: sv.state.Main.PID})
		sv.wishes = append(sv.wishes, &wish{op: op, stopping: true, run: sv.state.Run})
		s.apply(sv, tend.RestartRequested{Hold: s.heldBy(sv)})
	default:
		s.tell(sv, op, tend.Progress{Kind: tend.ProgressNotRunning})
		s.tell(sv, op, tend.Progress{Kind: tend.ProgressStarting})
		sv.wishes = append(sv.wishes, &wish{op: op})
		s.apply(sv, tend.RestartRequested{})
	}
}

func (s *Supervisor) wishStop(sv *service, op *operation) {
	if sv.state.Phase.Live() {
		s.tell(sv, op, tend.Progress{Kind: tend.ProgressStopping, PID: sv.state.Main.PID})
		sv.wishes = append(sv.wishes, &wish{op: op, stopping: true, run: sv.state.Run})
		s.apply(sv, tend.StopRequested{Hold: s.heldBy(sv)})
		return
	}
	kind := tend.ProgressNotRunning
	if sv.state.Phase.Pending() || s.sinceAsked(op, sv.state.Since) && sv.state.Phase == tend.PhaseStopped {
		kind = tend.ProgressStopped
	}
	s.apply(sv, tend.StopRequested{})
	s.tell(sv, op, tend.Progress{Kind: kind, Done: true})
}

func (s *Supervisor) wishRemove(sv *service, op *operation) {
	switch {
	case !op.means(s.copiesOf(sv.definition.Service())...):
		service := sv.definition.Service()
		s.tell(sv, op, failed(tend.Errorf(tend.CodeUsage, "%s is a copy of %s, and is not removed alone", sv.label(), service).
			WithHint("to have fewer copies: tend scale %[1]s N; to have none: tend remove %[1]s", tend.ShellWord(service))))
	case sv.state.Phase.Live() && !op.request.Stop:
		s.tell(sv, op, failed(tend.Errorf(tend.CodeConflict, "%s is %s, as process %d", sv.label(), sv.state.Phase, sv.state.Main.PID).
			WithHint("tend remove --stop %s", sv.typed())))
	case sv.state.Phase.Live():
		s.wishStop(sv, op)
	default:
		s.remove(sv, op)
	}
}

// remove removes a service, or has it wait until the last of its copies can be removed as well.
func (s *Supervisor) remove(sv *service, op *operation) {
	service := sv.definition.Service()
	copies := s.copiesOf(service)
	if op.removed[service] { // it went with a copy before it, and that was said
		s.effect(op.done)
		return
	}
	for _, other := range copies {
		switch {
		case !op.means(other):
			s.tell(sv, op, failed(tend.Errorf(tend.CodeConflict, "another command has added %s meanwhile", other.label()).
				WithHint("tend remove --stop %s", tend.ShellWord(sv.definition.Service()))))
			return
		case other.state.Phase.Live():
			s.effect(op.done)
			return
		}
	}
	if len(copies) > 0 { // otherwise another command was faster
		s.strike(service, copies, op)
	}
	if op.removed == nil {
		op.removed = map[string]bool{}
	}
	op.removed[service] = true
	sv.definition.Name, sv.definition.Copy, sv.definition.Instances = service, 0, 1 // is what is said to be removed
	s.tell(sv, op, tend.Progress{Kind: tend.ProgressRemoved, Done: true})
}

// strike strikes a service off, with all its copies.
func (s *Supervisor) strike(name string, copies []*service, op *operation) {
	var names []string
	for _, other := range copies {
		names = append(names, other.name())
		s.dismiss(other, op)
		delete(s.services, other.name())
		delete(s.pending.states, other.name())
	}
	s.pending.remove = append(s.pending.remove, name)
	s.drawGraph()
	s.forward()
	s.watchFiles()
	s.partHooks(names...)
	s.effect(s.letGo)
}

// tellWishes lets every wish see what has happened to its service, and forgets those that are done.
func (s *Supervisor) tellWishes(sv *service, before tend.State) {
	wishes := sv.wishes
	sv.wishes = nil
	for _, w := range wishes {
		if done := s.see(sv, w, before); !done {
			sv.wishes = append(sv.wishes, w)
		}
	}
}

func (s *Supervisor) see(sv *service, w *wish, before tend.State) (done bool) {
	if w.until != nil {
		return w.until()
	}
	if w.stopping {
		return s.seeStop(sv, w)
	}
	if w.once {
		return s.seeOnce(sv, w)
	}
	return s.seeStart(sv, w, before)
}

func (s *Supervisor) seeStop(sv *service, w *wish) (done bool) {
	st := sv.state
	switch {
	case st.Run != w.run:
	case st.Phase == tend.PhaseStopping:
		return s.seeSurvivors(sv, w)
	case st.Halting:
		return false
	case st.Phase.Live():
		s.tell(sv, w.op, failed(tend.Errorf(tend.CodeConflict, "%s was to be stopped, and is to run on by another command", sv.label())))
		return true
	}
	switch w.op.request.Command {
	case tend.CommandRestart:
		s.tell(sv, w.op, tend.Progress{Kind: tend.ProgressStopped})
		s.tell(sv, w.op, tend.Progress{Kind: tend.ProgressStarting})
		w.stopping, w.run = false, ""
		return s.seeStart(sv, w, st)
	case tend.CommandRemove:
		s.tell(sv, w.op, tend.Progress{Kind: tend.ProgressStopped})
		if st.Phase.Live() {
			s.tell(sv, w.op, failed(tend.Errorf(tend.CodeConflict, "%s was started again by another command", sv.label())))
		} else {
			s.remove(sv, w.op)
		}
	default:
		if p := sv.straysLeft(); p != nil {
			s.tell(sv, w.op, *p)
			return true
		}
		s.tell(sv, w.op, tend.Progress{Kind: tend.ProgressStopped, Done: true})
	}
	return true
}

// seeSurvivors reports whether the stop schedule is over and something still lives, and says so.
func (s *Supervisor) seeSurvivors(sv *service, w *wish) (done bool) {
	if !sv.spent() {
		return false
	}
	s.tell(sv, w.op, s.survivors(sv))
	return true
}

// survivors says what every step of a stop schedule could not end.
func (s *Supervisor) survivors(sv *service) tend.Progress {
	left := sv.left()
	p := failed(tend.Errorf(tend.CodeFailed, "%s could not be stopped: %s", sv.label(), processes(left)).
		WithHint("tend goes on watching for the end: tend status %s", sv.typed()))
	p.Left = left
	return p
}

func processes(pids []int) string {
	switch len(pids) {
	case 0:
		return "its processes cannot be ended"
	case 1:
		return fmt.Sprintf("process %d could not be killed", pids[0])
	}
	return fmt.Sprintf("processes %s could not be killed", joinInts(pids))
}

// seeStart looks for the run becoming ready, or ending before that.
func (s *Supervisor) seeStart(sv *service, w *wish, before tend.State) (done bool) {
	st := sv.state
	if !st.Wanted {
		s.tell(sv, w.op, failed(tend.Errorf(tend.CodeConflict, "%s was stopped by another command meanwhile", sv.label())))
		return true
	}
	if s.leaving {
		s.tell(sv, w.op, failed(errLeaving()))
		return true
	}
	if st.Phase == tend.PhaseScheduled {
		s.tell(sv, w.op, s.withStatus(sv, tend.Progress{Kind: tend.ProgressScheduled, Done: true}))
		return true
	}
	restarted := before.Phase == tend.PhaseStopping && before.Then == tend.ThenStart
	if w.run == "" || restarted {
		w.run = ""
		if st.Phase == tend.PhaseWaiting {
			return false
		}
		if st.Phase == tend.PhaseStarting || !st.Phase.Live() {
			w.run = st.Run
		}
	}
	switch {
	case st.Phase == tend.PhaseFailed && st.Lacks != "":
		s.tellLacking(sv, w.op)
		return true
	case w.run == "":
		return s.seeSurvivors(sv, w)
	case st.Run == w.run && st.Phase == tend.PhaseRunning:
		s.tellStarted(sv, w.op)
		return true
	case st.Run == w.run && st.Phase.Live(), sv.last == nil:
		return false
	case st.Phase == tend.PhaseExited:
		p := s.withStatus(sv, tend.Progress{Kind: tend.ProgressExited, Done: true})
		s.tell(sv, w.op, p)
		return true
	}
	s.tellDeath(sv, w.op, cmp.Or(st.Fault, before.Fault))
	return true
}

// tellStarted says that a run is ready, how long that took, and on what it listens.
func (s *Supervisor) tellStarted(sv *service, op *operation) {
	st := sv.state
	p := tend.Progress{Kind: tend.ProgressStarted, PID: st.Main.PID, Done: true, Ready: sv.definition.WithDefaults().Ready.String()}
	if !st.ReadyAt.IsZero() {
		p.Took = max(0, st.ReadyAt.Sub(st.Started).Seconds())
	}
	n := news{progress: p}
	if len(op.all) <= fewEnough {
		n.listens = st.Main
	}
	s.tellNews(sv, op, n)
}

// tellDeath says that a run has ended before it was ready, how, what it wrote, and what happens next.
func (s *Supervisor) tellDeath(sv *service, op *operation, fault string) {
	st := sv.state
	run := sv.last
	exit := *run.Exit
	e := tend.Errorf(tend.CodeFailed, "%s %s after %s", sv.label(), exit, run.EndedAt.Sub(run.StartedAt).Round(time.Millisecond))
	switch {
	case exit.Error != "":
		e = tend.Errorf(tend.CodeFailed, "%s %s", sv.label(), exit)
	case fault != "":
		e = tend.Errorf(tend.CodeFailed, "%s %s", sv.label(), fault)
	}
	switch st.Phase {
	case tend.PhaseBackoff:
		e = e.WithHint("tend starts it again in %s (tend stop %s ends that)", st.Next.Sub(s.wall()).Round(time.Millisecond), sv.typed())
	case tend.PhaseFailed:
		e = e.WithHint("it is not started again by itself; when that is mended: tend start %s", sv.typed())
	default:
		e = e.WithHint("tend is starting it again (tend status %s shows how that goes, tend stop %s ends it)", sv.typed(), sv.typed())
	}
	s.rolled(sv, op, false)
	op.note(sv, true)
	n := news{progress: s.withStatus(sv, failed(e))}
	n.progress.Service = sv.label()
	if exit.Error == "" {
		n.log, n.from = sv.definition.Output(s.logPath(sv)), run.LogOffset
		n.to = logs.Size(n.log)
		n.port, n.before = portOf(sv.definition.Ready), run.Identity
	}
	s.effect(func() { op.say(n); op.done() })
}

func (s *Supervisor) withStatus(sv *service, p tend.Progress) tend.Progress {
	v := s.status(sv)
	p.Status = &v
	return p
}

// signalNews tells whoever waits for the end of the service what is sent to whom.
func (s *Supervisor) signalNews(sv *service, pid int, signal string) {
	for _, w := range sv.wishes {
		if w.stopping {
			s.tell(sv, w.op, tend.Progress{Kind: tend.ProgressSignal, PID: pid, Signal: signal})
		}
	}
}

// tell gives the operation news, once what they speak of is in the database.
func (s *Supervisor) tell(sv *service, op *operation, p tend.Progress) {
	s.tellNews(sv, op, news{progress: p})
}

func (s *Supervisor) tellNews(sv *service, op *operation, n news) {
	p := &n.progress
	p.Service = sv.label()
	if p.Done {
		op.note(sv, p.Kind == tend.ProgressFailed)
		s.rolled(sv, op, p.Kind != tend.ProgressFailed)
	}
	s.effect(func() {
		op.say(n)
		if n.progress.Done {
			op.done()
		}
	})
}

func failed(e *tend.Error) tend.Progress {
	return tend.Progress{Kind: tend.ProgressFailed, Done: true, Error: e}
}

// takeHere forgets a run that another host is recorded as having.
func (s *Supervisor) takeHere(sv *service) {
	s.logf("%s is taken from %s, process %d there is forgotten", sv.label(), sv.place.Host, sv.state.Main.PID)
	if run := sv.run; run != nil && run.EndedAt.IsZero() {
		run.EndedAt, run.Exit = s.wall(), &tend.Exit{Lost: "being taken from " + sv.place.Host}
		s.pending.runs[run.ID] = *run
	}
	sv.state, sv.place, sv.run = tend.State{Phase: tend.PhaseStopped}, s.place, nil
	s.forward()
}
