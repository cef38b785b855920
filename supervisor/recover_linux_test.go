package supervisor_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tend"
	"tend/internal/fault"
)

// company is a service in each of the situations that a supervisor may leave behind.
type company struct {
	*chain
	before map[string]tend.Status
}

func newCompany(t *testing.T, env ...string) *company {
	c := &company{newChain(t, env...), map[string]tend.Status{}}
	c.add(c.definition("silent"))
	c.add(c.definition("writer", "-lines", "3ms"))
	leaver := c.definition("leaver", "-code", "7")
	leaver.Restart = tend.RestartNo
	c.add(leaver)
	again := c.definition("again", "-code", "8")
	again.Restart = tend.RestartAlways
	c.add(again)
	patient := c.definition("unready")
	patient.Ready = tend.Check{Kind: tend.CheckAlive, After: tend.Duration(time.Hour)}
	c.add(patient)
	failing := c.definition("failing", "-fail", "-code", "3")
	failing.Backoff = tend.Backoff{Min: tend.Duration(time.Hour), Max: tend.Duration(time.Hour)}
	c.add(failing)
	stubborn := c.definition("stubborn", "-stubborn")
	stubborn.Stop = tend.StopSchedule{{Signal: "TERM", Wait: tend.Duration(stubbornFor)}, {Signal: "KILL", Wait: tend.Duration(5 * time.Second)}}
	c.add(stubborn)
	return c
}

// stubbornFor is how long a stop of stubborn waits before it sends SIGKILL.
const stubbornFor = 3 * time.Second

// gather starts them and brings each into its situation.
func (c *company) gather() {
	c.launch()
	c.start("silent", "writer", "leaver", "again", "stubborn")
	go c.try(tend.Request{Command: tend.CommandStart, Words: []string{"unready"}}) // answered when it is stopped
	c.do(tend.CommandStart, "failing")
	c.reaches("failing", tend.PhaseBackoff)
	go c.try(tend.Request{Command: tend.CommandStop, Words: []string{"stubborn"}})
	c.until("stubborn has had its SIGTERM", func() error { return when(len(c.noted("stubborn", "terms")) == 1) })
	c.reaches("unready", tend.PhaseStarting)
	c.until("unready has begun", func() error { return when(len(c.noted("unready", "ready")) == 1) })
	for _, name := range []string{"silent", "writer", "leaver", "again", "unready", "failing", "stubborn"} {
		c.before[name] = c.status(name)
	}
}

// inTheGap has leaver and again end while nobody supervises.
func (c *company) inTheGap() {
	for _, name := range []string{"leaver", "again"} {
		pid := c.before[name].PID
		c.signal(pid, syscall.SIGUSR1)
		c.until(name+" has ended", func() error { return when(dead(pid)) })
	}
}

// asBefore checks that everything goes on as if nothing had been.
func (c *company) asBefore(exitsKnown bool) {
	c.Helper()
	for _, name := range []string{"silent", "writer", "unready", "failing", "stubborn"} {
		was, is := c.before[name], c.status(name)
		if name == "stubborn" && time.Since(was.Since) >= stubbornFor {
			continue // on a busy machine its stop is over by now; see stopGoesOn
		}
		same(c.chain, name+"'s state", is.State, was.State)
		same(c.chain, name+"'s pid", is.PID, was.PID)
		same(c.chain, name+"'s run", is.Run, was.Run)
		same(c.chain, name+"'s wish", is.Wanted, was.Wanted)
		same(c.chain, name+"'s next try", is.NextTry.UnixNano(), was.NextTry.UnixNano())
		same(c.chain, name+"'s restarts", is.Restarts, was.Restarts)
		if name != "failing" {
			c.lived(name, 1)
		}
	}
	c.lived("failing", 2)
	if is := c.reaches("leaver", tend.PhaseFailed); exitsKnown && (is.LastExit == nil || *is.LastExit != tend.Exit{Code: 7}) {
		c.Errorf("leaver's exit is %v, should be status 7", is.LastExit)
	}
	c.until("again has come back", func() error { return when(c.status("again").PID != c.before["again"].PID) })
	is := c.reaches("again", tend.PhaseRunning)
	if exitsKnown && (is.LastExit == nil || *is.LastExit != tend.Exit{Code: 8}) {
		c.Errorf("again's exit is %v, should be status 8", is.LastExit)
	}
	c.lived("leaver", 1)
	c.lived("again", 2)
	for name, code := range map[string]int{"leaver": 7, "again": 8} {
		runs := c.runs(name)
		if run := runs[len(runs)-1]; run.EndedAt.IsZero() || run.Exit == nil || exitsKnown && *run.Exit != (tend.Exit{Code: code}) {
			c.Errorf("the first run of %s: %+v", name, run)
		}
	}
	c.wholeLog("writer")
}

