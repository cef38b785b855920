package supervisor_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"tend"
	"tend/keeper"
	"tend/process"
	"tend/store"
)

// Whatever is asked of the copies of a service, and whichever of tend's processes are killed meanwhile, no copy is ever there
// twice, those that nobody meant live on, and there are as many as there are to be.
func TestCopiesUnderKills(t *testing.T) {
	t.Parallel()
	const most, steps = 4, 20
	seed := uint64(time.Now().UnixNano())
	t.Logf("chance begins with %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	c := newChain(t)
	s := c.copies("web", most)
	s.Instances = 2
	c.add(s)
	c.launch()
	c.start("web")
	stop, stopped := make(chan struct{}), make(chan struct{})
	go c.killAtRandom(rand.New(rand.NewPCG(seed, 2)), stop, stopped)
	wanted := map[int]bool{0: true, 1: true}
	for step := range steps {
		before := c.copyPIDs("web", most)
		touched := map[int]bool{}
		what := ""
		switch rng.IntN(4) {
		case 0, 1: // another number
			n := 1 + rng.IntN(most)
			what = fmt.Sprintf("scale to %d", n)
			any := false
			for i := range s.Instances {
				any = any || wanted[i]
			}
			for i := range most {
				if i >= n {
					touched[i] = wanted[i]
					delete(wanted, i)
				} else if i >= s.Instances {
					touched[i], wanted[i] = true, any
				}
			}
			s.Instances = n
			c.change(s)
			c.insist(what, tend.Request{Command: tend.CommandScale, Words: []string{"web"}})
		case 2:
			what = "restart"
			for i := range s.Instances {
				touched[i], wanted[i] = true, true
			}
			c.insist(what, tend.Request{Command: tend.CommandRestart, Words: []string{"web"}})
		case 3: // one of them
			i := rng.IntN(s.Instances)
			command := []tend.Command{tend.CommandStop, tend.CommandStart, tend.CommandRestart}[rng.IntN(3)]
			what = fmt.Sprintf("%s %d", command, i)
			touched[i], wanted[i] = command != tend.CommandStart || !wanted[i], command != tend.CommandStop
			c.insist(what, tend.Request{Command: command, Words: []string{fmt.Sprintf("web@%d", i)}})
		}
		after := c.copyPIDs("web", most)
		for i := range most {
			if (after[i] != 0) != wanted[i] {
				t.Fatalf("step %d, %s: copy %d is process %d, wanted %v", step, what, i, after[i], wanted)
			}
			if !touched[i] && before[i] != after[i] {
				t.Fatalf("step %d, %s: copy %d was process %d, and is %d", step, what, i, before[i], after[i])
			}
		}
	}
	close(stop)
	<-stopped
	for i := range most {
		c.neverTwice(fmt.Sprintf("web.%d", i))
	}
	c.insist("stop", tend.Request{Command: tend.CommandStop, Words: []string{"web"}})
	c.db(func(db *store.Store) error {
		states, err := db.States(context.Background())
		same(c, fmt.Sprintf("states %v", maps.Collect(maps.All(states))), len(states), s.Instances)
		return err
	})
}

// insist sends a request that nothing is to be in the way of.
func (c *chain) insist(what string, r tend.Request) {
	c.Helper()
	news, err := c.try(r)
	if err != nil {
		c.Fatalf("%s: %v", what, err)
	}
	for name, p := range last(news) {
		if p.Kind == tend.ProgressFailed {
			c.Fatalf("%s: %s: %v", what, name, p.Error)
		}
	}
}

// copyPIDs are the processes of the copies that run, 0 for one that does not, or is not there.
func (c *chain) copyPIDs(name string, most int) []int {
	c.Helper()
	pids := make([]int, most)
	var all []tend.Status
	c.until("the supervisor answers", func() (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if len(c.all()) > 0 {
			c.try(tend.Request{Command: tend.CommandScale, Words: []string{name}}) // so that there is one
		}
		all, err = c.client.Statuses(ctx, tend.Query{})
		return err
	})
	for _, st := range all {
		n := 0
		fmt.Sscanf(st.Name, name+"@%d", &n)
		if st.State == tend.PhaseRunning {
			pids[n] = st.PID
		}
	}
	return pids
}

// killAtRandom kills one of tend's own processes after the other, or all of them, until it is to stop.
func (c *chain) killAtRandom(rng *rand.Rand, stop <-chan struct{}, stopped chan<- struct{}) {
	defer close(stopped)
	for {
		select {
		case <-stop:
			return
		case <-time.After(time.Duration(50+rng.IntN(250)) * time.Millisecond):
		}
		all := rng.IntN(6) == 0
		serving, _ := keeper.Find(c.dir) // and nobody that is about to be a service
		for _, p := range serving {
			if all || rng.IntN(3) == 0 {
				process.Signal(p.Identity, "KILL")
			}
		}
	}
}
