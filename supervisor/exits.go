package supervisor

import (
	"errors"
	"slices"
	"time"

	"tend"
	"tend/process"
)

// An ending is a main process that has ended, before it is known what it left behind.
type ending struct {
	service *service
	run     string
	main    tend.Identity
	exit    tend.Exit
	at      time.Time // when a keeper saw it end; zero if none has
	after   time.Time // it ended at an unknown moment since then, if at is zero; zero: it ended just now
	looks   int       // that found only such as were gone a moment later
	traces  traces
}

// watchChild waits for the end of a process that was just made. Whatever has no pidfd is seen in the journal, where its
// end may stand already.
func (s *Supervisor) watchChild(sv *service, id tend.Identity, pidfd int) {
	switch err := s.watcher.Add(id, pidfd); {
	case err == nil:
	case errors.Is(err, process.ErrUnwatchable):
		stat, err := process.ReadStat(id.PID)
		// One that is dead and has no keeper of ours to write that down is not looked at again: we may not live that long.
		if errors.Is(err, process.ErrGone) || err == nil && (stat.Start != id.Start || stat.Dead() && sv.keeper != s.parent) {
			s.gone([]process.Gone{{Identity: id}})
			return
		}
		s.effect(s.recorded)
		if sv.keeper != s.parent || s.notices.Journal == nil {
			s.lookAfter(id)
		}
	case errors.Is(err, process.ErrGone):
		s.gone([]process.Gone{{Identity: id}})
	default:
		s.logf("watching process %d of %s: %v", id.PID, sv.name(), err)
	}
}

// watch waits for the end of a process of the service that runs already.
func (s *Supervisor) watch(sv *service, id tend.Identity) { s.watchChild(sv, id, -1) }

// gone takes in processes that have ended. The journal is read first: it holds the exit of whatever was reaped
// before the watcher could look at it.
func (s *Supervisor) gone(gone []process.Gone) {
	if err := s.journal.read(); err != nil {
		s.logf("reading the exit journal: %v", err)
	}
	var endings []ending
	for _, g := range gone {
		if g.Identity == s.parent {
			s.orphaned()
			continue
		}
		if sv, ok := s.members[g.Identity]; ok {
			delete(s.members, g.Identity)
			s.memberGone(sv, g.Identity)
			continue
		}
		if sv, ok := s.mains[g.Identity]; ok {
			s.hearOut(sv) // it may have said that another is the main process
		}
		sv, ok := s.mains[g.Identity]
		if !ok {
			continue
		}
		delete(s.mains, g.Identity)
		if sv.hunt != nil {
			delete(sv.hunt.sent, g.Identity)
		}
		e := ending{service: sv, run: sv.state.Run, main: g.Identity, exit: tend.Exit{Unknown: true}}
		// What a keeper was told by wait(2) goes before the stat of a zombie, which on older kernels shows how the first
		// thread ended, not the process. Whom the watcher has not seen is perhaps still there to be asked.
		if sv.unseen {
			e.after = s.awaySince(sv.state.Started)
		}
		if recorded, at, found := s.journal.exit(g.Identity); found {
			e.exit, e.at = recorded, at
		} else if g.Exit != nil {
			e.exit = *g.Exit
		} else if exit := process.Unreaped(g.Identity); exit != nil {
			e.exit = *exit
		}
		s.killedByKernel(sv, e.exit)
		endings = append(endings, e)
	}
	s.drain(endings)
}

// recorded takes in what the journal says of main processes that nothing else has told the end of.
func (s *Supervisor) recorded() {
	if err := s.journal.read(); err != nil {
		s.logf("reading the exit journal: %v", err)
	}
	var gone []process.Gone
	for _, r := range s.journal.unclaimed {
		if s.concerns(r) {
			s.watcher.Remove(r.Identity)
			gone = append(gone, process.Gone{Identity: r.Identity})
		}
	}
	if len(gone) > 0 {
		s.gone(gone)
	}
}

