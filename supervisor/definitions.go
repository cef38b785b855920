package supervisor

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"tend"
	"tend/store"
)

// refresh reads the definitions again if somebody else has written to the database since it was last done. What runs
// keeps running with what it was started with; its next run takes the new definition.
func (s *Supervisor) refresh() error {
	if err := s.inPlace(); err != nil {
		return err
	}
	version, err := s.store.DataVersion(s.ctx)
	if err != nil {
		return fmt.Errorf("looking for changed definitions: %w", err)
	}
	if version == s.dataVersion {
		return nil
	}
	if err := s.readDefinitions(); err != nil {
		return err
	}
	s.dataVersion = version
	return nil
}

// inPlace sees to it that the database is the one that users see. Where it was removed, nothing new is begun until it
// is put back. Where there is another file now, that is for another supervisor to read.
func (s *Supervisor) inPlace() error {
	err := s.store.InPlace()
	if errors.Is(err, store.ErrReplaced) && !s.replaced {
		s.logf("%v: making room for another supervisor", err)
		s.makeRoom(tend.AwayMoved)
	}
	return err
}

// refreshQuietly is refresh where the definitions from before are good enough.
func (s *Supervisor) refreshQuietly() {
	if err := s.refresh(); err != nil {
		s.logf("%v", err)
	}
}

func (s *Supervisor) readDefinitions() error {
	definitions, err := s.store.Services(s.ctx)
	if err != nil {
		return fmt.Errorf("reading the definitions: %w", err)
	}
	states, err := s.statesOfNew(definitions)
	if err != nil {
		return err
	}
	s.define(definitions, states)
	return nil
}

// statesOfNew are the states that services have which were not known so far: they have been renamed. What is new has none.
func (s *Supervisor) statesOfNew(definitions []tend.Service) (map[string]store.Placed, error) {
	known := func(d tend.Service) bool { return s.services[d.Name] != nil }
	if !slices.ContainsFunc(definitions, func(d tend.Service) bool { return !known(d) }) {
		return nil, nil
	}
	states, err := s.store.States(s.ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the states: %w", err)
	}
	maps.DeleteFunc(states, func(_ string, p store.Placed) bool { return p.Damage != nil || p.Phase.Live() || p.Phase.Pending() })
	return states, nil
}

// define makes these the definitions; states are what is known of new ones. What was removed in this turn of the loop still
// has its row.
func (s *Supervisor) define(definitions []tend.Service, states map[string]store.Placed) {
	s.defineCopies(tend.Copies(definitions, s.lasting()), states)
}

func (s *Supervisor) defineCopies(definitions []tend.Service, states map[string]store.Placed) {
	missing, services := maps.Clone(s.services), map[string]bool{}
	for _, d := range definitions {
		if slices.Contains(s.pending.remove, d.Service()) {
			continue
		}
		services[d.Service()] = true
		delete(missing, d.Name)
		sv, known := s.services[d.Name]
		if !known {
			sv = &service{definition: d, state: tend.State{Phase: tend.PhaseStopped}, fresh: d.Copy > 0}
			s.services[d.Name] = sv
			if placed, found := states[d.Name]; found {
				sv.state, sv.place, sv.fresh = s.read(placed, d), placed.Place, false
			}
		}
		s.redefine(sv, d)
	}
	for _, sv := range slices.Backward(sorted(missing)) {
		if d := sv.definition; d.Copy > 0 && services[d.Service()] {
			s.retire(sv)
		} else {
			s.forget(sv.name(), sv)
		}
	}
	s.drawGraph()
	if s.resumed {
		s.grow()
		s.letGo()
	}
	s.forward()
	s.probeAll()
	s.watchFiles()
	s.hookAll()
}

// letGo closes what is kept open for services that do not need it any more, or are no more.
func (s *Supervisor) letGo() {
	s.closeUnwanted()
	s.stored.sweep(s.keepsDescriptors)
}

// redefine gives the service today's definition. One that cannot be read does not replace one that could: by that the
// service goes on, until somebody wants it started.
func (s *Supervisor) redefine(sv *service, d tend.Service) {
	if sv.broken = d.Broken; d.Broken == nil || sv.definition.Broken != nil {
		before := sv.definition
		sv.definition = d
		s.limitLogs(sv, before)
		otherTime := !d.SamePlan(before) || d.Ready != before.Ready && sv.state.Phase == tend.PhaseStarting
		if s.resumed && otherTime && s.elsewhere(sv) == "" {
			defer s.apply(sv, tend.Tick{})
		}
	}
	if sv.surplus {
		sv.surplus, sv.fresh = false, true
	}
	if sv.removed { // the state went with the row, and is needed again
		sv.removed = false
		s.pending.states[sv.name()] = sv.state
	}
}

// limitLogs has what a service that runs writes kept within today's limits, as long as it goes where it went.
func (s *Supervisor) limitLogs(sv *service, before tend.Service) {
	d := sv.definition
	limited := before.LogLimits(false) != d.LogLimits(false) || before.LogLimits(true) != d.LogLimits(true)
	if limited && before.Stdout == d.Stdout && before.Stderr == d.Stderr {
		s.mind(sv)
	}
}

// forget drops a service whose row was deleted in the database by somebody else. What still runs of it is kept in view
// until it ends, and is not started again.
func (s *Supervisor) forget(name string, sv *service) {
	if !sv.state.Phase.Live() || s.elsewhere(sv) != "" {
		delete(s.services, name)
		return
	}
	sv.removed = true
	sv.definition.Restart, sv.definition.Schedule, sv.definition.RestartSchedule = tend.RestartNo, "", ""
}

// names are those of all services and their copies, in order.
func (s *Supervisor) names() []string {
	names := make([]string, 0, len(s.services))
	for _, sv := range sorted(s.services) {
		names = append(names, sv.name())
	}
	return names
}

func sorted(services map[string]*service) []*service {
	type placed struct {
		tend.Target
		*service
	}
	all := make([]placed, 0, len(services))
	for _, sv := range services {
		all = append(all, placed{sv.target(), sv})
	}
	slices.SortFunc(all, func(a, b placed) int { return tend.CompareCopies(a.Target, b.Target) })
	inOrder := make([]*service, 0, len(all))
	for _, p := range all {
		inOrder = append(inOrder, p.service)
	}
	return inOrder
}
