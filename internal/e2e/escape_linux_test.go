package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tend/internal/testenv"
	"tend/process"
)

// held reports whether any process that a program of testdata/escape.py has started lives: all of them share its lock.
func held(t testing.TB, file string) bool {
	t.Helper()
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil
}

// Each is what a service may do not to be found; see testdata/escape.py.
var (
	escapes = []string{"ignores", "double fork", "double fork, main ends", "relay", "relay, main stays", "relay, new sessions", "relays",
		"traced", "stopped", "executes itself", "calls itself tend", "thousand", "drops all", "drops all but its parent",
		"drops all but its parent, ignores", "spawns"}
	// lost are those of which, without a cgroup and by what else is missing, nothing tells whose they are.
	lost = map[string][]string{
		"cgroup":                  {"drops all"},
		"cgroup,pidfd,pidfd_exit": {"drops all"},
		"cgroup,mark":             {"drops all", "double fork", "double fork, main ends", "executes itself"},
	}
)

func TestStopEndsWhatEscapes(t *testing.T) {
	for without, names := range map[string][]string{
		"":                        escapes,
		"cgroup":                  escapes,
		"cgroup,pidfd,pidfd_exit": {"relay", "relay, new sessions", "traced", "stopped", "drops all", "spawns"},
		"cgroup,mark": {"relay", "relays", "double fork", "executes itself", "drops all", "drops all but its parent",
			"drops all but its parent, ignores"},
	} {
		for _, name := range names {
			t.Run(name+", without "+without, func(t *testing.T) {
				t.Parallel()
				w, file := escaping(t, name, without)
				unseen := slices.Contains(lost[without], name) || without == "" && name == "drops all" && !process.Probe().Has("cgroup")
				r := w.tend("stop", "escaper")
				switch lives := held(t, file); {
				case lives && !unseen:
					t.Errorf("something lives after %s", r)
				case lives:
					r.is(1).complains("escaper is stopped, but process", "kill ")
					eventually(t, "it is killed", func() bool { // in the middle of execve(2) nothing tells whose it is
						for _, p := range w.processes() {
							if p.Command != "tend" {
								kill(p.Identity)
								awaitEnd(t, p.Identity)
							}
						}
						return !held(t, file)
					})
				default:
					r.ok()
				}
			})
		}
	}
}

// escaping starts a service that does what the name says, and waits until all of it is there.
func escaping(t *testing.T, name, without string, by ...string) (w *world, file string) {
	t.Helper()
	testenv.Need(t, "python3")
	script, err := filepath.Abs("testdata/escape.py")
	if err != nil {
		t.Fatal(err)
	}
	w = newWorld(t)
	if without != "" {
		w.environ = append(w.environ, "TEND_WITHOUT="+without)
	}
	file = w.work + "/held"
	// one that has left nothing behind but what cannot be seen counts as ended
	r := w.tend("run", "--restart", "no", "--stop", "TERM/0.2/KILL/10", "escaper", "--", "python3", "-S", "-E", script, file, name)
	t.Log(r)
	eventually(t, "it has begun", func() bool { _, err := os.Stat(file + ".ready"); return err == nil })
	return w, file
}

func TestStopEndsAContainer(t *testing.T) {
	testenv.Need(t, "bwrap")
	for _, without := range []string{"", "cgroup", "cgroup,mark"} {
		t.Run("without "+without, func(t *testing.T) {
			t.Parallel()
			w, file := escaping(t, "container", without)
			w.tend("stop", "escaper").ok()
			if held(t, file) {
				t.Error("something in the container lives")
			}
		})
	}
}

// Nobody else is touched: neither who looks the same nor who was started from within.
func TestStopEndsNoOtherTend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.dir + "/db/other.sqlite"
	inside := "export TEND_RUNTIME=" + w.runtime + " SERVER_FILE=" + other + "; " + program + " run inner -- sleep 5401; exec sleep 1000"
	w.up("outer", "--", "sh", "-c", inside)
	inner := w.lives("sleep", "5401")
	w.down("outer")
	if !alive(inner) {
		t.Error("stopping a service has ended what another tend keeps")
	}
	r := w.by(func(c *exec.Cmd) { c.Env = append(c.Env, "SERVER_FILE="+other) }, program, "stop", "inner").ok()
	if !strings.Contains(r.stdout, "inner is stopped") || alive(inner) {
		t.Errorf("%s", r)
	}
	w.expected = append(w.expected, "db/other.sqlite", "db/other.sqlite-logs", "db/other.sqlite-logs/*.log")
}
