package supervisor_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"tend"
	"tend/internal/fault"
	"tend/keeper"
	"tend/process"
)

// parent is the parent of a living process, 0 when there is none any more.
func parent(pid int) int {
	stat, err := process.ReadStat(pid)
	if err != nil || stat.Dead() {
		return 0
	}
	return stat.PPID
}

// settled waits until supervisor and keepers stand one below the other, and returns them.
func (c *chain) settled() (outer, inner, supervisor int) {
	c.Helper()
	c.until("there are two keepers and a supervisor", func() error {
		all, err := keeper.Find(c.dir)
		if err != nil || len(all) != 3 {
			if len(all) == 0 {
				c.launch() // the next command
			}
			return fmt.Errorf("they are %v, %v", all, err)
		}
		at := map[string]keeper.Serving{}
		for _, p := range all {
			at[p.Role] = p
		}
		outer, inner, supervisor = at["outer keeper"].PID, at["inner keeper"].PID, at["supervisor"].PID
		return when(at["supervisor"].Parent == inner && at["inner keeper"].Parent == outer)
	})
	return outer, inner, supervisor
}

// Services end while the outer keeper is killed, again and again. None is touched, and every exit is known.
func TestOuterKeepersAreReplaced(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.add(c.definition("steady", "-lines", "2ms"))
	for i := range 4 {
		leaver := c.definition(fmt.Sprint("leaver", i), "-code", fmt.Sprint(10+i))
		leaver.Restart = tend.RestartNo
		c.add(leaver)
	}
	c.launch()
	c.start("steady")
	steady := c.status("steady").PID
	for round := range 6 {
		names := []string{"leaver0", "leaver1", "leaver2", "leaver3"}
		c.start(names...)
		outer, inner, _ := c.settled()
		end := func(i int) { c.signal(c.status(names[i]).PID, syscall.SIGUSR1) }
		pids := map[string]int{}
		for _, name := range names {
			pids[name] = c.status(name).PID
		}
		end(0)
		c.signal(outer, syscall.SIGKILL)
		c.signal(pids["leaver1"], syscall.SIGUSR1)
		c.until("the outer keeper is dead", func() error { return when(dead(outer)) })
		c.signal(pids["leaver2"], syscall.SIGUSR1)
		if newOuter, _, _ := c.settled(); newOuter != inner {
			t.Errorf("round %d: the outer keeper is %d, not %d", round, newOuter, inner)
		}
		c.signal(pids["leaver3"], syscall.SIGUSR1)
		for i, name := range names {
			if is := c.reaches(name, tend.PhaseFailed); is.LastExit == nil || *is.LastExit != (tend.Exit{Code: 10 + i}) {
				t.Errorf("round %d: %s ended with %v", round, name, is.LastExit)
			}
		}
	}
	same(c, "steady's pid", c.status("steady").PID, steady)
	c.lived("steady", 1)
	c.wholeLog("steady")
}

// What runs below the keeper that has become the outer one is stopped, with all that it has started.
func TestStopBelowPromotedKeeper(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.add(c.definition("old"))
	c.add(c.definition("new"))
	c.launch()
	c.start("old")
	outer, inner, _ := c.settled()
	c.signal(outer, syscall.SIGKILL)
	c.until("the outer keeper is dead", func() error { return when(dead(outer)) })
	_, newInner, _ := c.settled()
	c.start("new")
	same(c, "the old one's parent", parent(c.status("old").PID), inner)
	same(c, "the new one's parent", parent(c.status("new").PID), newInner)
	c.do(tend.CommandStop, "old", "new")
	c.nothingLeft()
}

// Any of the three, any pair and all are killed after a promotion, and as it goes on.
func TestKillsDuringPromotion(t *testing.T) {
	for _, point := range []fault.Point{"", fault.InnerPromoting, fault.InnerPromoted, fault.SupervisorLocked, fault.SupervisorResumed, fault.SupervisorListening} {
		t.Run("at "+string(point), func(t *testing.T) {
			t.Parallel()
			faults := t.TempDir()
			c := newChain(t, fault.Variable+"="+faults)
			c.add(c.definition("steady", "-lines", "2ms"))
			c.launch()
			c.start("steady")
			steady := c.status("steady").PID
			for _, also := range [][]string{{}, {"inner"}, {"supervisor"}, {"inner", "supervisor"}} {
				outer, inner, supervisor := c.settled()
				if point != "" {
					c.check(fault.Arm(faults, point, ""))
				}
				c.signal(outer, syscall.SIGKILL)
				if slices.Contains(also, "supervisor") {
					syscall.Kill(supervisor, syscall.SIGKILL)
				}
				if slices.Contains(also, "inner") {
					syscall.Kill(inner, syscall.SIGKILL)
				}
				c.until("who was killed is dead", func() error {
					return when(dead(outer) && (!slices.Contains(also, "inner") || dead(inner)) && (!slices.Contains(also, "supervisor") || dead(supervisor)))
				})
				c.launch() // where all three were killed, nobody else would
				c.settled()
				fault.Disarm(faults, point)
				c.reaches("steady", tend.PhaseRunning)
				same(c, "steady's pid", c.status("steady").PID, steady)
			}
			c.lived("steady", 1)
			c.wholeLog("steady")
		})
	}
}

// A keeper that is stopped when the one below it dies would never start another.
func TestStoppedOuterKeeperGoesOnWhenTheInnerOneDies(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.add(c.definition("web"))
	c.launch()
	c.start("web")
	pid := c.status("web").PID
	outer, inner, _ := c.settled()
	c.signal(outer, syscall.SIGSTOP)
	c.signal(inner, syscall.SIGKILL)
	c.within(5*time.Second, "there is another supervisor", func() error {
		all, _ := keeper.Find(c.dir)
		return when(len(all) == 3 && !dead(outer) && dead(inner))
	})
	c.settled()
	same(c, "its pid", c.status("web").PID, pid)
	c.lived("web", 1)
}
