package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"tend"
	"tend/internal/fault"
	"tend/keeper"
)

// pointPatience is how long a point may stay armed before it counts as not reached.
const pointPatience = 4 * time.Second

// points gives the points of the chain, each in its turn, in an order of chance.
type points struct {
	rng   *rand.Rand
	queue []fault.Point
	round int
	vain  func(fault.Point) bool // nobody came there when it was armed
}

func (c *campaign) newPoints(rng *rand.Rand) *points {
	return &points{rng: rng, vain: c.report.hasMissed}
}

// rarely is in how many rounds a log is waited for once until it is rotated, which takes its time.
const rarely = 4

func (p *points) next() fault.Point {
	if len(p.queue) == 0 {
		for _, point := range fault.Points() {
			ofLogs := strings.HasPrefix(string(point), "logs.")
			if inTrial(point) && !byDisk(point) || ofLogs && p.round%rarely != 0 || byDisk(point) && p.vain(point) {
				continue
			}
			p.queue = append(p.queue, point)
		}
		p.round++
		p.rng.Shuffle(len(p.queue), func(i, j int) { p.queue[i], p.queue[j] = p.queue[j], p.queue[i] })
	}
	next := p.queue[0]
	p.queue = p.queue[1:]
	return next
}

// inTrial reports whether only a trial leads to the point: an old database, or one with nothing to do.
func inTrial(p fault.Point) bool {
	return strings.HasPrefix(string(p), "store.") || p == fault.SupervisorLeaving || elsewhere(p)
}

// elsewhere reports whether the tests of packages cli, keeper, logs and supervisor have processes die there: only a new program
// leads to it, or a rename, or a way to rotate logs that not every file system has, or what happens at one moment with an end.
func elsewhere(p fault.Point) bool {
	switch p {
	case fault.LogsCollapsed, fault.LogsPunched, fault.LogsSwapping, fault.LogsLinked, fault.LogsSwapped, fault.LogsDropped:
		return true
	case fault.OuterUpgrading, fault.OuterUpgraded, fault.InnerUpgrading, fault.InnerUpgraded, fault.CommandRenaming, fault.SupervisorHeard, fault.SupervisorOrphaned,
		fault.HookTold:
		return true
	}
	return false
}

// byDisk reports whether it depends on the file system whether a process comes to the point.
func byDisk(p fault.Point) bool { return p == fault.LogsCollapsed || p == fault.LogsPunched }

// strikeAt has the process die that comes to the point next.
func (c *campaign) strikeAt(p fault.Point) {
	ch, ok := c.present()
	if !ok {
		return
	}
	who, _, _ := strings.Cut(string(p), ".")
	if !ch.has(outer) && (who == string(outer) || who == string(inner)) { // the chain has to begin anew
		if b := c.strike(ch, []role{outer, inner, supervisor}); len(b.roles) > 0 {
			c.report.blow(strings.Join(b.roles, "+"), len(b.roles))
			c.awaitBack(b, b.at, b.at)
		}
		if ch, ok = c.present(); !ok {
			return
		}
	}
	first := time.Now()
	if p == fault.CommandWritten {
		c.writtenBlow.Store(1)
	}
	if err := fault.Arm(c.faults, p, ""); err != nil {
		c.report.violate("arming %s: %v", p, err)
		return
	}
	c.trail("armed %s", p)
	b := c.provoke(p, ch)
	defer c.occasion(p)()
	for fault.Armed(c.faults, p) {
		if time.Since(first) > pointPatience {
			fault.Disarm(c.faults, p)
			if p == fault.CommandWritten {
				c.writtenBlow.Store(0)
			}
			c.report.missed(p)
			c.awaitBack(b, first, time.Now())
			return
		}
		time.Sleep(200 * time.Microsecond)
	}
	c.report.struck(p)
	c.trail("struck %s", p)
	if p == fault.CommandWritten {
		return
	}
	b.roles, b.new = append(b.roles, string(p)), b.new || who != string(outer)
	if slices.Contains(b.roles, string(outer)) {
		ch = maps.Clone(ch)
		delete(ch, outer)
	}
	c.keepersDied(ch, who == string(outer), who == string(inner), time.Now())
	if who != string(supervisor) && len(b.roles) > 1 { // of two that die one after the other the campaign cannot know who was there in between
		c.shelfLost(first)
	}
	c.awaitBack(b, first, time.Now())
}

// provoke does what brings a process to the point, where that does not come about by itself.
func (c *campaign) provoke(p fault.Point, ch chain) blow {
	var who []role
	switch p {
	case fault.OuterStarted, fault.OuterRecorded, fault.OuterReaped: // what an inner keeper leaves falls to the outer one
		who = []role{inner}
	case fault.InnerPromoting, fault.InnerPromoted: // it takes a lost outer keeper's place
		who = []role{outer}
	case fault.InnerStarted, fault.SupervisorLocked, fault.SupervisorResumed, fault.SupervisorListening:
		who = []role{supervisor}
	}
	b := c.strike(ch, who)
	if len(b.roles) > 0 {
		c.report.blow(strings.Join(b.roles, "+"), len(b.roles))
	}
	b.ch, b.all = ch, false
	return b
}

// occasion gives a process that works a reason to come to the point: a command about a service that nobody else commands.
// It returns what waits for its end.
func (c *campaign) occasion(p fault.Point) (wait func()) {
	var busy sync.WaitGroup
	switch p {
	case fault.SupervisorEmptying, fault.SupervisorEmptied:
		c.fillJournal()
		busy.Go(func() { c.restart(c.probe) })
	case fault.SupervisorCommitting, fault.SupervisorCommitted, fault.SupervisorShelved, fault.SupervisorSpawning, fault.SupervisorSpawned, fault.SupervisorStopping,
		fault.SupervisorSignalled, fault.InnerRecorded, fault.InnerReaped:
		busy.Go(func() { c.restart(c.probe) })
	case fault.CommandWritten:
		busy.Go(func() {
			c.written++
			if s := c.add(fmt.Sprintf("written-%d", c.written), kindNamed("silent")); s != nil {
				c.remove(s)
			}
		})
	}
	return busy.Wait
}

// fillJournal makes the exit journal as long as it becomes when some thousand orphans have ended below the keepers.
func (c *campaign) fillJournal() {
	for range 4100 {
		_ = keeper.AppendRecord(keeper.JournalFile(c.world.runtime), keeper.Record{Identity: tend.Identity{PID: 1, Start: 1}, At: time.Now()})
	}
}
