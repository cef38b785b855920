package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tend"
	"tend/process"
)

// What tend promises of its own death, whatever the kernel has.

// subsets are all ways to choose among tend's processes.
var subsets = []string{"supervisor", "inner", "outer", "supervisor inner", "supervisor outer", "inner outer", "supervisor inner outer"}

// fleet is a service of every kind that a kill of ours must not touch.
type fleet struct {
	*world
	steady map[string]tend.Identity // those that live through everything
	next   int                      // the next of those that end when they are told to
}

const (
	quiet, chatty, forking = "quiet", "chatty", "forking"
	enders                 = 14
)

// newFleet starts the steady ones, and adds some that end with a status that is known before.
func newFleet(w *world) *fleet {
	w.t.Helper()
	f := &fleet{world: w, steady: map[string]tend.Identity{}}
	w.tend("add", forking, "--", "sh", "-c", "sleep 1001 & (setsid sleep 1002 &); exec sleep 1000").ok()
	f.obedient(quiet, 0)
	f.obedient(chatty, 0, "3ms")
	for i := range enders {
		f.obedient(ender(i), 10+i)
	}
	w.tend("start", forking, quiet, chatty).ok()
	stand := w.list()
	for _, name := range []string{quiet, chatty, forking} {
		f.steady[name] = identify(w.t, stand[name].PID)
	}
	return f
}

// list tells how all services stand.
func (w *world) list() map[string]tend.Status {
	w.t.Helper()
	var l list
	r := w.tend("list", "--json")
	if err := json.Unmarshal([]byte(r.stdout), &l); err != nil {
		w.t.Fatalf("%v: %s", err, r)
	}
	found := map[string]tend.Status{}
	for _, s := range l.Services {
		found[s.Name] = s
	}
	return found
}

func ender(i int) string { return fmt.Sprint("ender", i) }

// obedient adds a service that runs obey.
func (w *world) obedient(name string, code int, more ...string) {
	w.t.Helper()
	dir := filepath.Join(w.work, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		w.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	w.tend(append([]string{"add", "--restart", "no", "--ready", "alive:20ms", name, "--", self, "obey", dir, strconv.Itoa(code)}, more...)...).ok()
}

// noted are the pids in one of the files that obey writes.
func (w *world) noted(name, file string) []string {
	text, _ := os.ReadFile(filepath.Join(w.work, name, file))
	return strings.Fields(string(text))
}

// chain returns tend's own processes, by their role.
func (w *world) chain() map[string]tend.Identity {
	w.t.Helper()
	found := map[string]tend.Identity{}
	for _, p := range w.processes() {
		switch line := strings.Join(p.words, " ") + " "; {
		case strings.HasPrefix(line, "tend keep --inner "):
			found["inner"] = p.Identity
		case strings.HasPrefix(line, "tend keep "):
			found["outer"] = p.Identity
		case strings.HasPrefix(line, "tend supervise "):
			found["supervisor"] = p.Identity
		}
	}
	return found
}

// wholeChain returns all three: where the last kill has left fewer for good, another chain takes their place.
func (w *world) wholeChain() map[string]tend.Identity {
	w.t.Helper()
	w.tend("list").ok()
	chain := w.chain()
	for len(chain) < 3 {
		for _, id := range chain {
			kill(id)
			awaitEnd(w.t, id)
		}
		w.tend("list").ok()
		chain = w.chain()
	}
	return chain
}

// survives kills every subset of tend's own processes, with services ending right before and right after, and demands that nothing
// is lost. How those ended must be known, unless unknown allows what nobody can know; it must never be wrong.
func (f *fleet) survives(unknown func(victims string) bool) {
	f.t.Helper()
	for _, victims := range subsets {
		f.kills(victims, unknown(victims))
	}
	f.intact("in the end")
	f.wholeLog(chatty)
}

func (f *fleet) kills(victims string, unknown bool) {
	f.t.Helper()
	chain := f.wholeChain()
	before, after := f.ending(), f.ending() // below the present keepers
	usr1(before.main)
	for _, role := range strings.Fields(victims) {
		kill(chain[role])
	}
	usr1(after.main)
	for _, e := range []ending{before, after} {
		awaitEnd(f.t, e.main)
	}
	if len(strings.Fields(victims)) < 3 {
		eventually(f.t, victims+" killed: a supervisor and its keeper are there by themselves", func() bool {
			chain := f.chain()
			return len(chain) >= 2 && !chain["supervisor"].IsZero()
		})
	}
	var stand map[string]tend.Status
	eventually(f.t, "both are known to have ended", func() bool {
		stand = f.list()
		return !stand[before.name].State.Live() && !stand[after.name].State.Live()
	})
	for _, e := range []ending{before, after} {
		s := stand[e.name]
		want := tend.Exit{Code: e.code}
		if s.LastExit == nil || *s.LastExit != want && !(unknown && *s.LastExit == tend.Exit{Unknown: true}) {
			f.t.Errorf("%s killed: %s exited with %d, tend says %v", victims, e.name, e.code, s.LastExit)
		}
	}
	f.intact("after " + victims)
}

// ending is a service that is about to end.
type ending struct {
	name string
	main tend.Identity
	code int
}

func (f *fleet) ending() ending {
	f.t.Helper()
	f.tend("start", ender(f.next)).ok()
	e := ending{ender(f.next), f.running(ender(f.next)), 10 + f.next}
	eventually(f.t, e.name+" is ready", func() bool { return len(f.noted(e.name, "ready")) > 0 })
	f.next++
	return e
}

func usr1(id tend.Identity) { _ = process.Signal(id, "USR1") }

// intact demands that those who are to live do, as they were, and that there never was a second copy of anybody.
func (f *fleet) intact(when string) {
	f.t.Helper()
	stand := f.list()
	for name, id := range f.steady {
		if s := stand[name]; s.State != tend.PhaseRunning || s.PID != id.PID || !alive(id) {
			f.t.Errorf("%s: %s is %s as process %d, it was %d", when, name, s.State, s.PID, id.PID)
		}
	}
	for i := range f.next {
		f.once(ender(i))
	}
	f.once(quiet)
	f.once(chatty)
}

func (f *fleet) once(name string) {
	f.t.Helper()
	if lives := f.noted(name, "lives"); len(lives) != 1 {
		f.t.Errorf("%s has lived as %v", name, lives)
	}
}

// wholeLog demands that no line of the service is missing, torn or doubled.
func (w *world) wholeLog(name string) {
	w.t.Helper()
	text := read(w.t, filepath.Join(w.database+"-logs", name+".log"))
	lines := strings.Split(text, "\n")
	for i, line := range lines[:len(lines)-1] {
		if _, number, _ := strings.Cut(line, " "); number != strconv.Itoa(i+1) {
			w.t.Fatalf("line %d of the log of %s is %q", i+1, name, line)
		}
	}
}

// Stop and start again what has lived through it.
func (f *fleet) obeys() {
	f.t.Helper()
	f.tend("restart", forking).ok()
	if now := f.running(forking); now == f.steady[forking] || alive(f.steady[forking]) {
		f.t.Errorf("restart has left process %d, and now it is %d", f.steady[forking].PID, now.PID)
	}
	f.down(quiet)
	f.tend("start", quiet).ok()
	f.tend("stop", "--all").ok()
	for _, p := range f.processes() {
		if len(p.words) > 0 && p.words[0] != "tend" {
			f.t.Errorf("after stop --all: %s", p)
		}
	}
}

// The test process reaps nobody: the statuses of what falls to it can be read for ever.
func TestKillsWithoutMechanisms(t *testing.T) {
	t.Parallel()
	var names []string
	for _, c := range process.Probe() {
		names = append(names, c.Name)
	}
	for _, without := range append(names, "", strings.Join(names, ",")) {
		t.Run("without "+without, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.environ = append(w.environ, "TEND_WITHOUT="+without)
			f := newFleet(w)
			f.survives(func(string) bool { // a child of the supervisor is reaped by it, and its status goes with it, also when it gives way
				return strings.Contains(without, "clone_parent")
			})
			f.obeys()
		})
	}
}

