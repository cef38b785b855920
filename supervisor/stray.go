package supervisor

import (
	"fmt"
	"strings"

	"tend"
	"tend/process"
)

// A stray is a child of our keeper of which nothing tells any more whose it is: it has dropped its run's mark, cleared its
// environment, left the session and lost its parent, and no cgroup holds it. It is not signalled, for it may be anybody's;
// but who stops a service in whose time it began is told of it, once.

// lookForStrays finds them when a tree is being stopped and nobody of it is found any more.
func (s *Supervisor) lookForStrays(sv *service, main tend.Identity, all process.Snapshot) {
	if sv.state.Phase != tend.PhaseStopping || main.IsZero() {
		return
	}
	sv.strays = nil
	for _, p := range all.Strays(main.Start, s.belongs) {
		if s.strays[p.Identity] {
			continue
		}
		s.strays[p.Identity] = true
		sv.strays = append(sv.strays, p.Identity)
		text := fmt.Sprintf("process %d (%s) may be of it: nothing tells whose it is", p.PID, p.Command)
		s.pending.notes = append(s.pending.notes, tend.Entry{At: s.now, Service: sv.name(), Run: sv.state.Run, Kind: tend.NoteSurvived, Text: text})
	}
}

// belongs reports whether the process is known, or is in the session of a main process that lives.
func (s *Supervisor) belongs(p process.Stat) bool {
	if s.mains[p.Identity] != nil || s.members[p.Identity] != nil {
		return true
	}
	for main := range s.mains {
		if main.PID == p.Session {
			return true
		}
	}
	return false
}

// straysLeft says who lives that may be of a service that has been stopped; nil where there is nobody.
func (sv *service) straysLeft() *tend.Progress {
	var pids []int
	for _, id := range sv.strays {
		if process.Alive(id) {
			pids = append(pids, id.PID)
		}
	}
	sv.strays = nil
	if len(pids) == 0 {
		return nil
	}
	kill := "kill " + strings.ReplaceAll(joinInts(pids), ",", "")
	what := fmt.Sprintf("process %s lives on, which", joinInts(pids))
	if len(pids) > 1 {
		what = fmt.Sprintf("processes %s live on, which", joinInts(pids))
	}
	p := failed(tend.Errorf(tend.CodeFailed, "%s is stopped, but %s may be of it: nothing tells whose it is any more", sv.label(), what).
		WithHint("if it is: %s", kill))
	return &p
}
