package main

import (
	"time"

	"tend/process"
)

// leaveIn is how long tend's own processes may stay when nothing is left to do.
const leaveIn = 15 * time.Second

// finish stops everything, checks everything once more, and sees everybody gone.
func (c *campaign) finish() {
	c.quickCheck()
	for _, s := range c.all() {
		s.steady.Store(nil)
		c.mu.Lock()
		s.stops = append(s.stops, span{time.Now(), time.Now().Add(time.Hour)})
		c.mu.Unlock()
		s.wanted = false
	}
	for _, g := range c.groups {
		g.end(c)
	}
	if r := c.command("stop", "--all"); r.status != 0 {
		c.report.violate("%s", r)
	}
	for _, s := range c.all() {
		if !s.gone && !lockFree(c.servicesDir, s.name) {
			c.report.violate("%s is stopped, and its lock is held", s.name)
		}
	}
	c.checkAll(true)
	c.tryLeaving()
}

// everybodyGone waits until no process of tend and none of a service is left.
func (c *campaign) everybodyGone() {
	bystanders := map[int]bool{}
	for _, b := range c.bystanders {
		bystanders[b.id.PID] = true
	}
	for deadline := time.Now().Add(leaveIn); ; time.Sleep(20 * time.Millisecond) {
		var left []process.Stat
		for _, stat := range processesOf(c.tend, c.self) {
			if !bystanders[stat.PID] {
				left = append(left, stat)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			for _, stat := range left {
				c.report.violate("everything was stopped, and this is left: %s", describe(stat))
			}
			endAll(left)
			return
		}
	}
}
