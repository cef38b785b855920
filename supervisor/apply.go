package supervisor

import (
	"cmp"
	"encoding/base32"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"tend"
	"tend/internal/fault"
	"tend/store"
)

// pending is what has been decided and is not in the database yet. What must not be seen before it is written down,
// processes above all, waits in effects until it is. Pursuits, which end processes, do not wait for a database that
// refuses: what fills the disk must not be kept alive by the disk's being full.
type pending struct {
	states   map[string]tend.State
	runs     map[string]tend.Run
	notes    []tend.Entry
	remove   []string
	forget   []string
	pursuits []func()
	effects  []func()
}

func (p *pending) empty() bool {
	return p.written() && len(p.pursuits) == 0 && len(p.effects) == 0
}

// written reports whether there is nothing to be written.
func (p *pending) written() bool {
	return len(p.states) == 0 && len(p.runs) == 0 && len(p.notes) == 0 && len(p.remove) == 0 && len(p.forget) == 0
}

// apply lets the event happen to the service: the one way by which a state ever changes.
func (s *Supervisor) apply(sv *service, e tend.Event) {
	before, moved := sv.state, sv.place != s.place
	after, actions := tend.Decide(sv.definition, before, e, s.wall())
	sv.state, sv.place = after, s.place
	if after.Main != before.Main {
		sv.overdue = false
	}
	s.recordRun(sv, before, after)
	for _, a := range actions {
		s.perform(sv, a, cmp.Or(sv.state.Run, before.Run))
	}
	if len(actions) > 0 || after != before || moved {
		s.pending.states[sv.name()] = sv.state
	}
	if !sv.state.Phase.Live() {
		s.endHunt(sv)
	}
	if before.Phase.Live() && (!sv.state.Phase.Live() || sv.state.Run != before.Run) {
		s.cgroups.Remove(before.Run)
		s.unmind(before.Run)
	}
	s.consequences(sv, before)
	s.tellWishes(sv, before)
	if sv.removed && !sv.state.Phase.Live() {
		delete(s.services, sv.name())
	}
	s.dropSurplus(sv)
}

// recordRun keeps the row of the present run true. It comes before the actions, since they may begin another run.
func (s *Supervisor) recordRun(sv *service, before, after tend.State) {
	run := sv.run
	if run == nil || run.ID != before.Run {
		return
	}
	changed := false
	if after.Main != before.Main {
		delete(s.mains, before.Main)
		if !after.Main.IsZero() {
			run.Identity, changed = after.Main, true
			s.mains[after.Main] = sv
			s.changePlaces(sv, before.Main, after.Main)
			s.mind(sv)
		}
	}
	if after.Phase == tend.PhaseRunning && before.Phase == tend.PhaseStarting {
		run.ReadyAt, changed = s.wall(), true
	}
	if after.Exit != before.Exit && run.Exit == nil { // each end has an Exit of its own
		run.EndedAt, run.EndedAfter, run.Exit = after.Ended, after.EndedAfter, after.Exit
		ended := *run
		sv.last, changed = &ended, true
	}
	if changed {
		s.pending.runs[run.ID] = *run
	}
}

// changePlaces has another process of a tree that is being stopped be the main one, and the former one be like the others.
func (s *Supervisor) changePlaces(sv *service, former, main tend.Identity) {
	delete(s.members, main)
	if sv.hunt == nil {
		return
	}
	if _, sent := sv.hunt.sent[former]; sent {
		s.members[former] = sv
	}
}

// perform does what was decided. A note is about the run: the present one, or the one before where that is not begun yet.
func (s *Supervisor) perform(sv *service, action tend.Action, run string) {
	switch a := action.(type) {
	case tend.Spawn:
		s.begin(sv, a.Cause)
	case tend.Signal:
		s.chase(sv, a.Signal)
	case tend.StopCommand:
		s.runStopCommand(sv)
	case tend.Follow:
		sv.unseen = false
		s.effect(func() { s.watch(sv, a.Main) }) // it may have ended, and one event comes after the other
	case tend.Note:
		at := a.At
		if at.IsZero() {
			at = s.now
		}
		s.pending.notes = append(s.pending.notes, tend.Entry{At: at, Service: sv.name(), Run: run, Kind: a.Kind, Text: a.Text})
	}
}

