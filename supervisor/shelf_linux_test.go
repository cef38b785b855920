package supervisor_test

import (
	"strings"
	"syscall"
	"testing"

	"tend/internal/fault"
	"tend/internal/testenv"
)

// The supervisor that is left when both keepers are killed gives what they kept to the keepers that a command starts, whoever
// dies meanwhile.
func TestTheShelfReachesAChainThatACommandStarts(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "systemd-notify")
	for _, test := range []struct {
		name   string
		points []fault.Point // at which the new chain's supervisors die
	}{
		{"nobody dies", nil},
		{"the next one dies when it has taken it over", []fault.Point{fault.SupervisorLocked, fault.SupervisorResumed}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			faults := t.TempDir()
			c := newChain(t, fault.Variable+"="+faults)
			c.add(c.speaking("web", strings.Join([]string{
				"systemd-notify --ready", c.awaits("web", "go"), "systemd-notify --no-block --status=between", "echo $$ >>sent", "exec sleep 1000",
			}, "\n")))
			c.launch()
			c.start("web")
			before := c.status("web").PID
			outer, inner, old := c.settled()
			c.check(fault.Arm(faults, fault.SupervisorOrphaned, "STOP"))
			c.killAtOnce(outer, inner)
			c.until("the supervisor has made room", func() error { return when(!fault.Armed(faults, fault.SupervisorOrphaned)) })
			c.allow("web", "go")
			c.until("it has spoken", func() error { return when(len(c.noted("web", "sent")) == 1) })
			for _, p := range test.points {
				c.check(fault.Arm(faults, p, ""))
			}
			launched := make(chan struct{})
			go func() {
				defer close(launched)
				c.launch()
			}()
			outer = c.outer()
			c.signal(old, syscall.SIGCONT)
			<-launched
			c.tells("web", "between")
			same(c, "its pid", c.status("web").PID, before)
			c.until("the old supervisor has ended", func() error { return when(dead(old)) })
			same(c, "the outer keeper", c.outer(), outer)
			for _, p := range test.points {
				if fault.Armed(faults, p) {
					t.Errorf("nobody died at %s", p)
				}
			}
		})
	}
}

// A supervisor that is stopped, and cannot give what it has, is not waited for for ever.
func TestTheShelfOfAStoppedSupervisorIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "systemd-notify")
	faults := t.TempDir()
	c := newChain(t, fault.Variable+"="+faults)
	c.add(c.speaking("web", strings.Join([]string{
		"systemd-notify --ready", c.awaits("web", "go"), "systemd-notify --status=after", "exec sleep 1000",
	}, "\n")))
	c.launch()
	c.start("web")
	before := c.status("web").PID
	outer, inner, old := c.settled()
	c.check(fault.Arm(faults, fault.SupervisorOrphaned, "STOP"))
	c.killAtOnce(outer, inner)
	c.until("the supervisor has made room", func() error { return when(!fault.Armed(faults, fault.SupervisorOrphaned)) })
	c.launch()
	c.signal(old, syscall.SIGKILL)
	c.until("the old supervisor is dead", func() error { return when(dead(old)) })
	c.allow("web", "go")
	c.tells("web", "after")
	same(c, "its pid", c.status("web").PID, before)
	c.replaceSupervisor()
}
