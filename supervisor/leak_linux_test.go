package supervisor_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tend"
)

// descriptors are what a process has open, by what it is.
func descriptors(c *chain, pid int) map[string]int {
	c.Helper()
	found := map[string]int{}
	dir := fmt.Sprintf("/proc/%d/fd/", pid)
	entries, err := os.ReadDir(dir)
	c.check(err)
	for _, entry := range entries {
		target, _ := os.Readlink(dir + entry.Name())
		kind, _, _ := strings.Cut(target, ":[")
		found[kind]++
	}
	return found
}

func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	for i := range 10 {
		s := c.definition(fmt.Sprint("s", i))
		s.Ready = tend.Check{Kind: tend.CheckAlive, After: tend.Duration(time.Millisecond)}
		if i == 0 {
			s.CommandLine = "/no/such/program"
		}
		c.add(s)
	}
	keepOn := c.definition("keeps-on")
	c.add(keepOn)
	c.launch()
	c.start("keeps-on")
	cycle := func() {
		c.do(tend.CommandStart, "s*")
		c.do(tend.CommandStop, "s*")
	}
	cycle()
	supervisor := c.supervisor()
	c.client.Close()
	before := descriptors(c, supervisor)
	for range 20 {
		cycle()
	}
	c.client.Close()
	same(c, "the supervisor", c.supervisor(), supervisor)
	c.until("no more descriptors are open than before", func() error {
		after := descriptors(c, supervisor)
		for kind, n := range after {
			if n > before[kind] {
				return fmt.Errorf("there were %v, there are %v", before, after)
			}
		}
		return nil
	})
}