// stopGoesOn waits for the end of the stop that was under way: at the time that was planned, after one SIGTERM only.
func (c *company) stopGoesOn() {
	c.Helper()
	c.reaches("stubborn", tend.PhaseStopped)
	run := c.runs("stubborn")[0]
	if terms := c.noted("stubborn", "terms"); len(terms) != 1 || run.Exit == nil || run.Exit.Signal != "KILL" {
		c.Errorf("stubborn got %d SIGTERM and %v; should be 1 and SIGKILL", len(terms), run.Exit)
	}
	if took := run.EndedAt.Sub(c.before["stubborn"].Since); took < stubbornFor {
		c.Errorf("stopping stubborn took %s, should be %s", took, stubbornFor)
	}
	c.lived("stubborn", 1)
}

// Each of our own processes, each pair, and all three are killed, with something ending meanwhile.
func TestEverythingGoesOnAfterSIGKILL(t *testing.T) {
	for _, victims := range []string{"supervisor", "inner", "outer", "supervisor inner", "supervisor outer", "outer inner", "outer inner supervisor"} {
		t.Run(strings.ReplaceAll(victims, " ", "+"), func(t *testing.T) {
			t.Parallel()
			c := newCompany(t)
			c.gather()
			pids := map[string]int{"outer": c.outer(), "inner": c.inner(), "supervisor": c.supervisor()}
			killed := strings.Fields(victims)
			var frozen []int // so that nobody supervises while services end
			for _, name := range []string{"outer", "inner"} {
				if !slices.Contains(killed, name) {
					frozen = append(frozen, pids[name])
					c.signal(pids[name], syscall.SIGSTOP)
				}
			}
			var dying []int
			for _, name := range killed {
				dying = append(dying, pids[name])
			}
			c.killAtOnce(dying...)
			c.inTheGap()
			for _, pid := range frozen {
				c.signal(pid, syscall.SIGCONT)
			}
			keeperLeft := !slices.Contains(killed, "outer") || !slices.Contains(killed, "inner")
			if len(killed) == 3 {
				c.launch()
				same(c.chain, "leaver's state at once", c.status("leaver").State, tend.PhaseFailed)
			}
			c.asBefore(keeperLeft)
			c.stopGoesOn()
		})
	}
}

func TestTenSupervisorsAreKilledInARow(t *testing.T) {
	t.Run("", func(t *testing.T) { tenSupervisorsAreKilled(t) })
	t.Run("without pidfds", func(t *testing.T) { tenSupervisorsAreKilled(t, "TEND_WITHOUT=pidfd,pidfd_exit") })
}

func tenSupervisorsAreKilled(t *testing.T, env ...string) {
	t.Parallel()
	c := newCompany(t, env...)
	c.gather()
	inner := c.inner()
	for range 10 {
		supervisor := c.supervisor()
		c.signal(supervisor, syscall.SIGKILL)
		c.until("another supervisor is there", func() error { return when(c.supervisor() != supervisor) })
		same(c.chain, "silent's pid", c.status("silent").PID, c.before["silent"].PID)
	}
	same(c.chain, "the inner keeper", c.inner(), inner)
	c.inTheGap()
	c.asBefore(true)
	c.stopGoesOn()
}

