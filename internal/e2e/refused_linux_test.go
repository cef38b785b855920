package e2e

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"tend"
)

func fifo(t testing.TB, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What cannot be executed is said at once, by name.
func TestWhatCannotBeExecuted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	write(t, w.work+"/data", "no program", 0o644)
	write(t, w.work+"/script", "#!/no/such/interpreter\n", 0o755)
	write(t, w.work+"/garbage", "\x00\x01\x02", 0o755)
	if err := os.Mkdir(w.work+"/directory", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ program, complaint string }{
		"missing-in-path": {"no-such-program", `"no-such-program": no such program in PATH`},
		"missing":         {"/no/such/program", `"/no/such/program": no such file or directory`},
		"missing-here":    {"./missing", `"./missing": no such file or directory`},
		"no-permission":   {"./data", `"./data": permission denied`},
		"a-directory":     {"./directory", `"./directory": it is a directory`},
		"interpreter":     {"./script", `interpreter "/no/such/interpreter" does not exist`},
		"garbage":         {"./garbage", `it is neither a program for this machine nor a script`},
		"below-a-file":    {"./data/program", `"./data/program": not a directory`},
	} {
		w.tend("add", name, "--", test.program, "x").ok()
		r := w.tend("start", name).is(1).complains(name+" could not be started: ", test.complaint, "not started again by itself")
		if r.stdout != "Starting "+name+" ...\n" {
			t.Errorf("it says %s", r)
		}
		s := w.status(name)
		if s.State != tend.PhaseFailed || s.PID != 0 || s.LastExit == nil || s.LastExit.Error == "" || s.Restarts != 0 {
			t.Errorf("%s is %+v", name, s)
		}
	}
	// what was missing comes later
	write(t, w.work+"/missing", "#!/bin/sh\nexec sleep 1000\n", 0o755)
	w.tend("start", "missing-here").ok()
	w.down("missing-here")
}

// What was there when the service was added, and has gone since.
func TestWhatHasGoneSinceItWasAdded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, dir := range []string{"dir", "in", "out"} {
		if err := os.Mkdir(w.work+"/"+dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, w.work+"/in/file", "x", 0o600)
	w.tend("add", "-w", "dir", "directory", "sleep 1000").ok()
	w.tend("add", "-i", "in/file", "input", "sleep 1000").ok()
	w.tend("add", "-o", "out/file", "output", "sleep 1000").ok()
	for _, dir := range []string{"dir", "in", "out"} {
		if err := os.RemoveAll(w.work + "/" + dir); err != nil {
			t.Fatal(err)
		}
	}
	for name, path := range map[string]string{"directory": "/dir", "input": "/in/file", "output": "/out/file"} {
		w.tend("start", name).is(1).complains(name+" could not be started: cannot ", w.work+path, "not started again by itself")
	}
	if err := os.Mkdir(w.work+"/dir", 0o700); err != nil {
		t.Fatal(err)
	}
	w.tend("start", "directory").ok()
	// and one that goes while the service runs does not matter to it
	if err := os.Remove(w.work + "/dir"); err != nil {
		t.Fatal(err)
	}
	w.running("directory")
	w.down("directory")
}

func TestExitStatuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tend("status", "web").is(4)
	w.tend("add", "web", "sleep 1000").ok().says("Added web")
	w.tend("status", "web").is(3)
	w.tend("stop", "web").ok().says("Stopping web ...", "... service web is already stopped")
	w.tend("start", "web").ok().says("Starting web ...", "... started web")
	w.tend("status", "web").is(0)
	id := w.running("web")
	w.tend("start", "web").ok().says("Starting web ...", "... web already running with PID "+pidText(id))
	for _, command := range []string{"status", "start", "stop", "restart", "remove"} {
		w.tend(command, "wbe").is(4).complains("wbe", "web")
		w.tend(command).is(2)
	}
	w.tend("add", "web", "sleep 1").is(5).complains("there is a service web already")
	w.tend("remove", "web").is(5).complains("--stop")
	w.tend("initialize", "--yes").is(5).complains("web")
	w.tend("start", "--nope", "web").is(2)
	w.tend("frobnicate").is(2).complains("Unrecognized command")
	if again := w.running("web"); again != id {
		t.Errorf("the refused commands did something: %v and %v", id, again)
	}
	w.tend("status", "web", "wbe").is(4)
	w.tend("add", "db", "sleep 1000").ok()
	w.tend("status", "web", "db").is(3)
	w.tend("remove", "--stop", "--all").ok()
	w.tend("list").ok().says("No processes")
	if alive(id) {
		t.Errorf("process %d lives", id.PID)
	}
}

// A restart uses today's definition, and so does the next run after a crash; what runs keeps what it was started with.
func TestTodaysDefinition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.up("web", "--", "sleep", "1001")
	w.tend("run", "web", "--", "sleep", "1001").ok().says("Starting web ...", "... web already running with PID "+pidText(first))
	r := w.tend("run", "web", "--", "sleep", "1002").ok()
	r.says("Changed web: command; it is restarted", "Stopping web ...", "... sending SIGTERM to "+pidText(first), "... web is stopped", "Starting web ...", "... started web")
	second := w.running("web")
	if alive(first) || strings.Join(wordsOf(t, second), " ") != "sleep 1002" {
		t.Errorf("it is %q; the first lives: %v", wordsOf(t, second), alive(first))
	}
	w.tend("stop", "web").ok()
	w.tend("run", "--env", "NEW=1", "web", "--", "sleep", "1003").ok().says("Changed web: command, environment", "Starting web ...", "... started web")
	third := w.running("web")
	if strings.Join(wordsOf(t, third), " ") != "sleep 1003" || !strings.Contains(strings.Join(environment(t, third.PID), " "), "NEW=1") {
		t.Errorf("it is %q with %q", wordsOf(t, third), environment(t, third.PID))
	}
	r = w.tend("restart", "web").ok()
	r.says("Stopping web ...", "... sending SIGTERM to "+pidText(third), "... web is stopped", "Starting web ...", "... started web")
	if alive(third) {
		t.Error("the third lives")
	}
	w.down("web")
}
