package main

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"

	"tend"
)

// mostCopies is how many copies a service of the campaign has at the most.
const mostCopies = 4

// copies is a service of which several copies run.
type copies struct {
	name  string
	all   [mostCopies]*service // those above n are absent
	n     atomic.Int32
	least int
	load  *load // at its sockets, or nil
}

// addCopies adds such a service. Those that are under load have always some that serve.
func (c *campaign) addCopies(name string, k kind, l *load) (*copies, error) {
	g := &copies{name: name, load: l, least: 1}
	if l != nil {
		g.least = 2
	}
	g.n.Store(3)
	for i := range g.all {
		if i > 0 {
			g.all[i] = newService(tend.CopyName(name, i), k)
			g.all[i].grouped = true
			c.services = append(c.services, g.all[i])
		} else {
			first, err := c.addTo(name, k, "--instances", "3")
			if err != nil {
				return nil, err
			}
			g.all[i] = first
		}
		g.all[i].copies, g.all[i].absent = g, i >= 3
	}
	return g, nil
}

// label is what the service is called at present.
func (s *service) label() string {
	if s.copies != nil && s.copies.n.Load() > 1 && !strings.Contains(s.name, "@") {
		return s.name + "@0"
	}
	return s.name
}

func (g *copies) present() []*service { return g.all[:g.n.Load()] }

func (g *copies) begin(c *campaign) { g.start(c) }

func (g *copies) operate(c *campaign, rng *rand.Rand) {
	one := g.present()[rng.IntN(len(g.present()))]
	switch what := rng.IntN(12); {
	case what < 4:
		g.restart(c)
	case what < 6:
		c.restart(one)
	case what < 8:
		g.scale(c, g.least+rng.IntN(mostCopies+1-g.least))
	case what < 9 && g.load == nil:
		c.stop(one)
	case what < 10:
		g.stop(c)
		g.start(c)
	default:
		g.start(c)
	}
}

func (g *copies) start(c *campaign) {
	before := steadies(g.present(), false)
	r := c.command("start", g.name)
	if r.status != 0 {
		c.report.violate("%s", r)
	}
	for i, s := range g.present() {
		s.wanted = true
		c.keepSteady(s, before[i], r)
	}
	if g.load != nil {
		g.load.open()
	}
}

// restart restarts one after the other.
func (g *copies) restart(c *campaign) {
	before := steadies(g.present(), true)
	r := c.endingAll(g.present(), "restart", g.name)
	if r.status != 0 {
		c.report.violate("%s", r)
	}
	for i, s := range g.present() {
		s.wanted = true
		c.renewed(s, before[i], r)
	}
}

func (g *copies) stop(c *campaign) {
	if g.load != nil {
		g.load.close()
	}
	steadies(g.present(), true)
	r := c.endingAll(g.present(), "stop", g.name)
	if r.status != 0 {
		c.report.violate("%s", r)
	}
	for _, s := range g.present() {
		s.wanted = false
		c.stopped(s, r)
	}
}

// scale has n copies run. Those that are among them before and after are not touched.
func (g *copies) scale(c *campaign, n int) {
	was := int(g.n.Load())
	wanted := false
	for _, s := range g.present() {
		wanted = wanted || s.wanted
	}
	var before []*steady
	if n < was {
		steadies(g.all[n:was], true)
	}
	before = steadies(g.all[:min(n, was)], false)
	r := c.insist(g.all[min(n, was):was], "scale", g.name, strconv.Itoa(n))
	if r.status != 0 {
		c.report.violate("%s", r)
	}
	g.n.Store(int32(n))
	for i, s := range g.all {
		switch {
		case i >= n:
			s.absent, s.wanted = true, false
			if i < was {
				c.nobodyLeft(s, r)
			}
		case i >= was:
			if s.absent, s.wanted = false, wanted; wanted {
				c.settled(s)
			}
		case s.wanted:
			c.keepSteady(s, before[i], r)
		}
	}
}

func (g *copies) end(*campaign) {
	if g.load != nil {
		g.load.close()
	}
}

// steadies are the runs that live on, or, if taken, that lived on up to now.
func steadies(services []*service, taken bool) []*steady {
	all := make([]*steady, len(services))
	for i, s := range services {
		if taken {
			all[i] = s.steady.Swap(nil)
		} else {
			all[i] = s.steady.Load()
		}
	}
	return all
}
