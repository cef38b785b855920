package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"tend"
	"tend/store"
)

// plan is what is to become of definitions, and of the services that run by them.
type plan struct {
	seen      []tend.Service // the definitions from which it was made
	steps     []step
	Unchanged int
}

// step is what is to become of one service, as --json tells it.
type step struct {
	Name    string   `json:"name"`
	Do      string   `json:"do"`             // add, change or remove
	Keys    []string `json:"keys,omitempty"` // what changes
	Restart bool     `json:"restart"`        // it runs, and for the change to take effect it has to be restarted
	Start   bool     `json:"start"`          // it does not run, and is started
	Stop    bool     `json:"stop"`           // it runs, and is stopped

	definition tend.Service
}

// What a step does.
const (
	doAdd    = "add"
	doChange = "change"
	doRemove = "remove"
)

// newPlan compares what is wanted with what there is. With prune, what is not wanted is removed.
func newPlan(wanted, seen []tend.Service, statuses []tend.Status, prune bool) *plan {
	p := &plan{seen: seen}
	for _, s := range wanted {
		old := find(seen, s.Name)
		if old == nil {
			p.steps = append(p.steps, step{Name: s.Name, Do: doAdd, definition: s, Start: true})
			continue
		}
		if changed, ok := newStep(*old, s, statuses); ok {
			p.steps = append(p.steps, changed)
		} else {
			p.Unchanged++
		}
	}
	for _, s := range seen {
		if prune && find(wanted, s.Name) == nil {
			stop := is(statuses, s.Name, func(now tend.Status) bool { return now.State.Live() || now.State.Pending() })
			p.steps = append(p.steps, step{Name: s.Name, Do: doRemove, definition: s, Stop: stop})
		}
	}
	return p
}

// newStep is the change of one definition to another; ok is false if there is nothing to change.
func newStep(old, new tend.Service, statuses []tend.Status) (s step, ok bool) {
	s = step{Name: new.Name, Do: doChange, definition: new, Keys: differences(old, new)}
	if old.Broken != nil {
		s.Keys = []string{"what could not be read"}
	}
	s.Restart = len(s.notLive()) > 0 && is(statuses, new.Name, func(now tend.Status) bool { return now.State.Live() })
	s.Start = !s.Restart && is(statuses, new.Name, func(now tend.Status) bool {
		return now.Wanted && (now.State == tend.PhaseFailed || now.State == tend.PhaseBackoff)
	})
	return s, len(s.Keys) > 0
}

// notLive are the keys that take effect with the next start only.
func (s step) notLive() (keys []string) {
	for _, key := range s.Keys {
		if o := tend.FindOption(key); o == nil || !o.Live {
			keys = append(keys, key)
		}
	}
	return keys
}

// is reports whether that is true of the service, or of any of its copies, and it is here.
func is(statuses []tend.Status, name string, so func(tend.Status) bool) bool {
	return slices.ContainsFunc(statuses, func(s tend.Status) bool { return s.Definition.Name == name && s.Elsewhere == "" && so(s) })
}

// revision is the plan as the database takes it.
func (p *plan) revision() (r store.Revision) {
	for _, s := range p.steps {
		switch s.Do {
		case doAdd:
			r.Add = append(r.Add, s.definition)
		case doChange:
			r.Change = append(r.Change, s.definition)
		case doRemove:
			r.Remove = append(r.Remove, s.Name)
		}
	}
	return r
}

// names are those of the steps that the predicate is true of.
func (p *plan) names(of func(step) bool) []string {
	var names []string
	for _, s := range p.steps {
		if of(s) {
			names = append(names, s.Name)
		}
	}
	return names
}

// write shows the plan: + what is added, ~ what changes, - what is removed.
func (p *plan) write(to io.Writer, colour palette) {
	longest := 0
	for _, s := range p.steps {
		longest = max(longest, width(printable(s.Name, false)))
	}
	for _, s := range p.steps {
		name := printable(s.Name, false)
		name += strings.Repeat(" ", longest-width(name))
		switch s.Do {
		case doAdd:
			fmt.Fprintf(to, "%s %s  %s\n", colour.phase(tend.PhaseRunning, "+"), name, printable(s.definition.CommandLine, false))
		case doChange:
			fmt.Fprintf(to, "%s %s  %s%s\n", colour.phase(tend.PhaseBackoff, "~"), name, strings.Join(s.Keys, ", "), s.consequence())
		case doRemove:
			fmt.Fprintf(to, "%s %s%s\n", colour.phase(tend.PhaseFailed, "-"), name, s.consequence())
		}
	}
	if p.Unchanged > 0 {
		fmt.Fprintf(to, "= %d unchanged\n", p.Unchanged)
	}
}

// consequence is what the step means for what runs, in brackets.
func (s step) consequence() string {
	switch {
	case s.Restart:
		return "  (restarts)"
	case s.Start && s.Do == doChange:
		return "  (starts again)"
	case s.Stop:
		return "  (is stopped)"
	}
	return ""
}

// sorted puts the steps into the order in which they are shown: by name.
func (p *plan) sorted() *plan {
	slices.SortStableFunc(p.steps, func(a, b step) int { return strings.Compare(a.Name, b.Name) })
	return p
}
