package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tend"
	"tend/internal/fault"
	"tend/process"
)

// oldDatabase is one as the 2008 script made it, with three services: first, second and third.
//
//go:embed script.sqlite
var oldDatabase []byte

// together is how many commands meet an old database at the same time.
const together = 3

// tryMigrations has a command die at each point of a migration, while others want the same database.
func (c *campaign) tryMigrations(dir string) {
	for _, p := range fault.Points() {
		if !strings.HasPrefix(string(p), "store.") {
			continue
		}
		if err := c.tryMigration(filepath.Join(dir, string(p)), p); err != nil {
			c.report.violate("a migration that is killed at %s: %v", p, err)
		}
	}
}

func (c *campaign) tryMigration(dir string, p fault.Point) error {
	w, err := newWorld(dir, c.tend, c.self, c.without)
	if err != nil {
		return err
	}
	if err := os.WriteFile(w.database, oldDatabase, 0o600); err != nil {
		return err
	}
	if err := fault.Arm(w.faults, p, ""); err != nil {
		return err
	}
	answers := make([]result, together)
	var busy sync.WaitGroup
	for i := range answers {
		busy.Go(func() { answers[i] = w.run("list", "--json") })
	}
	busy.Wait()
	died := 0
	for _, r := range answers {
		if r.status == -1 {
			died++
		} else if err := hasThree(r); err != nil {
			return err
		}
	}
	if fault.Armed(w.faults, p) || died != 1 {
		c.report.missed(p)
		return fmt.Errorf("of %d commands %d have died there", together, died)
	}
	c.report.struck(p)
	if err := hasThree(w.run("list", "--json")); err != nil {
		return err
	}
	return w.startsAndStops("second")
}

// hasThree checks that a list has the services of the old database.
func hasThree(r result) error {
	var list struct{ Services []tend.Status }
	if err := json.Unmarshal([]byte(r.stdout), &list); err != nil || r.status != 0 {
		return fmt.Errorf("%s (%v)", r, err)
	}
	names := ""
	for _, st := range list.Services {
		names += st.Name + " "
	}
	if names != "first second third " {
		return fmt.Errorf("the services are %q: %s", names, r)
	}
	return nil
}

// startsAndStops checks that a service can be started and stopped.
func (w *world) startsAndStops(name string) error {
	if r := w.run("start", name); r.status != 0 {
		return fmt.Errorf("%s", r)
	}
	r := w.run("status", "--json", name)
	var list struct{ Services []tend.Status }
	if err := json.Unmarshal([]byte(r.stdout), &list); err != nil || len(list.Services) != 1 || list.Services[0].State != tend.PhaseRunning {
		return fmt.Errorf("%s (%v)", r, err)
	}
	stat, err := process.ReadStat(list.Services[0].PID)
	if err != nil {
		return err
	}
	if r := w.run("stop", name); r.status != 0 {
		return fmt.Errorf("%s", r)
	}
	if _, lives := alive(stat.Identity); lives {
		return fmt.Errorf("%s is stopped, and lives: %s", name, describe(stat))
	}
	return nil
}

// tryLeaving has the supervisor die as it leaves, because nothing is left to do. Its keepers start another one, which
// leaves as well, and what comes meanwhile is answered.
func (c *campaign) tryLeaving() {
	p := fault.SupervisorLeaving
	if err := fault.Arm(c.faults, p, ""); err != nil {
		c.report.violate("arming %s: %v", p, err)
		return
	}
	for _, command := range []string{"start", "stop"} {
		if r := c.command(command, c.services[0].name); r.status != 0 {
			c.report.violate("%s", r)
		}
	}
	for deadline := time.Now().Add(leaveIn); fault.Armed(c.faults, p); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			fault.Disarm(c.faults, p)
			c.report.missed(p)
			c.report.violate("nothing is to be done, and the supervisor does not leave within %s", leaveIn)
			return
		}
	}
	c.report.struck(p)
	if r := c.command("status", c.services[0].name); r.status != 3 {
		c.report.violate("after the supervisor died while it left: %s", r)
	}
}
