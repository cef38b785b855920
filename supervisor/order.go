package supervisor

import (
	"slices"

	"tend"
)

// Services that depend on each other are looked at again whenever one of them has changed, in the same turn of the loop and
// so in the same transaction: tend.Neighbours says what follows.

// drawGraph makes the graph anew, after the definitions have changed, and has everything looked at again. A service whose
// row is gone is no more, although it may still run.
func (s *Supervisor) drawGraph() {
	var definitions []tend.Service
	copies := map[string][]*service{}
	for _, name := range s.names() {
		sv := s.services[name]
		if sv.removed || sv.surplus {
			continue
		}
		service := sv.definition.Service()
		if copies[service] == nil {
			d := sv.definition
			d.Name, d.Copy = service, 0
			definitions = append(definitions, d)
		}
		copies[service] = append(copies[service], sv)
	}
	graph, before := tend.NewOrder(definitions), s.near.Order
	for _, d := range graph.Ignored() {
		if !slices.Contains(before.Ignored(), d) {
			s.logf("%s has %s = %s, which closes a loop: that does not count", d.Service, d.Bond, d.On)
		}
	}
	for service := range s.copies {
		if copies[service] == nil {
			s.near.Gone(service)
		}
	}
	s.copies, s.near.Order = copies, graph
	s.near.Redrawn()
}

func (s *Supervisor) newNeighbours() *tend.Neighbours {
	return &tend.Neighbours{
		Order:   tend.NewOrder(nil),
		At:      s.standings,
		Tell:    s.tellNeighbour,
		Blocked: func(key string, obstacles []tend.Obstacle) { s.tellBlocked(s.services[key], obstacles) },
		Leaving: func() bool { return s.leaving },
	}
}

// tellNeighbour lets the event happen to a service. Nothing starts unasked that another host was the last to run.
func (s *Supervisor) tellNeighbour(key string, e tend.Event) {
	sv := s.services[key]
	if _, cleared := e.(tend.Cleared); sv == nil || cleared && !s.local(sv) {
		return
	}
	s.apply(sv, e)
}

// standings tells how the copies of a service stand.
func (s *Supervisor) standings(name string) []tend.Standing {
	copies := make([]tend.Standing, 0, 1)
	for _, sv := range s.copies[name] {
		copies = append(copies, tend.Standing{
			Key: sv.name(), Name: sv.label(), State: sv.state, Elsewhere: s.elsewhere(sv) != "", Broken: sv.broken != nil,
		})
	}
	return copies
}

// order notes that a service has changed.
func (s *Supervisor) order(sv *service, before tend.State) {
	s.near.Changed(sv.definition.Service(), before, sv.state)
}

// extended are the services that an operation is about, and those that it extends to, in the order in which it begins with
// them: what is to be started comes after what it depends on, what is to be stopped before.
func (s *Supervisor) extended(op *operation, chosen []*service) []*service {
	var names []string
	whole := map[string]bool{}
	for _, sv := range chosen {
		if name := sv.definition.Service(); !whole[name] && includes(chosen, s.copies[name]) {
			whole[name] = true
		}
		names = append(names, sv.definition.Service())
	}
	if !slices.ContainsFunc(names, func(name string) bool { return !s.near.Order.Alone(name) }) {
		return chosen
	}
	all := slices.Clone(chosen)
	var along, far []string // what is to be done as well, and what may have been when this was asked for before
	switch op.request.Command {
	case tend.CommandStart, tend.CommandOnce:
		along, far = s.near.Order.Starts(names, s.standings), s.near.Order.Along(names)
	case tend.CommandStop: // one copy of several may go
		going := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !whole[name] })
		along, far = s.near.Order.Stops(going, s.standings), s.near.Order.Dependants(going)
	}
	for _, name := range far {
		for _, sv := range s.copies[name] {
			if !slices.Contains(names, name) && s.elsewhere(sv) == "" && (slices.Contains(along, name) && s.affects(op, sv) || s.wasDone(op, sv)) {
				all = append(all, sv)
			}
		}
	}
	return s.inOrder(all, op.request.Command != tend.CommandStart && op.request.Command != tend.CommandOnce)
}

