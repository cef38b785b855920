package supervisor

import (
	"errors"
	"time"

	"tend"
	"tend/internal/fault"
	"tend/process"
)

// hunt is the ending of one run's tree: who is known to belong to it, and what each was last sent. A process may leave
// the session, daemonize or be born at any moment, so after each death all processes are looked at again, until
// nothing is found.
type hunt struct {
	run    string
	main   tend.Identity
	signal string                   // of the present step
	sent   map[tend.Identity]string // known to live, and the last signal sent to each
	frozen map[tend.Identity]bool   // stopped before they are killed, so that they cannot multiply meanwhile
	rounds int                      // looks at all processes in the present step
	empty  int                      // looks in a row that found nobody, and nobody who had just been there
	traces traces
	again  time.Time // look again then: somebody in the tree cannot be watched; zero: no need
}

const (
	huntPause     = 100 * time.Millisecond // between looks at processes that cannot be watched
	maxFreezeRuns = 32                     // looks before a tree that keeps growing is killed all the same
	hastyLooks    = 8                      // looks, without a pause, at what is there and gone
	catchTime     = 500 * time.Millisecond // spent at a time on catching what forks and ends all the time
)

// lastStep is the last step of its stop schedule that was reached: the present one, or the last where all are over.
func (sv *service) lastStep() int {
	return min(sv.state.StopStep, len(sv.definition.WithDefaults().Stop)-1)
}

// others reports whether any process besides the main one is known to live.
func (h *hunt) others() bool {
	if h == nil {
		return false
	}
	_, main := h.sent[h.main]
	return len(h.sent) > 1 || len(h.sent) == 1 && !main
}

func newHunt(sv *service) *hunt {
	h := &hunt{run: sv.state.Run, sent: map[tend.Identity]string{}, frozen: map[tend.Identity]bool{}}
	if sv.run != nil {
		h.main = sv.run.Identity
	}
	return h
}

// chase sends the signal to the tree: to the main process at once, to all others as soon as they are found.
func (s *Supervisor) chase(sv *service, signal string) {
	if sv.hunt == nil {
		sv.hunt = newHunt(sv)
		s.cgroups.Adopt(sv.state.Run, sv.state.Main)
	}
	h := sv.hunt
	h.signal, h.rounds = signal, 0
	if signal == "KILL" {
		s.pursue(func() { s.killAtOnce(sv, h) })
	}
	if main := sv.state.Main; !main.IsZero() {
		s.signalNews(sv, main.PID, signal)
		s.pursue(func() {
			s.count(sv, main)
			s.send(sv, main, signal)
		})
	}
	s.huntOn(sv)
}

// killAtOnce kills what is in the run's cgroup, if it has one. Whoever was there is known, so that it is told of.
func (s *Supervisor) killAtOnce(sv *service, h *hunt) {
	if sv.hunt != h {
		return
	}
	for _, id := range s.cgroups.Members(h.run) {
		if id == sv.state.Main {
			continue
		}
		if _, known := h.sent[id]; known || s.watchMember(sv, id) {
			s.signalNews(sv, id.PID, "KILL")
			h.sent[id] = "KILL"
		}
	}
	s.cgroups.Kill(h.run)
}

// count notes who is below the main process before that is signalled: when it has ended, nothing may lead to them.
func (s *Supervisor) count(sv *service, main tend.Identity) {
	h := sv.hunt
	if h == nil {
		return
	}
	for _, id := range process.Descendants(main) {
		if _, known := h.sent[id]; !known && s.watchMember(sv, id) {
			h.sent[id] = ""
		}
	}
}

// watchMember waits for the end of a process of the tree that is not the main one. It reports whether that lives.
func (s *Supervisor) watchMember(sv *service, id tend.Identity) bool {
	s.members[id] = sv
	switch err := s.watcher.Add(id, -1); {
	case errors.Is(err, process.ErrGone):
		delete(s.members, id)
		return false
	case err != nil:
		sv.hunt.again = s.now.Add(huntPause)
	}
	return true
}

// huntOn looks for the tree once more.
func (s *Supervisor) huntOn(sv *service) {
	h := sv.hunt
	if h == nil {
		return
	}
	s.pursue(func() {
		s.scan(func(all process.Snapshot) {
			if sv.hunt == h {
				s.round(sv, h, all)
			}
		})
	})
}

// round is one look at the tree.
func (s *Supervisor) round(sv *service, h *hunt, all process.Snapshot) {
	h.rounds++
	h.again = time.Time{}
	members, passing := s.tree(h, all)
	switch {
	case passing && h.signal == "KILL" && h.rounds <= maxFreezeRuns:
		h.empty = 0
		s.freeze(sv, h, members)
		s.catch(sv, h)
		return
	case passing:
		h.empty = 0
		if h.rounds <= hastyLooks {
			s.huntOn(sv)
		} else {
			h.again = s.now.Add(huntPause)
		}
	case len(members) == 0:
		s.foundNobody(sv, h, all)
		return
	}
	h.empty = 0
	if h.signal == "KILL" && s.freeze(sv, h, members) {
		s.huntOn(sv)
		return
	}
	for _, id := range members {
		if h.sent[id] == h.signal {
			continue
		}
		if id != sv.state.Main {
			s.signalNews(sv, id.PID, h.signal)
		}
		s.send(sv, id, h.signal)
	}
}

