package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"tend"
	"tend/store"
)

// plan says how big a campaign is.
type plan struct {
	seed     uint64
	kills    int
	services int
	limit    time.Duration // of the killing
	every    time.Duration // how often everything is checked
	backIn   time.Duration // how long supervision may be away after a kill
	without  string        // TEND_WITHOUT
	verbose  bool
}

// workers is how many give commands at the same time.
const workers = 4

// campaign is one campaign in one world.
type campaign struct {
	plan
	*world
	report     *report
	store      *store.Store
	services   []*service // all, removed ones as well until their runs have been judged; see mu
	groups     []group    // of services that have to do with each other
	load       *load      // at those of the services that are handed a socket, or nil
	probe      *service   // one of them, about which the killer alone gives commands
	bystanders []*bystander

	mu      sync.Mutex // of services and history
	history history    // its stops are each service's own

	working sync.RWMutex // held for reading by whoever gives a command
	killing sync.RWMutex // held for reading by whoever kills

	fallen           map[tend.Identity]bool // those of tend's processes that were killed. The killer's own
	outerHasServices bool                   // it may be the parent of some. The killer's own
	writtenBlow      atomic.Int32           // commands that are to die, or have died, at the point command.written
	written          int                    // services that were added by the killer
	unread           int64                  // of the file of violations
}

// service is one service, as the campaign knows it. Only its worker gives commands about it, one after the other.
type service struct {
	name     string
	kind     kind
	wanted   bool
	gone     bool    // it was removed
	copies   *copies // that it is one of, or nil
	absent   bool    // there are fewer copies now: it is as if removed, and may come again
	grouped  bool    // its group gives commands about it
	stops    []span
	stopping string // run of which the list said last that it is being stopped
	steady   atomic.Pointer[steady]
	lines    lineCheck
	judged   map[string]bool      // its runs whose end has been judged
	overAt   map[string]time.Time // those that write through a pipe: when they were first seen to have ended
	late     map[string]bool      // those of which it was said already that they do not end
}

// steady is a run that is to live on, because nothing was commanded.
type steady struct {
	run  string
	main tend.Identity
}

// newCampaign makes the world and its services.
func newCampaign(p plan, dir, program, self string) (*campaign, error) {
	w, err := newWorld(dir, program, self, p.without)
	if err != nil {
		return nil, err
	}
	c := &campaign{plan: p, world: w, report: newReport(p), fallen: map[tend.Identity]bool{}}
	c.history.noStatus = !knowsExits(p.without)
	if c.bystanders, err = startBystanders(self, w.dir, w.runtime); err != nil {
		return c, err
	}
	for i, k := range shares(p.services) {
		s := newService(fmt.Sprintf("%s-%d", k.name, i), k)
		if r := c.command(k.addArguments(s.name, self, w.servicesDir)...); r.status != 0 {
			return c, fmt.Errorf("%s", r)
		}
		c.services = append(c.services, s)
	}
	c.probe = newService("probe", kindNamed("silent"))
	c.probe.kind.options = []string{"--log-format", "time", "--stop-command", "true", "--stop-command-timeout", "1s"}
	if r := c.command(c.probe.kind.addArguments(c.probe.name, self, w.servicesDir)...); r.status != 0 {
		return c, fmt.Errorf("%s", r)
	}
	c.services = append(c.services, c.probe)
	if err := c.addGroups(); err != nil {
		return c, err
	}
	c.store, err = store.Open(context.Background(), w.database, store.Existing)
	return c, err
}

func newService(name string, k kind) *service {
	return &service{name: name, kind: k, judged: map[string]bool{}, late: map[string]bool{}, overAt: map[string]time.Time{}}
}

// fight starts all services, kills and works until the plan is fulfilled, stops all services and checks everything.
func (c *campaign) fight(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	begun := time.Now()
	c.startAll()
	var busy sync.WaitGroup
	over := make(chan struct{})
	for n := range workers {
		busy.Go(func() { c.work(n, over) })
	}
	for n, g := range c.groups {
		busy.Go(func() { c.workOn(g, n, over) })
	}
	stopLoad := c.startLoad()
	busy.Go(func() { c.checkNowAndThen(over) })
	c.kill(ctx)
	close(over)
	busy.Wait()
	stopLoad()
	c.report.lasted = time.Since(begun)
	c.finish()
}

func (c *campaign) random(of uint64) *rand.Rand { return rand.New(rand.NewPCG(c.seed, of)) }

// command gives a command and counts it.
func (c *campaign) command(args ...string) result {
	r := c.run(args...)
	c.report.count(&c.report.Commands, 1)
	if took := r.ended.Sub(r.begun); r.status == -1 && took >= patience {
		c.report.violate("a command does not end: %s", r)
	}
	return r
}

// startAll starts every service, each by a command, since some end before they are ready.
func (c *campaign) startAll() {
	var busy sync.WaitGroup
	for _, g := range c.groups {
		busy.Go(func() { g.begin(c) })
	}
	turn := make(chan *service)
	for range workers {
		busy.Go(func() {
			for s := range turn {
				c.start(s)
			}
		})
	}
	for _, s := range c.services {
		if !s.kind.once && !s.grouped {
			turn <- s
		}
	}
	close(turn)
	busy.Wait()
}

// all returns the services as they are now.
func (c *campaign) all() []*service {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*service(nil), c.services...)
}

// clear ends whatever is left, and removes the directory unless it is of interest.
func (c *campaign) clear(keep bool) {
	for _, b := range c.bystanders {
		b.end()
	}
	if c.store != nil {
		c.store.Close()
	}
	for range 10 { // the next look finds what was born since
		left := processesOf(c.tend, c.self)
		if len(left) == 0 {
			break
		}
		endAll(left)
		time.Sleep(20 * time.Millisecond)
	}
	if keep {
		fmt.Fprintf(os.Stderr, "campaign: everything is kept in %s; tend's own log: %s\n", c.dir, filepath.Join(c.world.runtime, "tend.log"))
		return
	}
	_ = os.RemoveAll(c.dir)
}
