package main

import (
	"context"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"time"

	"tend"
)

// subsets are who is killed at once, and how often.
func subsets() []struct {
	weight int
	who    []role
} {
	return []struct {
		weight int
		who    []role
	}{
		{40, []role{supervisor}}, {20, []role{inner}}, {8, []role{outer}},
		{12, []role{inner, supervisor}}, {8, []role{outer, supervisor}}, {6, []role{outer, inner}},
		{6, []role{outer, inner, supervisor}},
	}
}

// kill kills until the plan is fulfilled.
func (c *campaign) kill(ctx context.Context) {
	rng := c.random(1)
	points := c.newPoints(rng)
	for ctx.Err() == nil && c.report.killed() < c.kills {
		c.killing.RLock()
		switch what := rng.IntN(20); {
		case what < 3:
			c.burst(rng)
		case what < 7:
			c.strikeAt(points.next())
		default:
			c.killSome(rng)
		}
		c.quickCheck()
		c.killing.RUnlock()
		time.Sleep(time.Duration(rng.IntN(20)) * time.Millisecond)
	}
}

// killSome kills a subset of the chain.
func (c *campaign) killSome(rng *rand.Rand) {
	ch, ok := c.present()
	if !ok {
		return
	}
	who := choose(rng, ch)
	b := c.strike(ch, who)
	if len(b.roles) > 0 {
		c.report.blow(strings.Join(b.roles, "+"), len(b.roles))
		c.awaitBack(b, b.at, b.at)
	}
}

// choose chooses a subset of those that are there.
func choose(rng *rand.Rand, ch chain) (who []role) {
	for len(who) == 0 {
		n := rng.IntN(100)
		for _, s := range subsets() {
			if n -= s.weight; n >= 0 {
				continue
			}
			for _, r := range s.who {
				if ch.has(r) {
					who = append(who, r)
				}
			}
			break
		}
	}
	return who
}

// burst kills many times in a row, whoever is there, and does not wait for anybody to be back.
func (c *campaign) burst(rng *rand.Rand) {
	first := time.Now()
	var last blow
	for range 2 + rng.IntN(9) {
		ch, ok := c.presentAtOnce()
		if !ok {
			break
		}
		if b := c.strike(ch, choose(rng, ch)); len(b.roles) > 0 {
			last = b
			c.report.blow("burst", len(b.roles))
			if last.all {
				break
			}
		}
		time.Sleep(time.Duration(rng.IntN(20_000)) * time.Microsecond)
	}
	if len(last.roles) > 0 {
		c.awaitBack(last, first, last.at)
	}
}

// blow is what was killed at one moment.
type blow struct {
	at    time.Time
	roles []string
	ch    chain // as it was
	all   bool  // nobody is left
	new   bool  // another supervisor is to come
}

// strike kills those of the chain.
func (c *campaign) strike(ch chain, who []role) blow {
	b := blow{at: time.Now(), ch: ch}
	ch = c.unharmed(ch)
	var victims []tend.Identity
	for _, r := range who {
		victims = append(victims, ch[r])
	}
	dead := map[tend.Identity]bool{}
	for _, id := range send(victims) {
		dead[id], c.fallen[id] = true, true
	}
	for _, r := range []role{outer, inner, supervisor} {
		if dead[ch[r]] {
			b.roles = append(b.roles, string(r))
		}
	}
	c.trail("killed %v of outer %d, inner %d, supervisor %d", b.roles, ch[outer].PID, ch[inner].PID, ch[supervisor].PID)
	b.new = dead[ch[supervisor]] || dead[ch[inner]]
	b.all = len(dead) > 0 && (dead[ch[outer]] || !ch.has(outer)) && (dead[ch[inner]] || !ch.has(inner)) &&
		(dead[ch[supervisor]] || !ch.has(supervisor))
	c.keepersDied(ch, dead[ch[outer]], dead[ch[inner]], b.at)
	if dead[ch[inner]] && (dead[ch[outer]] || !ch.has(outer)) {
		c.shelfLost(b.at)
	}
	return b
}

