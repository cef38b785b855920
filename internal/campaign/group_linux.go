package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// group is services that have to do with each other, so that one worker gives all commands about them.
type group interface {
	begin(*campaign)               // starts them
	operate(*campaign, *rand.Rand) // gives one command
	end(*campaign)                 // is called before everything is stopped
}

// addGroups adds those that each campaign has.
func (c *campaign) addGroups() error {
	groups := []func() (group, error){
		func() (group, error) { return c.addCopies("copies", kindNamed("silent"), nil) },
		func() (group, error) { return c.addLinks(chained()) },
		func() (group, error) { return c.addLinks(diamond()) },
	}
	if takesSockets(c.without) {
		groups = append(groups, func() (group, error) { return c.addServing("serving") })
	}
	for _, add := range groups {
		g, err := add()
		if err != nil {
			return err
		}
		c.groups = append(c.groups, g)
	}
	return nil
}

// addTo adds a service of a group to the database and to what is checked.
func (c *campaign) addTo(name string, k kind, options ...string) (*service, error) {
	k.options = append(append([]string(nil), k.options...), options...)
	if r := c.command(k.addArguments(name, c.self, c.servicesDir)...); r.status != 0 {
		return nil, fmt.Errorf("%s", r)
	}
	s := newService(name, k)
	s.grouped = true
	c.services = append(c.services, s)
	return s, nil
}

// workOn gives commands about the services of a group.
func (c *campaign) workOn(g group, n int, over <-chan struct{}) {
	rng := c.random(uint64(200 + n))
	for {
		select {
		case <-over:
			return
		default:
		}
		c.working.RLock()
		g.operate(c, rng)
		c.working.RUnlock()
		time.Sleep(time.Duration(rng.IntN(200)) * time.Millisecond)
	}
}

// insist gives a command that changes definitions, again if it was one that was to die once it has written them.
func (c *campaign) insist(services []*service, args ...string) result {
	r := c.endingAll(services, args...)
	if r.status == -1 && c.writtenBlow.CompareAndSwap(1, 0) {
		r = c.endingAll(services, args...)
	}
	return r
}

// keepSteady compares the runs of services before and after a command that was not to touch them.
func (c *campaign) keepSteady(s *service, before *steady, r result) {
	if now := c.settled(s); before != nil && now != nil && before.run != now.run {
		c.report.violate("%s has the run %s, and had %s before this: %s", s.name, now.run, before.run, r)
	}
}

// renewed checks that a service that lives long runs, and by another run than before.
func (c *campaign) renewed(s *service, before *steady, r result) {
	if now := c.settled(s); before != nil && now != nil && before.run == now.run {
		c.report.violate("%s has the same run %s as before it was restarted: %s", s.name, now.run, r)
	}
}
