package supervisor_test

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"tend"
)

func schedule(steps ...tend.StopStep) tend.StopSchedule { return steps }

func step(signal string, wait time.Duration) tend.StopStep {
	return tend.StopStep{Signal: signal, Wait: tend.Duration(wait)}
}

func TestLeavingStopsEverythingAndKeepsWhatIsWanted(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	slow := c.definition("slow", "-stubborn")
	slow.Stop = schedule(step("TERM", 300*time.Millisecond), step("KILL", 5*time.Second))
	c.add(slow)
	c.add(c.definition("web"))
	c.add(c.definition("done", "-fail"))
	c.add(c.definition("unwanted"))
	failing := c.definition("failing", "-fail", "-code", "1")
	failing.Backoff = tend.Backoff{Min: tend.Duration(time.Hour), Max: tend.Duration(time.Hour)}
	c.add(failing)
	patient := c.definition("unready")
	patient.Ready = tend.Check{Kind: tend.CheckAlive, After: tend.Duration(time.Hour)}
	c.add(patient)
	c.launch()
	c.start("slow", "web", "unwanted")
	c.lived("unwanted", 1)
	c.do(tend.CommandStop, "unwanted")
	c.do(tend.CommandStart, "done", "failing")
	c.reaches("failing", tend.PhaseBackoff)
	c.reaches("done", tend.PhaseExited)
	answer := make(chan tend.Progress)
	go func() {
		news, _ := c.try(tend.Request{Command: tend.CommandStart, Words: []string{"unready"}})
		answer <- last(news)["unready"]
	}()
	c.until("unready lives", func() error { return when(len(c.noted("unready", "ready")) == 1) })

	c.signal(c.outer(), syscall.SIGTERM)
	if p := <-answer; p.Error == nil || p.Error.Code != tend.CodeBusy {
		t.Errorf("whoever waits for unready hears %+v", p)
	}
	c.nothingLeft()
	for name, wanted := range map[string]bool{"slow": true, "web": true, "done": true, "unwanted": false, "failing": true, "unready": true} {
		st := c.state(name)
		same(c, name+"'s wish", st.Wanted, wanted)
		if name != "done" {
			same(c, name+"'s state", st.Phase, tend.PhaseStopped)
		}
	}
	if exit := c.runs("slow")[0].Exit; exit == nil || exit.Signal != "KILL" {
		t.Errorf("slow ended by %v", exit)
	}

	c.launch()
	for name, lives := range map[string]int{"slow": 2, "web": 2, "unready": 2} {
		c.until(name+" is back", func() error { return when(c.status(name).State != tend.PhaseStopped) })
		c.until(name+" is back", func() error { return when(len(c.noted(name, "lives")) == lives) })
		c.lived(name, lives)
	}
	c.lived("unwanted", 1)
	c.lived("done", 1)
	c.reaches("failing", tend.PhaseBackoff)
}

// The supervisor is killed again and again while everything is being stopped.
func TestLeavingGoesOnAfterSIGKILL(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	slow := c.definition("slow", "-stubborn")
	slow.Stop = schedule(step("TERM", time.Hour))
	c.add(slow)
	c.add(c.definition("web"))
	c.launch()
	c.start("slow", "web")
	c.signal(c.outer(), syscall.SIGTERM)
	c.until("slow has had its SIGTERM", func() error { return when(len(c.noted("slow", "terms")) == 1) })
	c.until("web has ended", func() error { return when(dead(c.noted("web", "lives")[0])) })
	c.reaches("slow", tend.PhaseStopping) // so that it is written down as well: a supervisor killed before that has it sent again
	for range 3 {
		c.signal(c.supervisor(), syscall.SIGKILL)
		c.reaches("slow", tend.PhaseStopping)
	}
	c.signal(c.status("slow").PID, syscall.SIGKILL)
	c.nothingLeft()
	c.lived("web", 1)
	c.lived("slow", 1)
	if terms := c.noted("slow", "terms"); len(terms) != 1 {
		t.Errorf("slow got %d SIGTERM", len(terms))
	}
	same(c, "web's wish", c.state("web").Wanted, true)
	same(c, "web's state", c.state("web").Phase, tend.PhaseStopped)
}

// What survives its whole stop schedule keeps nobody from leaving, is not sent it again while others take longer, and is
// taken back by the next chain.
func TestLeavingDoesNotWaitForWhatCannotBeStopped(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	immortal := c.definition("immortal", "-stubborn")
	immortal.Stop = schedule(step("TERM", 100*time.Millisecond))
	c.add(immortal)
	slow := c.definition("slow", "-stubborn")
	slow.Stop = schedule(step("TERM", time.Second), step("KILL", 5*time.Second)) // the keepers remind the supervisor meanwhile
	c.add(slow)
	c.launch()
	c.start("immortal", "slow")
	pid := c.status("immortal").PID
	c.signal(c.outer(), syscall.SIGTERM)
	c.until("everybody but immortal has left", func() error { return when(slices.Equal(pidsOf(c.all()), []int{pid})) })
	same(c, "immortal's wish", c.state("immortal").Wanted, true)
	same(c, "immortal's SIGTERMs", len(c.noted("immortal", "terms")), 1)

	c.launch()
	c.until("it is being stopped anew", func() error {
		if n := len(c.noted("immortal", "terms")); n != 2 {
			return fmt.Errorf("it was sent SIGTERM %d times: %s", n, c.history("immortal"))
		}
		return nil
	})
	c.lived("immortal", 1)
	c.signal(pid, syscall.SIGKILL)
	c.until("it is back", func() error { return when(len(c.noted("immortal", "ready")) == 2) })
	c.reaches("immortal", tend.PhaseRunning)
	c.signal(c.status("immortal").PID, syscall.SIGUSR1)
	c.reaches("immortal", tend.PhaseExited)
}

func TestSIGTERMOnlyReplacesTheSupervisor(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.add(c.definition("web"))
	c.launch()
	c.start("web")
	pid := c.status("web").PID
	for range 5 {
		supervisor := c.supervisor()
		c.signal(supervisor, syscall.SIGTERM)
		c.until("another supervisor is there", func() error { return when(c.supervisor() != supervisor) })
	}
	same(c, "web's pid", c.status("web").PID, pid)
	same(c, "web's SIGTERMs", len(c.noted("web", "terms")), 0)
	c.lived("web", 1)
	c.do(tend.CommandStop, "web")
	c.nothingLeft() // by itself
}