// unharmed is the chain without those that have got SIGKILL before: on a busy machine they may be there for a while yet.
func (c *campaign) unharmed(ch chain) chain {
	left := maps.Clone(ch)
	for r, id := range ch {
		if c.fallen[id] {
			delete(left, r)
		}
	}
	return left
}

// keepersDied takes note of when services may have lost every keeper. Those of an inner keeper go to the outer one when it
// dies; an outer keeper that has such, or was an inner one before, leaves them to init, and so does an inner one that is alone.
func (c *campaign) keepersDied(ch chain, outerDied, innerDied bool, at time.Time) {
	if outerDied && (innerDied || c.outerHasServices) || innerDied && !ch.has(outer) {
		c.mu.Lock()
		c.history.orphaned = append(c.history.orphaned, at)
		c.mu.Unlock()
	}
	if outerDied || innerDied {
		c.outerHasServices = !(outerDied && innerDied) // where both have died another chain begins
	}
}

// trail writes down what was done, for whoever looks into a violation.
func (c *campaign) trail(format string, args ...any) {
	_ = appendLine(filepath.Join(c.dir, "trail"), "%s "+format, append([]any{clock(time.Now())}, args...)...)
}

// shelfLost takes note of when no keeper may have been left, and with them what they keep for the supervisor: what services have said and
// nobody has heard, and what they have had kept. It is so until supervision is back. A supervisor that has outlived its keepers passes
// it on to others, unless it is killed as well before they have it.
func (c *campaign) shelfLost(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.history.dead = append(c.history.dead, span{at, at.Add(time.Hour)})
}

// present finds the chain, and waits for it if it has to; not for ever.
func (c *campaign) present() (chain, bool) {
	begun, told := time.Now(), false
	for {
		if ch, err := c.chain(); err == nil {
			return ch, true
		}
		if time.Since(begun) > 2*c.backIn+patience {
			return nil, false
		}
		if time.Since(begun) > c.backIn && !told {
			told = true
			c.report.violate("supervision is not there")
		}
		if time.Since(begun) > 2*c.backIn {
			c.run("list")
		}
		time.Sleep(500 * time.Microsecond)
	}
}

// presentAtOnce finds it so far as it is there at this moment.
func (c *campaign) presentAtOnce() (chain, bool) {
	for range 100 {
		if ch, err := c.chain(); err == nil || len(ch) > 0 {
			return ch, true
		}
		if ch, err := c.chainByLock(); err == nil {
			return ch, true
		}
		time.Sleep(500 * time.Microsecond)
	}
	return nil, false
}

// awaitBack waits until supervision is back and measures how long that takes since the last kill. Supervision was
// away since the first one. When everybody is dead, the next command brings it back.
func (c *campaign) awaitBack(b blow, first, last time.Time) {
	if b.all {
		r := c.command("list")
		c.report.measure(&c.report.revived, r.ended.Sub(r.begun))
		if r.status != 0 {
			c.report.violate("%s", r)
		}
	}
	old := 0
	if b.new {
		old = b.ch[supervisor].PID
	}
	told := false
	for {
		if pid := c.answered(c.probe.name); pid != 0 && pid != old {
			break
		}
		if time.Since(last) > c.backIn && !told {
			told = true
			c.report.violate("supervision is not back %s after a kill of %s (supervisor %d, keepers %d and %d)",
				c.backIn, strings.Join(b.roles, "+"), b.ch[supervisor].PID, b.ch[inner].PID, b.ch[outer].PID)
		}
		if time.Since(last) > 3*c.backIn {
			c.run("list")
			break
		}
		time.Sleep(300 * time.Microsecond)
	}
	now := time.Now()
	c.mu.Lock()
	c.history.away = append(c.history.away, span{first, now})
	for i, s := range c.history.dead {
		if s.to.After(now) {
			c.history.dead[i].to = now
		}
	}
	c.mu.Unlock()
	if b.new && !b.all {
		killed := strings.Join(b.roles, "+")
		if first != last {
			killed = "several kills"
		}
		c.report.back(killed, now.Sub(last))
	}
}
