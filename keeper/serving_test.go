package keeper

import (
	"slices"
	"testing"

	"tend"
)

// Who is just being made looks like its maker, and is not taken for another one.
func TestBorn(t *testing.T) {
	process := func(pid, parent int, role string) Serving {
		return Serving{Identity: tend.Identity{PID: pid, Start: uint64(pid)}, Parent: parent, Role: role}
	}
	outer, inner, supervisor := process(10, 1, outerRole), process(20, 10, innerRole), process(30, 20, supervisorRole)
	other := process(11, 1, outerRole)       // of a chain that is on its way
	orphan := process(31, 1, supervisorRole) // its keeper has died
	orphaned := process(32, 1, supervisorRole)
	for name, notBorn := range map[string]Serving{
		"an inner keeper":          process(21, 10, outerRole),
		"a supervisor":             process(33, 20, innerRole),
		"a service":                process(40, 20, supervisorRole),
		"a command":                process(41, 30, supervisorRole),
		"the service of an orphan": process(42, 31, supervisorRole),
	} {
		all := []Serving{outer, other, inner, supervisor, orphan, orphaned}
		if got := born(slices.Insert(slices.Clone(all), 2, notBorn)); !slices.Equal(got, all) {
			t.Errorf("beside %s: %v", name, got)
		}
	}
}
