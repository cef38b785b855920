package supervisor

import (
	"fmt"
	"maps"
	"slices"

	"tend"
)

// refresh reads the definitions again if somebody else has written to the database since it was last done. What runs
// keeps running with what it was started with; its next run takes the new definition.
func (s *Supervisor) refresh() error {
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

func (s *Supervisor) readDefinitions() error {
	definitions, err := s.store.Services(s.ctx)
	if err != nil {
		return fmt.Errorf("reading the definitions: %w", err)
	}
	missing := maps.Clone(s.services)
	for _, d := range definitions {
		delete(missing, d.Name)
		if sv, known := s.services[d.Name]; known {
			sv.definition, sv.removed = d, false
			continue
		}
		s.services[d.Name] = &service{definition: d, state: tend.State{Phase: tend.PhaseStopped}}
	}
	for name, sv := range missing {
		s.forget(name, sv)
	}
	return nil
}

// forget drops a service whose row was deleted in the database by somebody else. What still runs of it is kept in view
// until it ends, and is not started again.
func (s *Supervisor) forget(name string, sv *service) {
	if !sv.state.Phase.Live() || s.elsewhere(sv) != "" {
		delete(s.services, name)
		return
	}
	sv.removed = true
	sv.definition.Restart = tend.RestartNo
}

func (s *Supervisor) names() []string { return slices.Sorted(maps.Keys(s.services)) }