// settle finds out what the processes left behind and lets the ends happen. Whatever a child of a keeper orphans turns up
// among that keeper's children; when there is nobody but known processes, nobody was left. That is the common case, and
// one read. Otherwise all processes are looked at.
func (s *Supervisor) settle(endings []ending) {
	if len(endings) == 0 {
		return
	}
	alone := map[tend.Identity]bool{}
	for _, keeper := range []tend.Identity{s.parent, s.above} {
		below := slices.ContainsFunc(endings, func(e ending) bool { return e.service.keeper == keeper })
		alone[keeper] = !keeper.IsZero() && below && process.Probe().Has("subreaper") && s.noStrays(keeper, endings)
	}
	for _, e := range endings {
		if alone[e.service.keeper] && !e.service.hunt.others() {
			s.apply(e.service, tend.Ended{Run: e.run, Exit: e.exit, At: e.at, After: e.after})
			continue
		}
		s.settling++
		e.service.ending = true
		s.settleByLooking(e, emptyLooks)
	}
}

// settleTime is how long a new supervisor may take to find out what its services that ended before it came have left
// behind. What cannot be found out in that time is no reason to let anybody wait.
const settleTime = 5 * time.Second

// unsettled reports whether one of the services is known to have ended before we came, and that has not been taken in:
// nobody is to be told that it runs.
func (s *Supervisor) unsettled(services []*service) bool {
	return s.now.Before(s.settledBy) && slices.ContainsFunc(services, func(sv *service) bool { return sv.overdue })
}

// emptyLooks is how many looks in a row must find nobody before a tree counts as gone: one look may fall between a
// process that forks and ends, which was listed and is gone when it is read, and its child, which was born after the
// listing.
const emptyLooks = 2

// settleByLooking lets one end happen after a look at all processes, or several where nobody is found.
func (s *Supervisor) settleByLooking(e ending, looks int) {
	s.scan(func(all process.Snapshot) {
		left, passing := s.remains(&e, all)
		switch {
		case len(left) > 0:
		case passing:
			if e.looks++; e.looks > hastyLooks {
				s.scanAfter, e.service.ending = s.now.Add(huntPause), false
			}
			s.settleByLooking(e, emptyLooks)
			return
		case looks > 1:
			s.settleByLooking(e, looks-1)
			return
		}
		s.settling--
		e.service.ending = false
		if len(left) == 0 {
			s.lookForStrays(e.service, e.main, all)
		}
		s.apply(e.service, tend.Ended{Run: e.run, Exit: e.exit, At: e.at, After: e.after, Left: left})
		if len(left) > 0 {
			s.huntOn(e.service)
		}
	})
}

// remains are the living processes that the main one has left, the eldest first. Passing is whether there are traces of
// others, which have ended by now.
func (s *Supervisor) remains(e *ending, all process.Snapshot) (left []tend.Identity, passing bool) {
	living, dead := all.Tree(e.main, e.run)
	for _, id := range living {
		switch {
		case id == e.main:
		case process.Alive(id):
			left = append(left, id)
		default:
			passing = true
		}
	}
	known := s.cgroups.Members(e.run)
	if h := e.service.hunt; h != nil {
		for id := range h.sent { // found while the main process led to them; perhaps nothing does any more
			if !process.Ended(id) {
				known = append(known, id)
			}
		}
	}
	for _, id := range known {
		if id != e.main && !slices.Contains(left, id) {
			left = append(left, id)
		}
	}
	slices.SortFunc(left, process.ByAge)
	passing = e.traces.found(e.main, dead) || passing
	return left, e.traces.passing(all, len(left) > 0, passing)
}

// noStrays reports whether the keeper has no children but us, another keeper, main processes, those that have just ended
// included, and others that have ended. What those left has become its child by then, so it is asked again after them.
func (s *Supervisor) noStrays(keeper tend.Identity, endings []ending) bool {
	known := make(map[int]bool, len(s.mains)+len(endings)+2)
	known[s.self], known[s.parent.PID] = true, true
	for id := range s.mains {
		known[id.PID] = true
	}
	for _, e := range endings {
		known[e.main.PID] = true
	}
	const often = 8 // a relay has fresh ones all the time
	for range often {
		children, err := process.Children(keeper.PID)
		if err != nil {
			return false
		}
		fresh := 0
		for _, pid := range children {
			if known[pid] {
				continue
			}
			if stat, err := process.ReadStat(pid); err == nil && !stat.Dead() {
				return false
			}
			known[pid] = true
			fresh++
		}
		if fresh == 0 {
			return !process.Ended(keeper) // otherwise they have fallen to another, and none is here to be seen
		}
	}
	return false
}
