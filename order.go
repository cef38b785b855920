package tend

import (
	"maps"
	"slices"
)

// Bond is in which way one service depends on another. The strongest that is written down between two of them counts.
type Bond string

// The bonds, the strongest first.
const (
	BondRequires Bond = "requires" // the other is started along and ready first, and without it this one cannot run
	BondWants    Bond = "wants"    // the other is started along and tried first
	BondAfter    Bond = "after"    // among those that start or stop together, the other starts first and stops last
)

// bonds returns the names that a definition gives for each bond, the strongest first.
func (s Service) bonds() []struct {
	Bond  Bond
	Names []string
} {
	return []struct {
		Bond  Bond
		Names []string
	}{{BondRequires, s.Requires}, {BondWants, s.Wants}, {BondAfter, s.After}}
}

// Dependency is an arrow of the graph: Service depends on On. Both are names of definitions: a dependency on a service is
// one on all of its copies, and each copy has the dependencies of its service.
type Dependency struct {
	Service string `json:"service"`
	On      string `json:"on"`
	Bond    Bond   `json:"bond"`
}

// Order is how the services of a database depend on each other. It has no loops: of those that are written down all the
// same, by hand, an arrow that closes one does not count. It is never changed once it is made.
type Order struct {
	known   map[string]bool
	names   []string                // in the order of a start
	needs   map[string][]Dependency // by the service that depends, the strongest first; also on what is not there
	needed  map[string][]Dependency // by the service that is depended on, by name
	rank    map[string]int          // lower: starts earlier
	ignored []Dependency
}

// NewOrder is the order of the services.
func NewOrder(services []Service) *Order {
	o := &Order{known: map[string]bool{}, needs: map[string][]Dependency{}, needed: map[string][]Dependency{}, rank: map[string]int{}}
	for _, s := range services {
		o.known[s.Name] = true
		seen := map[string]bool{}
		for _, b := range s.bonds() {
			for _, on := range b.Names {
				if !seen[on] {
					seen[on] = true
					o.needs[s.Name] = append(o.needs[s.Name], Dependency{s.Name, on, b.Bond})
				}
			}
		}
	}
	if rest := o.sort(); len(rest) > 0 {
		o.unravel(rest)
		o.sort()
	}
	o.names = slices.Collect(maps.Keys(o.known))
	o.Sort(o.names)
	for _, name := range slices.Sorted(maps.Keys(o.needs)) {
		for _, d := range o.needs[name] {
			o.needed[d.On] = append(o.needed[d.On], d)
		}
	}
	return o
}

// sort ranks the services so that each comes after those that it depends on, and otherwise by name, and returns those
// for which that cannot be: they are on loops, or depend on such. It is Kahn's algorithm, level by level.
func (o *Order) sort() (rest []string) {
	missing, dependants := map[string]int{}, map[string][]string{}
	var level []string
	for name := range o.known {
		for _, d := range o.needs[name] {
			if o.known[d.On] {
				missing[name]++
				dependants[d.On] = append(dependants[d.On], name)
			}
		}
		if missing[name] == 0 {
			level = append(level, name)
		}
	}
	clear(o.rank)
	for len(level) > 0 {
		slices.Sort(level)
		var next []string
		for _, name := range level {
			o.rank[name] = len(o.rank)
			for _, d := range dependants[name] {
				if missing[d]--; missing[d] == 0 {
					next = append(next, d)
				}
			}
		}
		level = next
	}
	for name := range o.known {
		if _, ranked := o.rank[name]; !ranked {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	return rest
}

// unravel leaves out the arrows that close loops among these services: they are put back one after the other, the strongest
// first, as long as no way leads back.
func (o *Order) unravel(rest []string) {
	var arrows []Dependency
	for _, name := range rest {
		arrows = append(arrows, o.needs[name]...)
		delete(o.needs, name)
	}
	for _, bond := range []Bond{BondRequires, BondWants, BondAfter} {
		for _, d := range arrows {
			switch {
			case d.Bond != bond:
			case o.leads(d.On, d.Service):
				o.ignored = append(o.ignored, d)
			default:
				o.needs[d.Service] = append(o.needs[d.Service], d)
			}
		}
	}
}

// leads reports whether from depends on to, directly or through others, or is the same.
func (o *Order) leads(from, to string) bool {
	seen := map[string]bool{from: true}
	for open := []string{from}; len(open) > 0; {
		name := open[len(open)-1]
		open = open[:len(open)-1]
		if name == to {
			return true
		}
		for _, d := range o.needs[name] {
			if !seen[d.On] {
				seen[d.On] = true
				open = append(open, d.On)
			}
		}
	}
	return false
}

// Knows reports whether there is a service of that name.
func (o *Order) Knows(name string) bool { return o.known[name] }

// Needs returns what the service depends on, the strongest first; also what is not there.
func (o *Order) Needs(name string) []Dependency { return o.needs[name] }

// NeededBy returns who depends on the service, by name. There may be no such service.
func (o *Order) NeededBy(name string) []Dependency { return o.needed[name] }

// Ignored returns the arrows that do not count because they close a loop.
func (o *Order) Ignored() []Dependency { return o.ignored }

// Alone reports whether the service has nothing to do with any other.
func (o *Order) Alone(name string) bool { return len(o.needs[name]) == 0 && len(o.needed[name]) == 0 }

// Sort puts names into the order in which they start; they stop in the reverse one. Names that are not known come last.
func (o *Order) Sort(names []string) {
	place := func(name string) int {
		if rank, known := o.rank[name]; known {
			return rank
		}
		return len(o.rank)
	}
	slices.SortStableFunc(names, func(a, b string) int { return place(a) - place(b) })
}

// closure returns the names, and all that is reached from them by the arrows that count, each once, in the order of a
// start.
func (o *Order) closure(names []string, arrows func(name string) []Dependency, far func(d Dependency) (name string, follow bool)) []string {
	seen := map[string]bool{}
	var all []string
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			all = append(all, name)
		}
	}
	for _, name := range names {
		add(name)
	}
	for i := 0; i < len(all); i++ {
		for _, d := range arrows(all[i]) {
			if name, follow := far(d); follow && o.known[name] {
				add(name)
			}
		}
	}
	o.Sort(all)
	return all
}

// Dependants returns those that cannot be without any of these, directly or through others, and these themselves: what is to
// be stopped when these are, in the order of a start.
func (o *Order) Dependants(names []string) []string {
	return o.closure(names, o.NeededBy, func(d Dependency) (string, bool) { return d.Service, d.Bond == BondRequires })
}

// Above returns whatever comes after the service in any way, directly or through others, in the order of a start.
func (o *Order) Above(name string) []string {
	all := o.closure([]string{name}, o.NeededBy, func(d Dependency) (string, bool) { return d.Service, true })
	return slices.DeleteFunc(all, func(other string) bool { return other == name })
}

// Below returns whatever comes before the service in any way, directly or through others, the last first.
func (o *Order) Below(name string) []string {
	all := o.closure([]string{name}, o.Needs, func(d Dependency) (string, bool) { return d.On, true })
	all = slices.DeleteFunc(all, func(other string) bool { return other == name })
	slices.Reverse(all)
	return all
}