// foundNobody lets the end of the tree happen, once it is certain. As long as the main process is not known to have
// ended, that news is on its way to us and comes first.
func (s *Supervisor) foundNobody(sv *service, h *hunt, all process.Snapshot) {
	switch h.empty++; {
	case !sv.state.Main.IsZero():
	case h.empty < emptyLooks:
		s.huntOn(sv)
	default:
		s.lookForStrays(sv, h.main, all)
		s.apply(sv, tend.TreeEnded{Run: h.run})
	}
}

// tree are the living processes of the tree: found now, or known from before. Passing is whether there were others,
// which have ended by now: a tree that is seen to change is not seen whole.
func (s *Supervisor) tree(h *hunt, all process.Snapshot) (members []tend.Identity, passing bool) {
	found := map[tend.Identity]bool{}
	living, dead := all.Tree(h.main, h.run)
	for _, id := range living {
		found[id] = true
		if _, known := h.sent[id]; known || process.Alive(id) {
			members = append(members, id)
		} else {
			passing = true
		}
	}
	for id := range h.sent {
		if !found[id] && !process.Ended(id) {
			members = append(members, id)
		}
	}
	for _, id := range s.cgroups.Members(h.run) {
		if _, known := h.sent[id]; !known && !found[id] {
			members = append(members, id)
		}
	}
	passing = h.traces.found(h.main, dead) || passing
	return members, h.traces.passing(all, len(members) > 0, passing)
}

// catch suspends what no look finds, outside the loop, and looks again.
func (s *Supervisor) catch(sv *service, h *hunt) {
	go func() {
		caught := process.Suspend(h.main, h.run, catchTime)
		s.calls.put(func() {
			if sv.hunt != h {
				return
			}
			for _, id := range caught {
				h.frozen[id] = true
				s.send(sv, id, "STOP")
			}
			s.huntOn(sv)
		})
	}()
}

// freeze stops whoever was not stopped yet and reports whether there was anybody.
func (s *Supervisor) freeze(sv *service, h *hunt, members []tend.Identity) bool {
	fresh := false
	for _, id := range members {
		if id == sv.state.Main || h.frozen[id] || h.rounds > maxFreezeRuns {
			continue
		}
		h.frozen[id], fresh = true, true
		s.send(sv, id, "STOP")
	}
	return fresh
}

// send signals one process of the tree and watches it from then on.
func (s *Supervisor) send(sv *service, id tend.Identity, signal string) {
	h := sv.hunt
	if h == nil {
		return
	}
	if _, known := h.sent[id]; !known && id != sv.state.Main && !s.watchMember(sv, id) {
		s.huntOn(sv)
		return
	}
	h.sent[id] = signal
	if err := process.Signal(id, signal); err != nil && !errors.Is(err, process.ErrGone) {
		s.logf("sending SIG%s to process %d of %s: %v", signal, id.PID, sv.name(), err)
		if process.Temporary(err) { // it could not even be looked at: the next look sends it again
			h.sent[id], h.again = "", s.now.Add(huntPause)
		}
	}
	if signal == h.signal {
		s.told.note(id, sv.state, sv.lastStep())
	}
	fault.At(fault.SupervisorSignalled)
	if stat, err := process.ReadStat(id.PID); err == nil && stat.Stopped() && signal != "STOP" {
		_ = process.Signal(id, "CONT") // or what was sent would wait until it goes on
	}
}

// memberGone takes in the end of a process of the tree that is not the main one.
func (s *Supervisor) memberGone(sv *service, id tend.Identity) {
	h := sv.hunt
	if h == nil {
		return
	}
	delete(h.sent, id)
	h.traces.note(id)
	if !h.others() && sv.state.Main.IsZero() {
		s.huntOn(sv)
	}
}

// endHunt forgets the tree.
func (s *Supervisor) endHunt(sv *service) {
	if sv.hunt == nil {
		return
	}
	for id := range sv.hunt.sent {
		delete(s.members, id)
		s.watcher.Remove(id)
	}
	sv.hunt = nil
	for _, other := range s.services {
		if other.hunt != nil {
			return
		}
	}
	s.told.forget()
}

// left are the pids of a tree that survived everything.
func (sv *service) left() []int {
	var pids []int
	if !sv.state.Main.IsZero() {
		pids = append(pids, sv.state.Main.PID)
	}
	if sv.hunt != nil {
		for id := range sv.hunt.sent {
			if id != sv.state.Main && !process.Ended(id) {
				pids = append(pids, id.PID)
			}
		}
	}
	return pids
}
