package supervisor_test

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"tend"
)

func TestManyStartsAtOnceStartOneProcess(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.add(c.definition("web"))
	answers := make([]tend.Progress, 20)
	together(len(answers), func(i int) {
		news, err := c.try(tend.Request{Command: tend.CommandStart, Words: []string{"web"}})
		if answers[i] = last(news)["web"]; err != nil {
			t.Error(err)
		}
	})
	pid := c.status("web").PID
	for i, p := range answers {
		if p.Kind != tend.ProgressStarted && p.Kind != tend.ProgressRunning || p.PID != pid {
			t.Errorf("answer %d is %+v", i, p)
		}
	}
	c.lived("web", 1)
}

// agrees checks that what is said of a service is what is.
func (c *chain) agrees(name string) {
	c.Helper()
	c.until(name+" has settled", func() error {
		st := c.status(name)
		var alive []int
		for _, pid := range c.noted(name, "lives") {
			if !dead(pid) {
				alive = append(alive, pid)
			}
		}
		switch {
		case st.State == tend.PhaseRunning && len(alive) == 1 && alive[0] == st.PID && st.Wanted:
		case st.State == tend.PhaseStopped && len(alive) == 0 && !st.Wanted:
		default:
			return fmt.Errorf("it is %s, as process %d, wanted %v; alive are %v", st.State, st.PID, st.Wanted, alive)
		}
		if stored := c.state(name); stored.Phase != st.State || stored.Main.PID != st.PID {
			return fmt.Errorf("the database says %s, as process %d", stored.Phase, stored.Main.PID)
		}
		return nil
	})
	c.neverTwice(name)
	for i, run := range c.runs(name) {
		if ended := !run.EndedAt.IsZero(); i > 0 && !ended {
			c.Errorf("run %s of %s has no end", run.ID, name)
		}
	}
}

// Eight clients want this and that of four services, while supervisors are replaced.
func TestStorm(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	var names []string
	for i := range 4 {
		s := c.definition(fmt.Sprint("s", i))
		s.Ready = tend.Check{Kind: tend.CheckAlive, After: tend.Duration(20 * time.Millisecond)}
		if i == 3 {
			s = c.definition("s3", "-stubborn")
			s.Stop = schedule(step("TERM", 30*time.Millisecond), step("KILL", 5*time.Second))
		}
		c.add(s)
		names = append(names, s.Name)
	}
	c.launch()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	end := time.Now().Add(4 * time.Second)
	commands := []tend.Command{tend.CommandStart, tend.CommandStart, tend.CommandStop, tend.CommandRestart}
	together(9, func(i int) {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		for time.Now().Before(end) {
			if i == 8 {
				time.Sleep(300 * time.Millisecond) // the storm goes on meanwhile
				syscall.Kill(c.supervisor(), syscall.SIGKILL)
				continue
			}
			r := tend.Request{Command: commands[random.IntN(len(commands))], Words: []string{names[random.IntN(len(names))]}}
			if random.IntN(8) == 0 {
				r.Words, r.All = nil, true
			}
			news, err := c.try(r)
			if err != nil {
				t.Errorf("%s %v: %v", r.Command, r.Words, err)
			}
			for name, p := range last(news) {
				if !p.Done || p.Error != nil && p.Error.Code != tend.CodeConflict {
					t.Errorf("%s %s: %+v", r.Command, name, p)
				}
			}
		}
	})
	for _, name := range names {
		c.agrees(name)
	}
}

// slow is a service that takes half a second to be ready and does not end on SIGTERM, but on the SIGKILL that follows.
func (c *chain) slow(name string) tend.Service {
	s := c.definition(name, "-stubborn")
	s.Ready = tend.Check{Kind: tend.CheckAlive, After: tend.Duration(500 * time.Millisecond)}
	s.Stop = schedule(step("TERM", 300*time.Millisecond), step("KILL", 5*time.Second))
	return s
}

