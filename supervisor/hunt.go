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
	empty  int                      // looks in a row that found nobody
	again  time.Time                // look again then: somebody in the tree cannot be watched; zero: no need
}

const (
	huntPause     = 100 * time.Millisecond // between looks at processes that cannot be watched
	maxFreezeRuns = 32                     // looks before a tree that keeps growing is killed all the same
)

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
	}
	h := sv.hunt
	h.signal, h.rounds = signal, 0
	if main := sv.state.Main; !main.IsZero() {
		s.signalNews(sv, main.PID, signal)
		s.pursue(func() { s.send(sv, main, signal) })
	}
	s.huntOn(sv)
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
	members := s.tree(h, all)
	if len(members) == 0 {
		s.foundNobody(sv, h)
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
func (s *Supervisor) foundNobody(sv *service, h *hunt) {
	switch h.empty++; {
	case !sv.state.Main.IsZero():
	case h.empty < emptyLooks:
		s.huntOn(sv)
	default:
		s.apply(sv, tend.TreeEnded{Run: h.run})
	}
}

// tree are the living processes of the tree: found now, or known from before. Those that are new are watched.
func (s *Supervisor) tree(h *hunt, all process.Snapshot) []tend.Identity {
	var members []tend.Identity
	found := map[tend.Identity]bool{}
	for _, m := range all.Tree(h.main, h.run) {
		found[m.Identity] = true
		members = append(members, m.Identity)
	}
	for id := range h.sent {
		if !found[id] && process.Alive(id) {
			members = append(members, id)
		}
	}
	return members
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
	if _, known := h.sent[id]; !known && id != sv.state.Main {
		s.members[id] = sv
		switch err := s.watcher.Add(id, -1); {
		case errors.Is(err, process.ErrGone):
			delete(s.members, id)
			s.huntOn(sv)
			return
		case err != nil:
			h.again = s.now.Add(huntPause)
		}
	}
	h.sent[id] = signal
	if err := process.Signal(id, signal); err != nil && !errors.Is(err, process.ErrGone) {
		s.logf("sending SIG%s to process %d of %s: %v", signal, id.PID, sv.name(), err)
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
}

// left are the pids of a tree that survived everything.
func (sv *service) left() []int {
	var pids []int
	if !sv.state.Main.IsZero() {
		pids = append(pids, sv.state.Main.PID)
	}
	if sv.hunt != nil {
		for id := range sv.hunt.sent {
			if id != sv.state.Main && process.Alive(id) {
				pids = append(pids, id.PID)
			}
		}
	}
	return pids
}

// scan has all processes looked at and calls f with what was found, in the loop. Looks that are asked for while one is
// under way share the next.
func (s *Supervisor) scan(f func(process.Snapshot)) {
	s.scanWanted = append(s.scanWanted, f)
	s.startScan()
}

type scanned struct {
	all  process.Snapshot
	err  error
	want []func(process.Snapshot)
}

func (s *Supervisor) startScan() {
	if s.scanning || len(s.scanWanted) == 0 || s.now.Before(s.scanAfter) {
		return
	}
	s.scanning = true
	want := s.scanWanted
	s.scanWanted = nil
	go func() {
		all, err := process.Scan()
		s.scans <- scanned{all, err, want}
	}()
}

// seen takes in a look at all processes. One that failed, for want of descriptors perhaps, has not found nobody: it is
// repeated after a pause.
func (s *Supervisor) seen(r scanned) {
	s.scanning = false
	if r.err != nil {
		s.logf("looking at all processes, will try again: %v", r.err)
		s.scanWanted = append(r.want, s.scanWanted...)
		s.scanAfter = s.now.Add(huntPause)
		return
	}
	for _, f := range r.want {
		f(r.all)
	}
	s.startScan()
}
