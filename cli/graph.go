package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"tend"
	"tend/api"
)

type graphOptions struct {
	sharedOptions
	dot bool
}

func newGraph() command {
	c := command{
		name: "graph", args: "[NAME…]", max: -1, complete: services,
		short: "draw how services depend on each other",
		long: `Each service stands above what it depends on, with its state; one that stands further up already is not drawn out again. With names, only what these depend on and what depends on them. What is there only to be started first, where both are, is marked (after); what may fail, (wanted).

With --dot, a graph for the program dot of Graphviz. With --json: version, services (name, states of its copies, ready: whether others that require it may run) and dependencies (service, on, bond: requires, wants or after; ignored, why it does not count: loop or missing).`,
		examples: []example{{"tend graph", ""}, {"tend graph web", "what web needs, and who needs web"}, {"tend graph --dot | dot -Tsvg > graph.svg", "a picture"}},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &graphOptions{}
		f.BoolVar(&o.dot, "dot", false, "write it for Graphviz")
		f.BoolVar(&o.all, "all", false, "every service, which is the default")
		o.flagJSON(f)
		return func(ctx context.Context, args arguments) error { return a.graph(ctx, &c, o, args) }
	}
	return c
}

func (a *App) graph(ctx context.Context, c *command, o *graphOptions, args arguments) error {
	switch {
	case o.all && len(args.words) > 0:
		return o.targets(c, args)
	case o.dot && o.json:
		return misused(c, "--dot and --json are two formats")
	}
	statuses, err := a.statuses(ctx, tend.Query{Brief: true})
	if err != nil {
		return err
	}
	v, err := a.survey(ctx)
	if err != nil {
		return err
	}
	chosen := v.services
	if len(args.words) > 0 {
		if chosen, err = v.choose(args.words, false); err != nil {
			return err
		}
	}
	g := newGraphView(v.order(), serviceNames(chosen), statuses, a.Now())
	t := a.terminal()
	switch {
	case o.json:
		return a.writeJSON(g.json())
	case o.dot:
		_, err = io.WriteString(a.Stdout, g.dot())
	case len(g.nodes) == 0:
		_, err = fmt.Fprintln(a.Stdout, "No processes")
	default:
		_, err = io.WriteString(a.Stdout, g.draw(t))
	}
	return err
}

// graphView is the part of the graph that is shown.
type graphView struct {
	order *tend.Order
	nodes []string // in the order of a start; also what is not there
	state map[string][]tend.Status
	now   time.Time
}

func newGraphView(order *tend.Order, names []string, statuses []tend.Status, now time.Time) *graphView {
	g := &graphView{order: order, state: map[string][]tend.Status{}, now: now}
	for _, s := range statuses {
		name := s.Name
		if service, _, ok := tend.ParseCopy(name); ok && !order.Knows(name) {
			name = service
		}
		g.state[name] = append(g.state[name], s)
	}
	add := func(name string) {
		if !slices.Contains(g.nodes, name) {
			g.nodes = append(g.nodes, name)
		}
	}
	for _, name := range names {
		for _, other := range slices.Concat([]string{name}, order.Below(name), order.Above(name)) {
			add(other)
		}
	}
	for _, name := range slices.Clone(g.nodes) {
		for _, d := range order.Needs(name) {
			if !order.Knows(d.On) {
				add(d.On)
			}
		}
	}
	slices.Sort(g.nodes)
	order.Sort(g.nodes)
	return g
}

// words are the states of all copies of a service.
func (g *graphView) words(name string) (words string, phase tend.Phase) {
	copies := g.state[name]
	switch {
	case !g.order.Knows(name):
		return "is not there", tend.PhaseFailed
	case len(copies) == 0:
		return string(tend.PhaseStopped), tend.PhaseStopped
	case len(copies) == 1:
		return stateWords(copies[0], g.now), copies[0].State
	}
	var phases []tend.Phase
	counts := map[tend.Phase]int{}
	for _, s := range copies {
		if counts[s.State]++; counts[s.State] == 1 {
			phases = append(phases, s.State)
		}
	}
	var parts []string
	for _, p := range phases {
		parts = append(parts, fmt.Sprintf("%d %s", counts[p], p))
	}
	phase = phases[0]
	for _, p := range phases {
		if p != tend.PhaseRunning { // what is not as it should be is what one looks for
			phase = p
		}
	}
	return strings.Join(parts, ", "), phase
}

// arrows are the dependencies among what is shown.
func (g *graphView) arrows() (all []tend.Dependency) {
	for _, name := range g.nodes {
		all = append(all, g.needs(name)...)
	}
	return all
}

// needs is what of the service's dependencies is shown.
func (g *graphView) needs(name string) (shown []tend.Dependency) {
	for _, d := range g.order.Needs(name) {
		if slices.Contains(g.nodes, d.On) {
			shown = append(shown, d)
		}
	}
	return shown
}

// ignored are those that do not count, because they close a loop.
func (g *graphView) ignored() (all []tend.Dependency) {
	for _, d := range g.order.Ignored() {
		if slices.Contains(g.nodes, d.Service) && slices.Contains(g.nodes, d.On) {
			all = append(all, d)
		}
	}
	return all
}

type graphJSON struct {
	Version      int         `json:"version"`
	Services     []graphNode `json:"services"`
	Dependencies []graphEdge `json:"dependencies"`
}

type graphNode struct {
	Name   string       `json:"name"`
	States []tend.Phase `json:"states"`
	Ready  bool         `json:"ready"`
}

type graphEdge struct {
	tend.Dependency
	Ignored string `json:"ignored,omitempty"`
}

func (g *graphView) json() graphJSON {
	answer := graphJSON{Version: api.Version, Services: []graphNode{}, Dependencies: []graphEdge{}}
	for _, name := range g.nodes {
		if !g.order.Knows(name) {
			continue
		}
		node := graphNode{Name: name, States: []tend.Phase{}, Ready: len(g.state[name]) > 0}
		for _, s := range g.state[name] {
			node.States = append(node.States, s.State)
			up := tend.Standing{State: tend.State{Phase: s.State}, Elsewhere: s.Elsewhere != ""}
			node.Ready = node.Ready && up.Up() && len(s.HeldBy) == 0
		}
		answer.Services = append(answer.Services, node)
	}
	for _, d := range g.arrows() {
		e := graphEdge{Dependency: d}
		if !g.order.Knows(d.On) {
			e.Ignored = "missing"
			if d.Bond == tend.BondRequires {
				e.Ignored = "" // that one counts
			}
		}
		answer.Dependencies = append(answer.Dependencies, e)
	}
	for _, d := range g.ignored() {
		answer.Dependencies = append(answer.Dependencies, graphEdge{d, "loop"})
	}
	return answer
}
