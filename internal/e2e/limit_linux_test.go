package e2e

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tend"
	"tend/internal/testenv"
	"tend/process"
)

// What tend promises where it may have little of everything.

// within has every command of this world, and so all that tend starts, run under a limit, as sh sets it.
func (w *world) within(limit string) {
	w.launcher = []string{"sh", "-c", limit + `; exec "$0" "$@"`}
}

// calm demands that tend's own processes do next to nothing for a while.
func (w *world) calm() {
	w.t.Helper()
	before := map[tend.Identity]time.Duration{}
	chain := w.chain()
	for _, id := range chain {
		before[id], _ = processorTime(id)
	}
	time.Sleep(2 * time.Second) // the time in which they might be busy
	for role, id := range chain {
		now, lives := processorTime(id) // one that has ended is tried again, after a pause
		if used := now - before[id]; lives && used > 300*time.Millisecond {
			w.t.Errorf("%s is busy: %v of the processor in two seconds", role, used)
		}
	}
}

// processorTime is what a process has used of the processors.
func processorTime(id tend.Identity) (used time.Duration, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id.PID))
	if err != nil {
		return 0, false
	}
	var user, system int64
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // from the third on, see proc_pid_stat(5)
	fmt.Sscan(fields[11], &user)
	fmt.Sscan(fields[12], &system)
	return time.Duration(user+system) * 10 * time.Millisecond, alive(id)
}

// A hundred services, and pidfds for few of them.
func TestFewDescriptors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.within("ulimit -n 64")
	crowd := w.crowd(100)
	w.tend(append([]string{"start"}, crowd...)...).ok()
	f := newFleet(w)
	before := w.list()
	for _, name := range crowd {
		f.steady[name] = identify(t, before[name].PID)
	}
	f.survives(neverUnknown)
	for _, name := range []string{crowd[1], crowd[99]} { // one that is watched, perhaps, and one that is not
		kill(f.steady[name])
		w.restarted(name, f.steady[name])
	}
	w.calm()
	f.obeys()
}

// Fewer than it takes: it is said, nobody who runs is touched, and when there are more all of them run.
func TestTooFewDescriptors(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.within("ulimit -n 24")
	crowd := w.crowd(20)
	w.tend(append([]string{"start"}, crowd...)...).is(1).complains("too many open files", "tend is starting it again")
	w.launcher = nil
	before := map[string]tend.Identity{}
	for _, p := range w.processes() {
		if name := variable(p, "TEND_SERVICE"); name != "" {
			before[name] = p.Identity
		}
	}
	for chain := w.chain(); len(chain) > 0; chain = w.chain() { // whoever outlives another starts one in its place, with few descriptors
		for _, id := range chain {
			kill(id)
		}
		for _, id := range chain {
			awaitEnd(t, id)
		}
	}
	eventually(t, "all run", func() bool {
		for _, s := range w.list() {
			if s.State != tend.PhaseRunning {
				return false
			}
		}
		return true
	})
	for name, s := range w.list() {
		if was := before[name]; !was.IsZero() && was.PID != s.PID {
			t.Errorf("%s was process %d, and is %d", name, was.PID, s.PID)
		}
	}
}

// variable returns what a process has in its environment by that name.
func variable(p seen, name string) string {
	env, _ := process.Environ(p.PID)
	value, _ := tend.Caller{Environ: env}.Getenv(name)
	return value
}

// crowd adds services that sleep: the first by a command, the others as it stands in the database.
func (w *world) crowd(n int) (names []string) {
	w.t.Helper()
	w.tend("add", "s0", "--ready", "alive:20ms", "--", "sleep", "1000").ok()
	copies := "CREATE TEMP TABLE c AS SELECT * FROM process WHERE name = 's0'; BEGIN;"
	for i := range n {
		names = append(names, fmt.Sprint("s", i))
		if i > 0 {
			copies += fmt.Sprintf("UPDATE c SET name = '%s'; INSERT INTO process SELECT * FROM c;", names[i])
		}
	}
	w.sql(copies + "COMMIT;")
	return names
}

// as has every command of this world run by another user, whose it becomes.
func (w *world) as(user int) {
	w.t.Helper()
	err := filepath.WalkDir(w.dir, func(path string, _ fs.DirEntry, err error) error { return cmp.Or(err, os.Chown(path, user, user)) })
	if err != nil {
		w.t.Fatal(err)
	}
	id := strconv.Itoa(user)
	w.launcher = []string{"setpriv", "--reuid", id, "--regid", id, "--clear-groups"}
}

// No more processes are to be had, nor threads: nothing that runs is touched, and all of it comes back when there is room.
func TestNoMoreProcesses(t *testing.T) {
	t.Parallel()
	testenv.NeedRoot(t)
	testenv.Need(t, "setpriv", "prlimit")
	for _, victims := range subsets[:3] {
		t.Run(victims, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.crashes = true // the runtime cannot do without a thread
			w.as(40000 + os.Getpid()%10000*2 + len(victims)%2)
			w.tend("run", "one", "--", "sleep", "1000").ok()
			w.tend("add", "two", "--", "sleep", "1000").ok()
			one, chain := w.running("one"), w.wholeChain()
			limit := func(most string) {
				for _, id := range chain {
					if alive(id) {
						w.by(func(*exec.Cmd) {}, append(slices.Clone(w.launcher), "prlimit", "--pid", pidText(id), "--nproc="+most+":")...).ok()
					}
				}
			}
			limit("1")
			w.tend("start", "two").is(1).complains("resource temporarily unavailable", "tend is starting it again")
			kill(w.chain()[victims])
			w.calm()
			if !alive(one) {
				t.Error("one has ended")
			}
			limit("4096")
			w.tend("start", "two").ok()
			w.running("two")
			if now := w.running("one"); now != one {
				t.Errorf("one is process %d, it was %d", now.PID, one.PID)
			}
		})
	}
}