// Container runtimes and old kernels answer what they do not know with ENOSYS, profiles that forbid it with EPERM.
func TestKillsWhereTheKernelRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		errno syscall.Errno
		calls []string
	}{
		"all since Linux 3.10":       {unix.ENOSYS, []string{call(unix.SYS_SCHED_SETATTR) + "+"}},
		"the same, with EPERM":       {unix.EPERM, []string{"!" + call(unix.SYS_CLONE3), call(unix.SYS_SCHED_SETATTR) + "+"}}, // glibc, in our services, needs it
		"signals by pidfd":           {unix.ENOSYS, []string{call(unix.SYS_PIDFD_SEND_SIGNAL), call(unix.SYS_EPOLL_PWAIT2)}},
		"unshare and limits":         {unix.EPERM, []string{call(unix.SYS_UNSHARE), call(unix.SYS_PRLIMIT64), call(unix.SYS_SETRLIMIT), call(unix.SYS_GETRLIMIT)}},
		"inotify":                    {unix.EMFILE, []string{call(unix.SYS_INOTIFY_INIT1)}},
		"inotify and pidfds":         {unix.ENOSYS, []string{call(unix.SYS_INOTIFY_INIT1), call(unix.SYS_PIDFD_OPEN)}},
		"prctl, and with it reapers": {unix.EPERM, []string{call(unix.SYS_PRCTL)}},
	} {
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.refusing(test.errno, test.calls...)
			f := newFleet(w)
			f.survives(neverUnknown)
			f.obeys()
		})
	}
}

func neverUnknown(string) bool { return false }

func TestAMisnamedMechanismIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tend("add", "web", "--", "sleep", "1000").ok()
	right := w.environ
	w.environ = append(slices.Clone(right), "TEND_WITHOUT=mark,pidfs")
	w.tend("start", "web").is(2).complains(`TEND_WITHOUT names "pidfs"`, "it may name ", "pidfd")
	w.environ = right
	if s := w.status("web"); s.State != tend.PhaseStopped || len(w.chain()) != 0 {
		t.Errorf("it is %s, and of tend %v runs", s.State, w.chain())
	}
}
