package supervisor_test

import (
	"crypto/rand"
	"os/exec"
	"strings"
	"testing"
	"time"

	"tend"
	"tend/keeper"
)

// unborn is a state in which a supervisor died after it had written a run down, and before it wrote its process down.
func unborn(phase tend.Phase, then tend.AfterStop) tend.State {
	now := time.Now()
	return tend.State{Phase: phase, Then: then, Wanted: phase == tend.PhaseStarting || then == tend.ThenStart, Since: now, Started: now, Cause: tend.CauseStart, Run: rand.Text()}
}

// beget starts the process of a run as a supervisor would have, which then died. The process falls to the test.
func (c *chain) beget(s tend.Service, run string) (pid int) {
	c.Helper()
	words := strings.Fields(s.CommandLine)
	cmd := exec.Command(words[0], words[1:]...)
	for name, value := range s.Environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "TEND_RUN="+run)
	c.check(cmd.Start())
	go cmd.Wait()
	c.until(s.Name+" lives", func() error { return when(len(c.noted(s.Name, "ready")) == 1) })
	return cmd.Process.Pid
}

func TestRunsThatWereWrittenDownAndHaveNoPID(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	states := map[string]tend.State{
		"never-made":         unborn(tend.PhaseStarting, ""),
		"made":               unborn(tend.PhaseStarting, ""),
		"stopped-never-made": unborn(tend.PhaseStopping, ""),
		"stopped-made":       unborn(tend.PhaseStopping, ""),
		"again-never-made":   unborn(tend.PhaseStopping, tend.ThenStart),
		"made-and-ended":     unborn(tend.PhaseStarting, ""),
	}
	made := map[string]int{}
	for name, st := range states {
		s := c.definition(name)
		if name == "made-and-ended" {
			s.Restart = tend.RestartNo
		}
		c.add(s)
		if name == "made" || name == "stopped-made" {
			made[name] = c.beget(s, st.Run)
		}
	}
	buried := keeper.Record{Identity: tend.Identity{PID: 1 << 30, Start: 1}, WaitStatus: 7 << 8, At: time.Now(), Mark: keeper.MarkOf(states["made-and-ended"].Run)}
	c.check(keeper.AppendRecord(keeper.JournalFile(c.dir), buried))
	c.leave(c.here(), states)
	c.launch()

	c.reaches("made-and-ended", tend.PhaseFailed)
	c.lived("made-and-ended", 0)
	if run := c.runs("made-and-ended")[0]; run.ID != states["made-and-ended"].Run || run.Exit == nil || run.Exit.Code != 7 {
		t.Errorf("made-and-ended's last run is %+v", run)
	}

	c.reaches("never-made", tend.PhaseRunning)
	same(c, "never-made's run", c.status("never-made").Run, states["never-made"].Run)
	c.lived("never-made", 1)

	c.reaches("made", tend.PhaseRunning)
	same(c, "made's pid", c.status("made").PID, made["made"])
	c.lived("made", 1)
	c.do(tend.CommandStop, "made")
	if exit := c.runs("made")[0].Exit; exit == nil || *exit != (tend.Exit{}) {
		t.Errorf("made ended by %v", exit)
	}

	c.reaches("stopped-never-made", tend.PhaseStopped)
	c.lived("stopped-never-made", 0)
	c.reaches("stopped-made", tend.PhaseStopped)
	c.lived("stopped-made", 1)
	same(c, "SIGTERMs", len(c.noted("stopped-made", "terms")), 1)

	c.reaches("again-never-made", tend.PhaseRunning)
	c.lived("again-never-made", 1)
	for name := range states {
		for _, run := range c.runs(name) {
			if st := c.status(name); run.EndedAt.IsZero() && run.ID != st.Run {
				t.Errorf("run %s of %s has no end", run.ID, name)
			}
		}
	}
}
