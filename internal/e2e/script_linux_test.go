package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"tend"
	"tend/internal/testenv"
	"tend/process"
)

// sql runs statements with the plain sqlite3 program and returns what it prints.
func (w *world) sql(statements string) string {
	w.t.Helper()
	cmd := exec.Command("sqlite3", "-cmd", ".timeout 10000", w.database)
	cmd.Stdin = strings.NewReader(statements)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("sqlite3: %s: %v\n%s", statements, err, out)
	}
	return strings.TrimSuffix(string(out), "\n")
}

// scriptWorld is a world whose database was made by the 2008 script.
func scriptWorld(t testing.TB) *world {
	t.Helper()
	testenv.Need(t, "sqlite3")
	w := newWorld(t)
	dump := read(t, "testdata/script-2008.sql")
	w.sql(strings.ReplaceAll(dump, "/tmp/script-web.out", w.work+"/web.out"))
	if err := os.Chmod(w.database, 0o600); err != nil {
		t.Fatal(err)
	}
	w.expected = append(w.expected, "db/s.sqlite-before-tend")
	return w
}

// byHand starts a program as somebody else than tend would, in a directory, and sees to its end.
func byHand(t testing.TB, dir string, words ...string) tend.Identity {
	t.Helper()
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	id := identify(t, cmd.Process.Pid)
	t.Cleanup(func() { kill(id); <-ended })
	eventually(t, "it is executed", func() bool { return strings.HasSuffix(link(t, id.PID, "exe"), words[0]) })
	return id
}

// row is what the script's columns say of a service.
func (w *world) row(name string) string {
	w.t.Helper()
	return w.sql("SELECT name, ifnull(pid, 'NULL'), command_line, working_directory, stdin, stdout, stderr FROM process WHERE name = '" + name + "';")
}

func TestTheScriptsDatabase(t *testing.T) {
	t.Parallel()
	w := scriptWorld(t)
	before := w.sql(".dump process")
	r := w.tend("list", "--columns", "name,state,pid,command").ok()
	want := "NAME\tSTATE\tPID\tCOMMAND\nmine\tstopped\t\tsleep 4321\nodd name/with:things\tstopped\t\tsleep 1000\nstale\tstopped\t\tsleep 1000\n" +
		"web\tstopped\t\tsh -c 'echo up; exec sleep 1000'\nzero\tstopped\t\tsleep 1000\n"
	if r.stdout != want {
		t.Errorf("list says\n%s\nnot\n%s", r.stdout, want)
	}
	r.complains("s.sqlite-before-tend")
	copied, err := exec.Command("sqlite3", w.database+"-before-tend", ".dump process").Output()
	if err != nil || strings.TrimSuffix(string(copied), "\n") != before {
		t.Errorf("the copy is (%v)\n%s\nnot\n%s", err, copied, before)
	}

	names := []string{"web", "stale", "zero", "odd name/with:things", "mine"}
	for _, name := range names {
		w.tend("start", name).ok().says("Starting "+name+" ...", "... started "+name)
		id := w.running(name)
		row := strings.Split(w.row(name), "|")
		if row[1] != pidText(id) {
			t.Errorf("sqlite3 says of %s: %q; it is process %d", name, row, id.PID)
		}
		if name != "web" && strings.Join(row[3:], "|") != "/|/dev/null|/dev/null|/dev/null" {
			t.Errorf("sqlite3 says of %s: %q", name, row)
		}
	}
	eventually(t, "web has written", func() bool { return read(t, w.work+"/web.out") == "up\n" })
	for _, name := range names {
		w.down(name)
		if row := strings.Split(w.row(name), "|"); row[1] != "NULL" {
			t.Errorf("after stop sqlite3 says of %s: %q", name, row)
		}
	}
	if n := w.sql("SELECT count(*) FROM process WHERE pid IS NOT NULL;"); n != "0" {
		t.Errorf("%s rows have a pid", n)
	}
	if again := w.tend("list").ok(); strings.Contains(again.stderr, "before-tend") {
		t.Errorf("the copy is made, or spoken of, again: %s", again)
	}
}

