package supervisor

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/kballard/go-shellquote"

	"tend"
	"tend/process"
	"tend/store"
)

// estate is what the last supervisor left in the database. All of it is read before anything follows from it.
type estate struct {
	definitions []tend.Service
	states      map[string]store.Placed
	runs        []tend.Run // without an end
	foreign     []store.ForeignPID
}

func (s *Supervisor) readEstate() (e estate, err error) {
	if e.definitions, err = s.store.Services(s.ctx); err != nil {
		return e, fmt.Errorf("reading the definitions: %w", err)
	}
	if e.states, err = s.store.States(s.ctx); err != nil {
		return e, fmt.Errorf("reading the states: %w", err)
	}
	if e.runs, err = s.store.LiveRuns(s.ctx); err != nil {
		return e, fmt.Errorf("reading the runs: %w", err)
	}
	if e.foreign, err = s.store.Foreign(s.ctx); err != nil {
		return e, fmt.Errorf("reading the pids of the script: %w", err)
	}
	return e, nil
}

// resume takes over what the last supervisor left: it reads what was decided, finds what became of it, and goes on.
func (s *Supervisor) resume(e estate) error {
	s.defineCopies(tend.Copies(e.definitions, slices.Collect(maps.Keys(e.states))), nil)
	for name, placed := range e.states {
		sv, ok := s.services[name]
		if !ok && (placed.Place.Host == "" || placed.Place.SameHost(s.place)) {
			sv, ok = s.surplus(name)
		}
		if ok {
			sv.fresh = false
			sv.state, sv.place = s.read(placed, sv.definition), placed.Place
			if placed.Damage != nil {
				s.repair(sv, placed.Damage)
			}
		}
	}
	if err := s.resumeRuns(e.runs); err != nil {
		return err
	}
	s.takeOver(e.foreign)
	s.findSockets()
	s.resumeChannels()
	s.retireAll()
	if s.leaving { // what is wanted is for the next supervisor to start
		return nil
	}
	for _, name := range s.names() {
		if sv := s.services[name]; sv.state.Wanted && s.local(sv) { // nothing starts unasked that another host was the last to run
			s.apply(sv, tend.Resumed{Rebooted: s.rebooted(sv), Hold: s.expiring(sv)})
		}
	}
	s.grow()
	s.effect(s.closeUnwanted)
	return nil
}

// repair makes a whole state of one that somebody has damaged. What is known of it is whether the service is wanted, and
// perhaps in which phase it rested; whether it runs shows in its runs.
func (s *Supervisor) repair(sv *service, damage error) {
	s.logf("%v; what runs is looked for", damage)
	if !s.local(sv) {
		return // that is for the other host to find out
	}
	sv.damage = "its state in the database could not be read: " + damage.Error()
	if sv.state.Phase != tend.PhaseExited && sv.state.Phase != tend.PhaseFailed {
		sv.state.Phase = tend.PhaseStopped
	}
	sv.state.Since, sv.state.Reason = s.wall(), sv.damage
	s.pending.states[sv.name()] = sv.state
}

// resumeRuns finds out what became of the runs that were alive when they were last heard of.
func (s *Supervisor) resumeRuns(runs []tend.Run) error {
	var unborn []*service
	mains := openMains(runs, s.place)
	for i := range runs {
		run := &runs[i]
		sv, ok := s.services[run.Service]
		if !ok || sv.state.Run != run.ID || !sv.state.Phase.Live() {
			sv = s.unstated(run, sv)
		}
		if sv == nil {
			continue
		}
		sv.run, run.Exit, sv.errorOffset = run, nil, -1
		if s.elsewhere(sv) == "" { // that may be told by a clock that was set since, or could not be read
			run.StartedAt = sv.state.Started
		}
		switch {
		case s.elsewhere(sv) != "":
		case s.rebooted(sv):
			s.apply(sv, tend.Ended{Run: run.ID, Exit: tend.Exit{Lost: "reboot"}, After: s.awaySince(run.StartedAt)})
		case !sv.state.Main.IsZero():
			s.adopt(sv, mains[i])
			mains[i] = nobody
		case sv.state.Begun: // only what its main process left behind was still being stopped
			s.resumeStop(sv)
		default:
			unborn = append(unborn, sv)
		}
	}
	for _, main := range mains {
		main.close()
	}
	for _, sv := range s.services {
		if sv.run != nil || !sv.state.Phase.Live() || s.elsewhere(sv) != "" {
			continue
		}
		// Somebody has deleted the row of the run, or changed it. The state knows as much.
		st := sv.state
		sv.run = &tend.Run{ID: st.Run, Service: sv.name(), Cause: st.Cause, Place: sv.place, Identity: st.Main, StartedAt: st.Started}
		if !s.rebooted(sv) && !process.Ended(st.Main) {
			s.adopt(sv, nobody)
		} else {
			s.apply(sv, tend.Ended{Run: st.Run, Exit: tend.Exit{Unknown: true}, After: s.awaySince(st.Started)})
		}
	}
	return s.resumeUnborn(unborn)
}

