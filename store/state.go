package store

import (
	"context"
	"encoding/json"
	"fmt"

	"tend"
)

// Placed is a state and where it was written.
type Placed struct {
	tend.State
	Place tend.Place
}

// States returns the states of all services that have one.
func (s *Store) States(ctx context.Context) (map[string]Placed, error) {
	states := map[string]Placed{}
	err := s.read(ctx, "reading the states", func(ctx context.Context) error {
		places := map[string]tend.Place{} // by their JSON: nearly always one
		return s.each(ctx, "SELECT service, state, place FROM state", nil, func(scan func(...any) error) error {
			var service, state, place string
			if err := scan(&service, &state, &place); err != nil {
				return err
			}
			var placed Placed
			if err := json.Unmarshal([]byte(state), &placed.State); err != nil {
				return fmt.Errorf("the state of %s: %w", service, err)
			}
			if _, ok := places[place]; !ok {
				var p tend.Place
				if err := json.Unmarshal([]byte(place), &p); err != nil {
					return fmt.Errorf("the place of %s: %w", service, err)
				}
				places[place] = p
			}
			placed.Place = places[place]
			states[service] = placed
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return states, nil
}

// ForeignPID is a pid in a row without a state: written by the 2008 script.
type ForeignPID struct {
	Service string
	PID     int
}

// Foreign returns the pids that the script left, by service. They may be stale, or 0, or somebody else's by now: the
// supervisor judges.
func (s *Store) Foreign(ctx context.Context) (found []ForeignPID, err error) {
	err = s.read(ctx, "reading the processes of the script", func(ctx context.Context) error {
		return s.each(ctx, `SELECT name, pid FROM process WHERE typeof(pid) = 'integer'
			AND NOT EXISTS (SELECT 1 FROM state WHERE service = name) ORDER BY name`, nil, func(scan func(...any) error) error {
			var f ForeignPID
			err := scan(&f.Service, &f.PID)
			found = append(found, f)
			return err
		})
	})
	return found, err
}
