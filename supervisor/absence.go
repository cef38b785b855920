package supervisor

import (
	"time"

	"tend"
	"tend/keeper"
)

// makeRoom has another supervisor take over. Only the first reason counts.
func (s *Supervisor) makeRoom(why tend.AbsenceCause) {
	if !s.replaced {
		s.replaced, s.replacedFor = true, why
	}
}

// announce puts the beginning of our work before the first thing that we write down. It has no commit of its own as long
// as nobody is let in, so that nobody waits for it.
func (s *Supervisor) announce(p *pending) {
	if s.announced {
		return
	}
	own, err := s.supervision()
	if err != nil {
		if s.commitError == nil { // of a database that refuses enough is said
			s.logf("%v", err)
		}
		return
	}
	s.announced = true
	text := "supervision begins"
	if own.Away != nil {
		text = "supervision is back, " + own.Away.String()
	}
	entry := tend.Entry{At: s.began, Kind: tend.NoteSupervised, Text: text, Supervision: own}
	p.notes = append([]tend.Entry{entry}, p.notes...)
}

// supervision is who we are and what was before us. It is found out when somebody first wants to know.
func (s *Supervisor) supervision() (*tend.Supervision, error) {
	if s.own != nil {
		return s.own, nil
	}
	last, written, err := s.store.LastSupervision(s.ctx)
	if err != nil {
		return nil, err
	}
	if err := s.journal.read(); err != nil {
		s.logf("reading the exit journal: %v", err)
	}
	s.own = &tend.Supervision{Identity: s.locks.identity, Place: s.place}
	if !written.IsZero() {
		s.own.Away = s.away(last, written)
	}
	return s.own, nil
}

// away finds out since when nobody has supervised, and why. Those who came between and wrote nothing have not supervised.
func (s *Supervisor) away(last *tend.Supervision, written time.Time) *tend.Absence {
	a := &tend.Absence{From: written, To: s.began, Cause: tend.AwayUnknown}
	switch {
	case last == nil: // of a tend that did not write this down
	case !last.SameHost(s.place):
		a.Cause = tend.AwayElsewhere
	case last.Boot != s.place.Boot || last.Namespace != s.place.Namespace:
		a.Cause = tend.AwayRebooted
	default:
		s.endOf(last.Identity, a)
		a.Tries = s.triesSince(last.Identity)
	}
	if a.From.After(a.To) { // the clock was set
		a.From = a.To
	}
	return a
}

// endOf finds out how a supervisor ended. What it said itself goes before what its keeper saw; the end that the keeper saw
// is a moment later.
func (s *Supervisor) endOf(id tend.Identity, a *tend.Absence) {
	if exit, at, found := s.journal.look(id); found {
		a.From, a.Exact, a.Exit, a.Cause = at, true, &exit, tend.AwayCrashed
		switch {
		case exit == tend.Exit{Code: leftOnPurpose}:
			a.Cause = tend.AwayIdle
		case exit == tend.Exit{Code: keeper.ExitReplace}, exit.Signal == "TERM":
			a.Cause = tend.AwayReplaced
		}
	}
	for _, f := range s.locks.farewells {
		if f.Identity == id {
			a.From, a.Exact, a.Cause = f.at, true, f.cause
		}
	}
}

// triesSince counts the supervisors that came after that one.
func (s *Supervisor) triesSince(id tend.Identity) int {
	for i := len(s.locks.predecessors) - 1; i >= 0; i-- {
		if s.locks.predecessors[i] == id {
			return len(s.locks.predecessors) - 1 - i
		}
	}
	return 0
}

// awaySince is the last moment at which it is known that what lived was seen to live.
func (s *Supervisor) awaySince(started time.Time) time.Time {
	own, err := s.supervision()
	if err != nil || own.Away == nil || own.Away.From.Before(started) {
		return started
	}
	return own.Away.From
}