// unstated makes a state for a run that the state of its service does not speak of: somebody deleted the service's row,
// and may have added it again, or changed its state. If the process lives, it must be known, or a second copy would be
// started beside it. sv is nil where there is no such service any more; that of one that is only kept in view until it
// ends is returned.
func (s *Supervisor) unstated(run *tend.Run, sv *service) *service {
	known := sv != nil
	switch {
	case !run.Place.SameHost(s.place):
		return nil
	case known && sv.damage != "" && run.IsZero() && s.onThisBoot(run): // it may just have been born: see resumeUnborn
	case !s.onThisBoot(run), known && process.Ended(run.Identity):
		run.EndedAt, run.EndedAfter, run.Exit = s.wall(), s.awaySince(run.StartedAt), &tend.Exit{Unknown: true}
		s.pending.runs[run.ID] = *run
		return nil
	case known && sv.state.Phase.Live(): // by another run
		return nil
	case !known:
		if sv, known = s.surplus(run.Service); known {
			break
		}
		sv = &service{definition: tend.Service{Name: run.Service, Settings: tend.Settings{Restart: tend.RestartNo}}, removed: true}
		s.services[run.Service] = sv
	}
	st := tend.State{
		Phase: tend.PhaseRunning, Since: s.wall(), Cause: run.Cause, Run: run.ID, Main: run.Identity, Begun: true, Started: run.StartedAt,
		Wanted: known && (sv.state.Wanted || sv.place == tend.Place{} && sv.damage == ""), Reason: sv.damage,
	}
	if run.IsZero() {
		st.Phase, st.Begun = tend.PhaseStarting, false
	}
	sv.place, sv.state = s.place, st
	s.pending.states[run.Service] = st
	return sv
}

func (s *Supervisor) onThisBoot(run *tend.Run) bool {
	return run.Boot == s.place.Boot && run.Namespace == s.place.Namespace
}

// adopt takes a main process back, or learns that it has ended.
func (s *Supervisor) adopt(sv *service, found opened) {
	main := sv.state.Main
	if found.Identity != main { // it is gone, or the run has another main process than its row says
		found.close()
		found = open(main)
	}
	sv.keeper = tend.Identity{}
	for _, keeper := range []tend.Identity{s.parent, s.above} {
		if found.PPID != 0 && found.PPID == keeper.PID {
			sv.keeper = keeper
		}
	}
	sv.unseen = found.Identity != main || found.Dead()
	s.mains[main] = sv
	s.watchChild(sv, main, found.pidfd)
	_, watched := s.mains[main]
	sv.overdue = sv.state.Main == main && (!watched || found.Dead())
	if sv.state.Phase == tend.PhaseStopping {
		s.resumeStop(sv)
	}
}

// resumeStop goes on with a stop: whoever was not sent the signal of the present step yet is sent it now. Whom we know
// already when all processes have been looked at has been sent a later one by us.
func (s *Supervisor) resumeStop(sv *service) {
	if sv.state.StopStep < 0 {
		s.resumeStopCommand(sv)
		return
	}
	h, schedule := newHunt(sv), sv.definition.WithDefaults().Stop
	sv.hunt = h
	h.signal = schedule[sv.lastStep()].Signal
	s.effect(func() {
		s.scan(func(all process.Snapshot) {
			if sv.hunt != h {
				return
			}
			members, _ := s.tree(h, all)
			for _, id := range members {
				if _, known := h.sent[id]; !known {
					h.sent[id] = ""
					if s.told.already(id, sv.state, sv.lastStep()) {
						h.sent[id] = h.signal
					}
				}
				if id != sv.state.Main {
					s.members[id] = sv
					s.watch(sv, id)
				}
			}
			s.round(sv, h, all)
		})
	})
}