var errNotYet = fmt.Errorf("not yet")

func when(b bool) error {
	if b {
		return nil
	}
	return errNotYet
}

// Services end one after the other while supervisors are killed one after the other: nobody's exit status is lost.
func TestEveryExitIsKnownHoweverManySupervisorsDie(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	const services = 24
	var names []string
	for i := range services {
		s := c.definition(fmt.Sprint("s", i), "-code", fmt.Sprint(100+i))
		s.Restart = tend.RestartNo
		c.add(s)
		names = append(names, s.Name)
	}
	c.launch()
	c.start(names...)
	pids := make([]int, services)
	for i, name := range names {
		pids[i] = c.status(name).PID
	}
	for i, pid := range pids {
		c.signal(pid, syscall.SIGUSR1)
		if i%3 == 0 {
			c.until("it has ended", func() error { return when(dead(pid)) })
			supervisor := c.supervisor()
			c.signal(supervisor, syscall.SIGKILL)
			c.until("it is dead", func() error { return when(dead(supervisor)) }) // or the next to be killed were the same
		}
	}
	for i, name := range names {
		c.reaches(name, tend.PhaseFailed)
		if exit := c.runs(name)[0].Exit; exit == nil || *exit != (tend.Exit{Code: 100 + i}) {
			t.Errorf("%s ended by %v", name, exit)
		}
		c.lived(name, 1)
	}
}

// The chain dies in the middle of a mass start, when some runs have their process, some are being made and some wait.
func TestTheChainDiesInAMassStart(t *testing.T) {
	for victims, pick := range map[string]func(c *chain) []int{
		"supervisor": func(c *chain) []int { return []int{c.supervisor()} },
		"inner":      func(c *chain) []int { return []int{c.inner()} },
		"keepers":    func(c *chain) []int { return []int{c.outer(), c.inner()} },
		"all":        func(c *chain) []int { return []int{c.outer(), c.inner(), c.supervisor()} },
	} {
		t.Run(victims, func(t *testing.T) {
			t.Parallel()
			c := newChain(t)
			var names []string
			for i := range 30 {
				s := c.definition(fmt.Sprint("s", i))
				c.add(s)
				names = append(names, s.Name)
			}
			c.launch()
			pids := pick(c)
			answer := make(chan error)
			go func() {
				_, err := c.try(tend.Request{Command: tend.CommandStart, All: true})
				answer <- err
			}()
			c.until("the first is born", func() error { return when(len(c.noted("s0", "lives")) > 0) })
			for _, pid := range pids {
				c.signal(pid, syscall.SIGKILL)
			}
			if err := <-answer; err != nil {
				t.Error(err)
			}
			c.launch()
			for _, name := range names {
				c.reaches(name, tend.PhaseRunning)
				c.lived(name, 1)
			}
		})
	}
}

// The main process ends on SIGTERM and what it has started does not: the next supervisor must not take the tree for gone
// because its main process is.
func TestTheStopOfATreeGoesOnAfterSIGKILL(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	d := c.definition("tree")
	file := filepath.Join(c.place("tree"), "left")
	d.Shell, d.CommandLine = true, `(trap "" TERM; exec setsid sleep 1000) & echo $! > `+file+`; wait`
	d.Stop = schedule(step("TERM", 3*time.Second), step("KILL", 5*time.Second))
	c.add(d)
	c.add(c.definition("other")) // for which the supervisor stays
	c.launch()
	c.start("tree", "other")
	var left int
	c.until("it has a tree", func() error {
		text, err := os.ReadFile(file)
		if err == nil {
			left, err = strconv.Atoi(strings.TrimSpace(string(text)))
		}
		return err
	})
	began := time.Now()
	go c.try(tend.Request{Command: tend.CommandStop, Words: []string{"tree"}})
	c.until("its main process has ended", func() error { return when(c.state("tree").Begun && c.state("tree").Main.IsZero()) })
	for range 3 {
		supervisor := c.supervisor()
		c.signal(supervisor, syscall.SIGKILL)
		c.until("another supervisor is there", func() error { return when(c.supervisor() != supervisor) })
		c.status("tree")
	}
	if phase := c.state("tree").Phase; (phase != tend.PhaseStopping || dead(left)) && time.Since(began) < 3*time.Second {
		t.Errorf("it is %s while process %d of it is to live: dead %v", phase, left, dead(left))
	}
	c.reaches("tree", tend.PhaseStopped)
	if !dead(left) {
		t.Errorf("it is stopped, and process %d of it lives", left)
	}
}