func TestTheScriptsProcessesAreTakenOver(t *testing.T) {
	t.Parallel()
	w := scriptWorld(t)
	mine := byHand(t, "/", "sleep", "4321")
	other := byHand(t, "/", "sleep", "4322")        // another command line than the row's
	elsewhere := byHand(t, w.work, "sleep", "1000") // another directory
	w.sql(fmt.Sprintf("UPDATE process SET pid = %d WHERE name = 'mine'; UPDATE process SET pid = %d WHERE name = 'stale';"+
		"UPDATE process SET pid = %d WHERE name = 'odd name/with:things';", mine.PID, other.PID, elsewhere.PID))

	if s := w.status("mine"); s.State != tend.PhaseRunning && s.State != tend.PhaseStarting || s.PID != mine.PID {
		t.Errorf("mine is %s as process %d, not %d", s.State, s.PID, mine.PID)
	}
	w.becomes("mine", "is running", func(s tend.Status) bool { return s.State == tend.PhaseRunning })
	for _, name := range []string{"stale", "zero", "web", "odd name/with:things"} {
		if s := w.status(name); s.State != tend.PhaseStopped || s.PID != 0 || s.Wanted {
			t.Errorf("%s is %s, process %d, wanted %v", name, s.State, s.PID, s.Wanted)
		}
		w.tend("stop", name).ok().says("Stopping "+name+" ...", "... service "+name+" is already stopped")
	}
	w.tend("start", "mine").ok().says("Starting mine ...", "... mine already running with PID "+pidText(mine))
	pid := pidText(mine)
	w.tend("stop", "mine").ok().says("Stopping mine ...", "... sending SIGTERM to "+pid, "... mine is stopped")
	if alive(mine) {
		t.Error("mine lives")
	}
	if !alive(other) || !alive(elsewhere) {
		t.Error("a process that is not ours was touched")
	}
	for _, name := range []string{"mine", "stale", "zero"} {
		if row := strings.Split(w.row(name), "|"); row[1] != "NULL" {
			t.Errorf("sqlite3 says of %s: %q", name, row)
		}
	}
}

// The process of another user is never taken over, or signalled.
func TestAProcessOfAnotherUserIsNotTakenOver(t *testing.T) {
	t.Parallel()
	w := scriptWorld(t)
	testenv.NeedRoot(t)
	testenv.Need(t, "setpriv")
	id := byHandAs(t, "nobody", "/", "sleep", "4321")
	w.sql(fmt.Sprintf("UPDATE process SET pid = %d WHERE name = 'mine';", id.PID))
	if s := w.status("mine"); s.State != tend.PhaseStopped || s.PID != 0 {
		t.Errorf("mine is %s as process %d, which is nobody's", s.State, s.PID)
	}
	w.tend("stop", "mine").ok()
	if !alive(id) {
		t.Error("the process of another user was ended")
	}
}

func byHandAs(t testing.TB, user, dir string, words ...string) tend.Identity {
	t.Helper()
	cmd := exec.Command("setpriv", append([]string{"--reuid=" + user, "--clear-groups"}, words...)...)
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	id := identify(t, cmd.Process.Pid)
	t.Cleanup(func() { kill(id); <-ended })
	command(t, id, words[0])
	return id
}

// The script, or somebody with sqlite3, goes on adding rows while tend runs.
func TestARowOfTheScriptsWhileTendRuns(t *testing.T) {
	t.Parallel()
	w := scriptWorld(t)
	w.tend("start", "web").ok()
	w.sql("INSERT INTO process(name,pid,command_line,working_directory,stdin,stdout,stderr) VALUES('late',NULL,'sleep 777','/','/dev/null','/dev/null','/dev/null');")
	if rows := w.tend("list", "--columns", "name").ok().stdout; !strings.Contains(rows, "late\n") {
		t.Errorf("list does not have it:\n%s", rows)
	}
	w.tend("start", "late").ok()
	id := w.running("late")
	if words, _ := process.CommandLine(id.PID); strings.Join(words, " ") != "sleep 777" {
		t.Errorf("it is %q", words)
	}
	w.sql("UPDATE process SET command_line = 'sleep 778' WHERE name = 'late';")
	w.tend("restart", "late").ok()
	if words, _ := process.CommandLine(w.running("late").PID); strings.Join(words, " ") != "sleep 778" {
		t.Errorf("after a change by hand it is %q", words)
	}
	if n := w.sql("SELECT pid FROM process WHERE name = 'late';"); n != strconv.Itoa(w.status("late").PID) {
		t.Errorf("sqlite3 says %s", n)
	}
	w.down("late")
	w.sql("DELETE FROM process WHERE name = 'late';")
	w.tend("status", "late").is(4)
}

// Without pidfds nothing tells the end of a process that is no keeper's child.
func TestTheEndOfWhatWasTakenOverIsSeen(t *testing.T) {
	t.Parallel()
	for _, without := range []string{"", "pidfd"} {
		t.Run("without "+without, func(t *testing.T) {
			t.Parallel()
			w := scriptWorld(t)
			if without != "" {
				w.environ = append(w.environ, "TEND_WITHOUT="+without)
			}
			mine := byHand(t, "/", "sleep", "4321")
			w.sql(fmt.Sprintf("UPDATE process SET pid = %d WHERE name = 'mine';", mine.PID))
			w.becomes("mine", "is running", func(s tend.Status) bool { return s.State == tend.PhaseRunning && s.PID == mine.PID })
			kill(mine)
			w.restarted("mine", mine)
			w.down("mine")
		})
	}
}
