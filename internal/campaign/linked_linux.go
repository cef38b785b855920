package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// links is services that depend on each other.
type links struct {
	name string
	all  []*link // each after those that it names
}

// link is one of them.
type link struct {
	*service
	requires, wants []string
}

// chained is three, of which each requires the one before.
func chained() *links {
	return &links{"chain", []*link{link1("chain-a", ""), link1("chain-b", "chain-a"), link1("chain-c", "chain-b")}}
}

// diamond is four: two require the first, and the last requires one of these and wants the other.
func diamond() *links {
	last := link1("diamond-d", "diamond-b")
	last.wants = []string{"diamond-c"}
	return &links{"diamond", []*link{link1("diamond-a", ""), link1("diamond-b", "diamond-a"), link1("diamond-c", "diamond-a"), last}}
}

func link1(name, requires string) *link {
	l := &link{service: &service{name: name}}
	if requires != "" {
		l.requires = []string{requires}
	}
	return l
}

// addLinks adds them.
func (c *campaign) addLinks(g *links) (group, error) {
	for _, l := range g.all {
		options := []string{
			"--env", needsVariable + "=" + strings.Join(l.requires, " "),
			"--env", neededVariable + "=" + strings.Join(g.needing(l.name, true), " "),
			"--env", orderVariable + "=" + g.orderFile(c),
		}
		for _, name := range l.requires {
			options = append(options, "--requires", name)
		}
		for _, name := range l.wants {
			options = append(options, "--wants", name)
		}
		s, err := c.addTo(l.name, linked(), options...)
		if err != nil {
			return nil, err
		}
		l.service = s
	}
	return g, nil
}

// needing are the names of those that require the service, directly or through others; those that want one as well, if so asked.
func (g *links) needing(name string, wanting bool) (names []string) {
	for _, l := range g.all {
		direct := func(n string) bool { return n == name || slices.Contains(names, n) }
		if slices.ContainsFunc(l.requires, direct) || wanting && slices.ContainsFunc(l.wants, direct) {
			names = append(names, l.name)
		}
	}
	return names
}

// needed are the names of all that are started along with the service.
func (g *links) needed(name string) (names []string) {
	for _, l := range slices.Backward(g.all) {
		if l.name == name || slices.Contains(names, l.name) {
			names = append(append(names, l.requires...), l.wants...)
		}
	}
	return names
}

func (g *links) orderFile(c *campaign) string {
	return filepath.Join(c.servicesDir, "order-"+g.name)
}

// inOrder gives a command that stops these, if they run, each after those that need it.
func (g *links) inOrder(c *campaign, services []*service, args ...string) result {
	var names []string
	for _, s := range services {
		names = append(names, s.name)
	}
	if err := writeOrder(g.orderFile(c), names); err != nil {
		c.report.violate("%v", err)
	}
	defer os.Remove(g.orderFile(c))
	return c.endingAll(services, args...)
}

// named are the services of these names.
func (g *links) named(names ...string) (services []*service) {
	for _, l := range g.all {
		if slices.Contains(names, l.name) {
			services = append(services, l.service)
		}
	}
	return services
}

func (g *links) begin(c *campaign) { g.start(c, g.all[len(g.all)-1].service) }

func (g *links) operate(c *campaign, rng *rand.Rand) {
	one, other := g.all[rng.IntN(len(g.all))].service, g.all[rng.IntN(len(g.all))].service
	switch what := rng.IntN(10); {
	case what < 4 || !one.wanted:
		g.start(c, one)
	case what < 7:
		g.stop(c, one)
	case what < 8 || !other.wanted:
		g.restart(c, one)
	default:
		g.restart(c, one, other)
	}
}

// start starts one, and with it whatever it names.
func (g *links) start(c *campaign, s *service) {
	along := g.named(append(g.needed(s.name), s.name)...)
	before := steadies(along, false)
	r := c.command("start", s.name)
	if r.status != 0 {
		c.report.violate("%s", r)
	}
	for i, one := range along {
		one.wanted = true
		c.keepSteady(one, before[i], r)
	}
}

// stop stops one, and before it whatever requires it.
func (g *links) stop(c *campaign, s *service) {
	along := g.named(append(g.needing(s.name, false), s.name)...)
	steadies(along, true)
	r := g.inOrder(c, along, "stop", s.name)
	if r.status != 0 {
		c.report.violate("%s", r)
	}
	for _, one := range along {
		one.wanted = false
		c.stopped(one, r)
	}
}

// restart restarts these, and nobody else.
func (g *links) restart(c *campaign, services ...*service) {
	names := []string{}
	for _, s := range services {
		names = append(names, s.name)
	}
	services = g.named(names...)
	before := steadies(services, true)
	r := g.inOrder(c, services, append([]string{"restart"}, names...)...)
	if r.status != 0 {
		c.report.violate("%s", r)
	}
	for i, s := range services {
		c.renewed(s, before[i], r)
	}
}

// end says that all are about to be stopped.
func (g *links) end(c *campaign) {
	var names []string
	for _, l := range g.all {
		names = append(names, l.name)
	}
	if err := writeOrder(g.orderFile(c), names); err != nil {
		c.report.violate("%v", err)
	}
}