// affects reports whether an operation that extends to a service has anything to do for this copy.
func (s *Supervisor) affects(op *operation, sv *service) bool {
	if op.request.Command == tend.CommandStop {
		return sv.state.Wanted || sv.state.Phase.Live()
	}
	return !(tend.Standing{State: sv.state}).Up()
}

// wasDone reports whether this very operation, asked for before, has done for this copy what it should: that is still to be
// told.
func (s *Supervisor) wasDone(op *operation, sv *service) bool {
	if op.request.Command == tend.CommandStop {
		return sv.state.Phase == tend.PhaseStopped && s.sinceAsked(op, sv.state.Since)
	}
	return (tend.Standing{State: sv.state}).Up() && s.sinceAsked(op, sv.state.Started)
}

func includes(all, some []*service) bool {
	return !slices.ContainsFunc(some, func(sv *service) bool { return !slices.Contains(all, sv) })
}

// inOrder puts services into the order in which they start, or stop.
func (s *Supervisor) inOrder(services []*service, stop bool) []*service {
	var names []string
	for _, sv := range services {
		names = append(names, sv.definition.Service())
	}
	s.near.Order.Sort(names)
	if stop {
		slices.Reverse(names)
	}
	place := map[string]int{}
	for i, name := range names {
		place[name] = i
	}
	slices.SortStableFunc(services, func(a, b *service) int { return place[a.definition.Service()] - place[b.definition.Service()] })
	return services
}

// heldBy reports whether there are others that are to end before the service is stopped.
func (s *Supervisor) heldBy(sv *service) bool { return s.near.Held(sv.definition.Service()) }

// expiring stops those that require a service whose time is over, and reports whether it has to wait for that.
func (s *Supervisor) expiring(sv *service) (hold bool) {
	if over := sv.state.Expires; over.IsZero() || s.wall().Before(over) || len(s.near.Order.NeededBy(sv.definition.Service())) == 0 {
		return false
	}
	op := &operation{request: tend.Request{Command: tend.CommandStop}}
	for _, other := range s.extended(op, []*service{sv}) {
		if other != sv {
			s.apply(other, tend.StopRequested{Hold: s.heldBy(other)})
		}
	}
	return s.heldBy(sv)
}

// refuseRemoval refuses to take away what others require that stay.
func (s *Supervisor) refuseRemoval(services []*service) *tend.Error {
	var names []string
	for _, sv := range services {
		names = append(names, sv.definition.Service())
	}
	return s.near.Order.CheckRemoval(names)
}

// tellBlocked tells those that wait for a start that it is not to be expected: of what it requires, the first attempt has
// failed, which is told under that one's name. A start goes on waiting; one run does not, since whoever has asked for it is told
// that it has failed, and may ask again.
func (s *Supervisor) tellBlocked(sv *service, obstacles []tend.Obstacle) {
	for _, w := range slices.Clone(sv.wishes) {
		i := slices.IndexFunc(obstacles, func(o tend.Obstacle) bool { return o.Bond == tend.BondRequires && w.op.failed[o.Copy] })
		if w.stopping || w.run != "" || i < 0 {
			continue
		}
		sv.wishes = slices.DeleteFunc(sv.wishes, func(other *wish) bool { return other == w })
		e := tend.Errorf(tend.CodeFailed, "%s is not started yet: %s", sv.label(), obstacles[i].Why()).
			WithHint("it is started as soon as %s is ready (tend stop %s ends that)", obstacles[i].Copy, sv.typed())
		if w.once {
			e = tend.Errorf(tend.CodeFailed, "%s did not run: %s", sv.label(), obstacles[i].Why()).
				WithHint("when that is mended: tend run --once %s", sv.typed())
		}
		s.tell(sv, w.op, s.withStatus(sv, failed(e)))
		s.near.Again(sv.definition.Service())
		if w.once {
			s.apply(sv, tend.Lacking{Name: obstacles[i].On, Why: obstacles[i].Why()})
			return
		}
	}
}

// tellLacking tells those that wait for a start why it cannot be.
func (s *Supervisor) tellLacking(sv *service, op *operation) {
	e := tend.Errorf(tend.CodeFailed, "%s is not started: %s", sv.label(), sv.state.Reason).
		WithHint("when that is mended, tend start %s starts it as well", tend.ShellWord(sv.state.Lacks))
	s.tell(sv, op, s.withStatus(sv, failed(e)))
}