// begin makes a run: first its row, then, once that is written, the process.
func (s *Supervisor) begin(sv *service, cause tend.Cause) {
	s.endHunt(sv)
	sv.run = &tend.Run{ID: newRunID(), Service: sv.name(), Cause: cause, Place: s.place, StartedAt: s.wall()}
	sv.keeper, sv.unseen, sv.logTrouble = s.parent, false, ""
	sv.state.Run = sv.run.ID
	s.pending.runs[sv.run.ID] = *sv.run
	s.effect(func() {
		if cause == tend.CauseFailure || cause == tend.CauseEnd { // otherwise they were read just now
			s.refreshQuietly()
		}
		if sv.removed {
			s.apply(sv, tend.SpawnFailed{Run: sv.state.Run, Message: "it was removed from the database"})
			return
		}
		s.spawns.put(s.spawnJob(sv))
	})
}

// effect is done once everything decided so far is in the database.
func (s *Supervisor) effect(f func()) { s.pending.effects = append(s.pending.effects, f) }

// pursue is effect for what ends processes.
func (s *Supervisor) pursue(f func()) { s.pending.pursuits = append(s.pending.pursuits, f) }

// flush writes down what was decided and then lets it take effect. When the database refuses, nothing is lost and
// nothing is started: it is tried again later, and whoever waits is told.
func (s *Supervisor) flush() {
	for {
		s.near.Settle()
		if s.pending.empty() {
			return
		}
		p := s.pending
		written := p.written() || s.commit(p)
		if written {
			s.pending = newPending()
			s.tellHooks(p.notes)
		}
		pursuits := p.pursuits
		p.pursuits = nil
		for _, f := range pursuits {
			f()
		}
		if !written {
			return
		}
		for _, f := range p.effects {
			f()
		}
	}
}

// commit writes down what was decided, but does not ask a database again that has just refused.
func (s *Supervisor) commit(p *pending) bool {
	if s.now.Before(s.retryAt) {
		return false
	}
	fault.At(fault.SupervisorCommitting)
	err := s.inPlace()
	if err == nil {
		s.announce(p)
		err = s.store.Commit(s.ctx, s.rows(p))
	}
	if err != nil {
		s.commitFailed(err)
		return false
	}
	if s.commitError != nil {
		s.logf("the database can be written again")
		s.commitError, s.retryAt = nil, time.Time{}
	}
	fault.At(fault.SupervisorCommitted)
	s.emptyJournal()
	return true
}

func newPending() *pending {
	return &pending{states: map[string]tend.State{}, runs: map[string]tend.Run{}}
}

func (s *Supervisor) rows(p *pending) store.Batch {
	runs := slices.SortedFunc(maps.Values(p.runs), func(a, b tend.Run) int {
		if c := a.StartedAt.Compare(b.StartedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return store.Batch{Place: s.place, BootedAt: s.clock.booted, States: p.states, Runs: runs, Notes: p.notes, Remove: p.remove, Forget: p.forget}
}

// retryCommit is the pause before a refused commit is tried again: nothing tells when a full disk has room again.
const retryCommit = time.Second

// A lock that somebody else holds is mostly held for moments. The loop does not stand still for it, and whoever waits
// is told only when it lasts.
const (
	retryBusy    = 100 * time.Millisecond
	busyPatience = 5 * time.Second
)

func (s *Supervisor) commitFailed(err error) {
	if s.commitError == nil || err.Error() != s.commitError.Error() {
		s.logf("the database cannot be written, will try again: %v", err)
	}
	s.turn() // the database may have kept us waiting
	if s.commitError == nil {
		s.refusedSince = s.now
	}
	s.commitError, s.retryAt = err, s.now.Add(retryCommit)
	if tend.CodeOf(err) == tend.CodeBusy {
		s.retryAt = s.now.Add(retryBusy)
		if s.now.Sub(s.refusedSince) < busyPatience {
			return
		}
	}
	if s.replaced {
		return // whoever waits is cut off, and asks the next supervisor
	}
	failure := tend.AsError(err)
	failure = failure.WithHint("%s", strings.TrimPrefix(failure.Hint+"; nothing is started until it can be written, and tend keeps trying", "; "))
	for op := range s.operations {
		op.end(failure)
	}
	for _, sv := range s.services {
		sv.wishes = nil
	}
	clear(s.rolls)
}

// newRunID makes an id that no other run of any database has: 128 random bits. It is no secret, and package crypto/rand
// ends the process where getrandom(2) is forbidden.
func newRunID() string {
	b := binary.NativeEndian.AppendUint64(nil, rand.Uint64())
	b = binary.NativeEndian.AppendUint64(b, rand.Uint64())
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)
}
