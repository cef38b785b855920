package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"tend"
)

// Placed is a state and where it was written.
type Placed struct {
	tend.State
	Place tend.Place

	// BootedAt is when its host was booted, by the clock that tells its times; zero: that is not known. Where that is
	// another time on the same boot, the clock has been set since.
	BootedAt time.Time

	// Damage says why the row could not be read, nil if it could. Then the state is no more than the columns phase and
	// wanted say: somebody has edited the row, and what is true must be found out.
	Damage error
}

// dated is the JSON of a state.
type dated struct {
	tend.State
	BootedAt time.Time `json:"booted_at,omitzero"`
}

// selectStates never fails because of what somebody has put into a row, whatever its type is.
const selectStates = `SELECT service, CAST(phase AS TEXT), CAST(wanted AS INTEGER), ifnull(CAST(state AS TEXT), ''), ifnull(CAST(place AS TEXT), '')
	FROM state`

// States returns the states of all services that have one. A row that cannot be read has Damage set, and hides no other.
func (s *Store) States(ctx context.Context) (map[string]Placed, error) {
	states := map[string]Placed{}
	err := s.read(ctx, "reading the states", func(ctx context.Context) error {
		places := map[string]tend.Place{} // by their JSON: nearly always one
		return s.each(ctx, selectStates, nil, func(scan func(...any) error) error {
			var service, state, place string
			var phase sql.NullString
			var wanted sql.NullInt64
			if err := scan(&service, &phase, &wanted, &state, &place); err != nil {
				return err
			}
			placed := Placed{State: tend.State{Phase: tend.Phase(phase.String), Wanted: wanted.Int64 != 0}}
			var full dated
			err := json.Unmarshal([]byte(state), &full)
			switch {
			case err != nil:
			case !full.Phase.Known():
				err = fmt.Errorf("there is no phase %q", full.Phase)
			case full.Phase.Live() && full.Run == "":
				err = fmt.Errorf("it is %s, and has no run", full.Phase)
			}
			if err == nil {
				placed.State, placed.BootedAt = full.State, full.BootedAt
			} else {
				placed.Damage = fmt.Errorf("the state of %s: %w", service, err)
				if !placed.Phase.Known() {
					placed.Phase = ""
				}
			}
			if _, ok := places[place]; !ok {
				var p tend.Place
				if err := json.Unmarshal([]byte(place), &p); err != nil {
					placed.Damage = cmp.Or(placed.Damage, fmt.Errorf("the place of %s: %w", service, err))
				} else {
					places[place] = p
				}
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