// Whether the supervisor is killed just before or just after it sends the signals of a stop: each process gets one SIGTERM,
// and the stop does not wait for SIGKILL.
func TestEachIsToldToEndOnce(t *testing.T) {
	for _, point := range []fault.Point{fault.SupervisorCommitting, fault.SupervisorCommitted, fault.SupervisorSignalled} {
		t.Run(string(point), func(t *testing.T) {
			t.Parallel()
			faults := t.TempDir()
			c := newChain(t, fault.Variable+"="+faults)
			d := c.definition("neat", "-stubborn")
			d.Stop = schedule(step("TERM", 2*time.Second), step("KILL", 5*time.Second))
			c.add(d)
			tree := c.definition("tree")
			tree.Shell, tree.CommandLine = true, `setsid sleep 1000 & trap "exit 0" TERM; : > `+filepath.Join(c.place("tree"), "up")+`; wait`
			tree.Stop = schedule(step("TERM", time.Hour))
			c.add(tree)
			c.launch()
			c.start("neat", "tree")
			c.until("the tree is there", func() error { _, err := os.Stat(filepath.Join(c.place("tree"), "up")); return err })
			for _, name := range []string{"tree", "neat"} {
				c.check(fault.Arm(faults, point, ""))
				go c.try(tend.Request{Command: tend.CommandStop, Words: []string{name}, Since: time.Now()})
				c.until("the supervisor has died", func() error { return when(!fault.Armed(faults, point)) })
				c.until("it has been stopped", func() error {
					_, err := c.try(tend.Request{Command: tend.CommandStop, Words: []string{name}})
					return err
				})
				c.reaches(name, tend.PhaseStopped)
			}
			if terms := c.noted("neat", "terms"); len(terms) != 1 {
				t.Errorf("it got %d SIGTERM", len(terms))
			}
			if _, err := os.Lstat(filepath.Join(c.dir, "told")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("nothing is being stopped, and there is a note of it: %v", err)
			}
		})
	}
}

// What has survived its whole stop schedule is sent nothing more by the supervisors to come, until somebody asks again.
func TestWhatHasSurvivedIsLeftAlone(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	d := c.definition("immortal", "-stubborn")
	d.Stop = schedule(step("TERM", 50*time.Millisecond))
	c.add(d)
	c.add(c.definition("other"))
	c.launch()
	c.start("immortal")
	if p := c.do(tend.CommandStop, "immortal")["immortal"]; p.Kind != tend.ProgressFailed {
		t.Errorf("the stop of what survives: %+v", p)
	}
	for range 2 {
		c.replaceSupervisor()
		c.start("other")
		c.do(tend.CommandStop, "other") // looks for its processes after those of what was taken over were looked for
	}
	same(c, "SIGTERMs", len(c.noted("immortal", "terms")), 1)
	_, _ = c.try(tend.Request{Command: tend.CommandStop, Words: []string{"immortal"}})
	same(c, "SIGTERMs", len(c.noted("immortal", "terms")), 2)
	c.signal(c.status("immortal").PID, syscall.SIGKILL)
	c.reaches("immortal", tend.PhaseStopped)
}