// ask sends a request and returns where its last news of the service will be.
func (c *chain) ask(r tend.Request) <-chan tend.Progress {
	answer := make(chan tend.Progress, 1)
	go func() {
		news, _ := c.try(r)
		answer <- last(news)[r.Words[0]]
	}()
	return answer
}

func (c *chain) answers(what string, answer <-chan tend.Progress, kind tend.ProgressKind) {
	c.Helper()
	select {
	case p := <-answer:
		if p.Kind != kind || kind == tend.ProgressFailed && p.Error.Code != tend.CodeConflict {
			c.Errorf("%s: %+v, should be %s", what, p, kind)
		}
	case <-time.After(patience):
		c.Fatalf("%s: no answer", what)
	}
}

func TestTwoCommandsMeet(t *testing.T) {
	for name, meet := range map[string]func(c *chain, web func(tend.Command) tend.Request){
		"stop during start": func(c *chain, web func(tend.Command) tend.Request) {
			start := c.ask(web(tend.CommandStart))
			c.until("it lives", func() error { return when(len(c.noted("web", "ready")) == 1) })
			stop := c.ask(web(tend.CommandStop))
			c.answers("start", start, tend.ProgressFailed)
			c.answers("stop", stop, tend.ProgressStopped)
			c.lived("web", 1)
		},
		"start during stop": func(c *chain, web func(tend.Command) tend.Request) {
			c.start("web")
			stop := c.ask(web(tend.CommandStop))
			c.until("it is being stopped", func() error { return when(len(c.noted("web", "terms")) == 1) })
			start := c.ask(web(tend.CommandStart))
			c.answers("stop", stop, tend.ProgressStopped)
			c.answers("start", start, tend.ProgressStarted)
			c.lived("web", 2)
		},
		"stop during restart": func(c *chain, web func(tend.Command) tend.Request) {
			c.start("web")
			restart := c.ask(web(tend.CommandRestart))
			c.until("it is being stopped", func() error { return when(len(c.noted("web", "terms")) == 1) })
			stop := c.ask(web(tend.CommandStop))
			c.answers("restart", restart, tend.ProgressFailed)
			c.answers("stop", stop, tend.ProgressStopped)
			c.lived("web", 1)
		},
		"restart during start": func(c *chain, web func(tend.Command) tend.Request) {
			start := c.ask(web(tend.CommandStart))
			c.until("it lives", func() error { return when(len(c.noted("web", "ready")) == 1) })
			restart := c.ask(web(tend.CommandRestart))
			c.answers("restart", restart, tend.ProgressStarted)
			c.answers("start", start, tend.ProgressStarted)
			c.lived("web", 2)
		},
		"remove while it is started again": func(c *chain, web func(tend.Command) tend.Request) {
			c.start("web")
			remove := c.ask(web(tend.CommandRemove))
			c.until("it is being stopped", func() error { return when(len(c.noted("web", "terms")) == 1) })
			start := c.ask(web(tend.CommandStart))
			c.answers("remove", remove, tend.ProgressFailed)
			c.answers("start", start, tend.ProgressStarted)
			c.lived("web", 2)
		},
		"two remove it": func(c *chain, web func(tend.Command) tend.Request) {
			c.start("web")
			first, second := c.ask(web(tend.CommandRemove)), c.ask(web(tend.CommandRemove))
			c.answers("the first", first, tend.ProgressRemoved)
			c.answers("the second", second, tend.ProgressRemoved)
			c.lived("web", 1)
			c.add(c.slow("web"))
			c.start("web")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChain(t)
			c.add(c.slow("web"))
			c.launch()
			meet(c, func(command tend.Command) tend.Request {
				return tend.Request{Command: command, Words: []string{"web"}, Stop: command == tend.CommandRemove}
			})
			c.neverTwice("web")
			c.do(tend.CommandStop)
			c.nothingLeft()
		})
	}
}