// resumeUnborn deals with runs that were written down and of whose process nothing is known. If the process was made,
// it bears the run's mark, or carries the run's id in its environment, or has ended, which a keeper has written down; if
// not, it is made now. One that is just being made is not missed: until it has executed its command, it shares our
// predecessor's lock, which we have waited for. The journal is read when all processes have been asked for their marks:
// whoever was reaped before it could be asked stands in it. A supervisor that was killed while it made the process
// bore the mark as well, and is told from it by the list of those that have had the lock.
func (s *Supervisor) resumeUnborn(unborn []*service) error {
	if len(unborn) == 0 {
		return nil
	}
	all, err := process.Scan()
	if err != nil {
		return fmt.Errorf("looking for runs: %w", err)
	}
	eldest := map[*service]tend.Identity{}
	for _, sv := range unborn {
		if main, found := all.Eldest(sv.state.Run, s.locks.predecessors...); found {
			eldest[sv] = main
		}
	}
	if err := s.journal.read(); err != nil {
		s.logf("reading the exit journal: %v", err)
	}
	for _, sv := range unborn {
		main, born := eldest[sv]
		if ended, found := s.journal.eldest(sv.state.Run, s.locks.predecessors); found && (!born || process.ByAge(ended, main) < 0) {
			main, born = ended, true
		}
		switch {
		case born:
			out := s.logFile(sv.definition.Stdout, sv.definition)
			sv.run.LogOffset = offsetAt(out, sv.run.StartedAt)
			s.apply(sv, tend.Spawned{Run: sv.state.Run, Main: main})
			s.watch(sv, main)
		case sv.state.Phase == tend.PhaseStopping:
			s.apply(sv, tend.SpawnFailed{Run: sv.state.Run, Message: "it was stopped before it began"})
		default:
			s.effect(func() { s.spawns.put(s.spawnJob(sv)) })
		}
	}
	return nil
}

// takeOver makes runs of processes that the 2008 script has started, where the pid that it wrote down is still such a
// process. Any other pid of its is stale.
func (s *Supervisor) takeOver(foreign []store.ForeignPID) {
	for _, f := range foreign {
		sv, ok := s.services[f.Service]
		if !ok || sv.run != nil { // that one is known by its run, and only its state was deleted
			continue
		}
		main, err := identify(f.PID, sv.definition)
		if err != nil {
			s.logf("%s is stopped: %v", f.Service, err)
			s.pending.states[f.Service] = sv.state // writes the stale pid over
			continue
		}
		sv.run = &tend.Run{ID: newRunID(), Service: f.Service, Cause: tend.CauseTakeover, Place: s.place, StartedAt: s.wall()}
		sv.state = tend.State{
			Phase: tend.PhaseStarting, Wanted: true, Since: s.wall(), Cause: tend.CauseTakeover, Run: sv.run.ID, Started: s.wall(),
		}
		s.pending.runs[sv.run.ID] = *sv.run
		s.apply(sv, tend.Spawned{Run: sv.run.ID, Main: main})
		s.watch(sv, main)
	}
}

// identify reports which process the pid is, if it is ours and runs the command line in the working directory.
func identify(pid int, d tend.Service) (tend.Identity, error) {
	stat, err := process.ReadStat(pid)
	if err != nil || pid <= 1 || !process.Alive(tend.Identity{PID: pid, Start: stat.Start}) {
		return tend.Identity{}, fmt.Errorf("process %d is gone", pid)
	}
	if uid, err := process.Owner(pid); err != nil || uid != os.Geteuid() { // for root everything would be easy to signal
		return tend.Identity{}, fmt.Errorf("process %d is another user's", pid)
	}
	want, err := shellquote.Split(d.CommandLine)
	if err != nil || len(want) == 0 {
		return tend.Identity{}, errors.New("its command line cannot be read")
	}
	if d.Shell {
		want = []string{"/bin/sh", "-c", d.CommandLine}
	}
	args, err := process.CommandLine(pid)
	if err != nil || !sameCommand(args, want) {
		return tend.Identity{}, fmt.Errorf("process %d runs something else", pid)
	}
	if dir, err := process.WorkingDirectory(pid); err != nil || dir != d.WorkingDirectory {
		return tend.Identity{}, fmt.Errorf("process %d runs in another directory", pid)
	}
	return tend.Identity{PID: pid, Start: stat.Start}, nil
}

// sameCommand compares the arguments of a process with a command line. A script's interpreter may stand before it.
func sameCommand(args, want []string) bool {
	if len(args) < len(want) {
		return false
	}
	args = args[len(args)-len(want):]
	return (args[0] == want[0] || strings.HasSuffix(args[0], "/"+want[0])) && slices.Equal(args[1:], want[1:])
}
