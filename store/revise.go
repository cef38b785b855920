package store

import (
	"context"
	"slices"

	"tend"
)

// Revision is a change of definitions that is made whole or not at all.
type Revision struct {
	Add, Change []tend.Service
	Remove      []string
	Rename      map[string]string // old name to new: definition, state, runs and history; of what rests

	// Last, if there is one, is called when everything is written and does not count yet. Its error undoes all of it.
	Last func() error
}

// Result is what the definitions are once the revision is made.
func (r Revision) Result(now []tend.Service) []tend.Service {
	var result []tend.Service
	changed := map[string]tend.Service{}
	for _, s := range r.Change {
		changed[s.Name] = s
	}
	removed := map[string]bool{}
	for _, name := range r.Remove {
		removed[name] = true
	}
	for _, s := range now {
		if removed[s.Name] {
			continue
		}
		if c, ok := changed[s.Name]; ok {
			s = c
		}
		if name, ok := r.Rename[s.Name]; ok {
			s.Name = name
		}
		result = append(result, s)
	}
	return append(result, r.Add...)
}

// Revise changes definitions in one transaction: decide is given those that there are, which nobody else can change until
// the end, and says what is to become of them. Its error ends everything, with nothing changed. It must be quick.
func (s *Store) Revise(ctx context.Context, decide func(now []tend.Service) (Revision, error)) error {
	return s.write(ctx, "changing definitions", true, func(ctx context.Context) error {
		now, err := s.services(ctx)
		if err != nil {
			return err
		}
		r, err := decide(now)
		if err != nil {
			return err
		}
		for _, name := range r.Remove {
			if err := s.exec(ctx, deleteService, name); err != nil {
				return err
			}
		}
		for _, service := range r.Change {
			if err := s.change(ctx, service); err != nil {
				return err
			}
		}
		for old, new := range r.Rename {
			if err := s.rename(ctx, old, new); err != nil {
				return err
			}
		}
		for _, service := range r.Add {
			if err := s.add(ctx, service); err != nil {
				return err
			}
		}
		if r.Last != nil {
			return r.Last()
		}
		return nil
	})
}

// rename gives a service another name, everywhere; its state follows by a trigger. Copies of it are NAME@0 and so on, which no
// service of its own may be called any more.
func (s *Store) rename(ctx context.Context, old, new string) error {
	phases, err := s.phases(ctx, old)
	if err != nil {
		return err
	}
	for _, phase := range phases {
		if !slices.Contains(resting, phase) {
			return tend.Errorf(tend.CodeConflict, "%s is %s", old, phase).About(old).WithHint("tend stop %s", quote(old))
		}
	}
	for _, statement := range []string{
		"UPDATE process SET name = ?2 WHERE name = ?1",
		"UPDATE run SET service = ?2 || substr(service, length(?1) + 1) WHERE " + isOrCopy,
		"UPDATE event SET service = ?2 || substr(service, length(?1) + 1) WHERE " + isOrCopy,
		"UPDATE state SET service = ?2 || substr(service, length(?1) + 1) WHERE " + isOrCopy,
	} {
		if err := s.exec(ctx, statement, old, new); err != nil {
			if isTaken(err) {
				return taken(new)
			}
			return err
		}
	}
	return nil
}

const isOrCopy = `(service = ?1 OR substr(service, 1, length(?1) + 1) = ?1 || '@'
	AND substr(service, length(?1) + 2) NOT GLOB '*[^0-9]*' AND service NOT IN (SELECT name FROM process))`

// resting are the phases in which nothing will happen to a service that nobody asks for.
var resting = []tend.Phase{"", tend.PhaseStopped, tend.PhaseExited, tend.PhaseFailed}

// phases are those written down for the service and its copies. Within a transaction they stay so: a supervisor writes down
// that it starts something before it does.
func (s *Store) phases(ctx context.Context, name string) (phases []tend.Phase, err error) {
	err = s.each(ctx, "SELECT CAST(phase AS TEXT) FROM state WHERE "+isOrCopy, []any{name}, func(scan func(...any) error) error {
		var phase tend.Phase
		err := scan(&phase)
		phases = append(phases, phase)
		return err
	})
	return phases, err
}
