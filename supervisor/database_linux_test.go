package supervisor_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite"

	"tend"
)

// lockDatabase holds the database's write lock until its input ends.
func lockDatabase(path string) int {
	db, err := sql.Open("sqlite", "file:"+path+"?_busy_timeout=5000")
	if err == nil {
		db.SetMaxOpenConns(1)
		_, err = db.Exec("BEGIN EXCLUSIVE")
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("locked")
	io.Copy(io.Discard, os.Stdin)
	return 0
}

// plain changes the database as somebody with sqlite3 would.
func (c *chain) plain(statement string, args ...any) {
	c.Helper()
	db, err := sql.Open("sqlite", "file:"+c.database+"?_busy_timeout=5000")
	c.check(err)
	defer db.Close()
	_, err = db.Exec(statement, args...)
	c.check(err)
}

// inTrouble is a chain whose database is about to be in trouble, with web and victim running and other not.
func inTrouble(t *testing.T) *chain {
	c := newChain(t)
	for _, name := range []string{"web", "victim", "other"} {
		c.add(c.definition(name))
	}
	c.launch()
	c.start("web", "victim")
	return c
}

// refuses checks what goes on, and what does not, while the database cannot be written.
func (c *chain) refuses(code tend.Code) {
	c.Helper()
	same(c, "web's state", c.status("web").State, tend.PhaseRunning)
	_, err := c.try(tend.Request{Command: tend.CommandStart, Words: []string{"other"}})
	if tend.CodeOf(err) != code {
		c.Errorf("start: %v, should be %s", err, code)
	}
	victim := c.noted("victim", "lives")[0]
	if _, err := c.try(tend.Request{Command: tend.CommandStop, Words: []string{"victim"}}); tend.CodeOf(err) != code {
		c.Errorf("stop: %v, should be %s", err, code)
	}
	c.until("victim has ended all the same", func() error { return when(dead(victim)) })
	asked := time.Now()
	same(c, "web's state", c.status("web").State, tend.PhaseRunning)
	if took := time.Since(asked); took > time.Second {
		c.Errorf("the answer took %s", took)
	}
	c.lived("other", 0)
	if news, err := c.try(tend.Request{Command: tend.CommandStart, Words: []string{"web"}}); err == nil && last(news)["web"].Kind != tend.ProgressRunning {
		c.Errorf("starting what runs: %+v", news)
	}
}

// recovers checks that all that was decided is in effect and in the database.
func (c *chain) recovers() {
	c.Helper()
	c.until("all is written", func() error {
		if st := c.state("other"); st.Phase != tend.PhaseRunning {
			return fmt.Errorf("other is %s", st.Phase)
		}
		if st := c.state("victim"); st.Phase != tend.PhaseStopped || st.Wanted {
			return fmt.Errorf("victim is %s", st.Phase)
		}
		return nil
	})
	for _, name := range []string{"web", "victim", "other"} {
		c.lived(name, 1)
	}
	if exit := c.runs("victim")[0].Exit; exit == nil || *exit != (tend.Exit{}) {
		c.Errorf("victim ended by %v", exit)
	}
}

func TestTheDatabaseIsLockedForLong(t *testing.T) {
	t.Parallel()
	c := inTrouble(t)
	holder := exec.Command("/proc/self/exe", "lock-database", c.database)
	release, err := holder.StdinPipe()
	c.check(err)
	out, err := holder.StdoutPipe()
	c.check(err)
	c.check(holder.Start())
	defer holder.Wait()
	defer release.Close()
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatal(line)
	}
	c.refuses(tend.CodeBusy)
	release.Close()
	c.recovers()
}

// A limit on the size of files is what a full disk is, without being one.
func TestTheDatabaseMayNotGrow(t *testing.T) {
	t.Parallel()
	c := inTrouble(t)
	limit := func(bytes uint64) {
		c.check(unix.Prlimit(c.supervisor(), unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}, nil))
	}
	supervisor := c.supervisor()
	limit(1)
	c.refuses(tend.CodeFailed)
	limit(unix.RLIM_INFINITY)
	c.recovers()
	same(c, "the supervisor", c.supervisor(), supervisor)
}

// Leaving does not wait for a database that cannot be written; what was wanted is taken up from what was written last.
func TestLeavingWithoutADatabase(t *testing.T) {
	t.Parallel()
	c := inTrouble(t)
	c.check(os.Rename(c.database, c.database+".away"))
	c.signal(c.outer(), syscall.SIGTERM)
	c.nothingLeft()
	c.check(os.Rename(c.database+".away", c.database))
	same(c, "web's wish", c.state("web").Wanted, true)
	c.launch()
	c.reaches("web", tend.PhaseExited) // by SIGTERM, with status 0, and nobody could write down why
}

func TestTheDatabaseIsRemovedAndPutBack(t *testing.T) {
	t.Parallel()
	c := inTrouble(t)
	c.check(os.Rename(c.database, c.database+".away"))
	c.refuses(tend.CodeFailed)
	if _, err := os.Stat(c.database); err == nil {
		t.Error("somebody has made another")
	}
	c.check(os.Rename(c.database+".away", c.database))
	c.start("other") // that was refused at once: who knows whether there still is such a service
	c.recovers()
}

// Supervisors that find no database make none: they wait for it to be put back.
func TestTheSupervisorDiesWithoutADatabase(t *testing.T) {
	t.Parallel()
	c := inTrouble(t)
	pid := c.status("web").PID
	c.check(os.Rename(c.database, c.database+".away"))
	c.signal(c.supervisor(), syscall.SIGKILL)
	c.until("its successor complains", func() error {
		said, _ := os.ReadFile(c.dir + "/tend.log")
		return when(strings.Contains(string(said), "supervisor") && strings.Contains(string(said), c.database))
	})
	c.check(os.Rename(c.database+".away", c.database))
	same(c, "web's pid", c.status("web").PID, pid)
	c.lived("web", 1)
}

// A copy is put in the place of the database: the next supervisor reads that, and finds what runs.
func TestTheDatabaseIsReplaced(t *testing.T) {
	t.Parallel()
	c := inTrouble(t)
	supervisor, pid := c.supervisor(), c.status("web").PID
	c.plain("VACUUM INTO '" + c.database + ".copy'")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		os.Remove(c.database + suffix)
	}
	c.check(os.Rename(c.database+".copy", c.database))
	c.check(os.Chmod(c.database, 0o600))
	c.add(c.definition("new"))
	c.start("new")
	same(c, "web's pid", c.status("web").PID, pid)
	if c.supervisor() == supervisor {
		t.Error("the supervisor is the one that has the old file")
	}
	c.lived("web", 1)
	c.lived("new", 1)
}

func TestARowIsDeletedByHand(t *testing.T) {
	t.Parallel()
	c := inTrouble(t)
	web, victim := c.status("web").PID, c.status("victim").PID
	c.plain("DELETE FROM process WHERE name IN ('web', 'victim')")
	for range 2 { // also the next supervisor knows them as long as they live
		same(c, "web's pid", c.status("web").PID, web)
		same(c, "victim's pid", c.status("victim").PID, victim)
		supervisor := c.supervisor()
		c.signal(supervisor, syscall.SIGKILL)
		c.until("another supervisor is there", func() error { return when(c.supervisor() != supervisor) })
	}
	c.signal(web, syscall.SIGKILL)
	c.until("web is no more", func() error {
		_, err := c.client.Statuses(context.Background(), tend.Query{Words: []string{"web"}})
		return when(tend.CodeOf(err) == tend.CodeNoService)
	})
	c.lived("web", 1)
	c.lived("victim", 1)
	c.until("the end of web's run is written down", func() error { return when(c.runs("web")[0].Exit != nil) })
	same(c, "what ended web", c.runs("web")[0].Exit.Signal, "KILL")

	c.add(c.definition("victim")) // there it is again, and is the one that runs
	for range 2 {
		if p := c.do(tend.CommandStart, "victim")["victim"]; p.Kind != tend.ProgressRunning || p.PID != victim {
			t.Errorf("start: %+v", p)
		}
		same(c, "victim's state", c.state("victim").Phase, tend.PhaseRunning)
		c.signal(c.supervisor(), syscall.SIGKILL)
	}
	c.lived("victim", 1)
}

func TestARowThatCannotBeRead(t *testing.T) {
	t.Parallel()
	c := inTrouble(t)
	pid := c.status("victim").PID
	const broken = `UPDATE process SET settings = '{"colour":"red"}' WHERE name IN ('victim', 'other')`
	c.plain(broken)
	refused := func(command tend.Command, name string) {
		t.Helper()
		if p := c.do(command, name)[name]; p.Error == nil || p.Error.Code != tend.CodeUsage || !strings.Contains(p.Error.Message, "settings of "+name) || p.Error.Hint == "" {
			t.Errorf("%s %s: %+v", command, name, p)
		}
	}
	refused(tend.CommandStart, "other")
	refused(tend.CommandRestart, "victim")
	same(c, "victim's pid", c.status("victim").PID, pid)
	for _, name := range []string{"victim", "other"} {
		if st := c.status(name); !strings.Contains(st.Reason, "settings of "+name) {
			t.Errorf("the status of %s does not tell: %q", name, st.Reason)
		}
	}
	c.signal(pid, syscall.SIGKILL) // its supervisor still knows how it was started
	c.until("victim is back", func() error { return when(len(c.noted("victim", "ready")) == 2) })
	pid = c.reaches("victim", tend.PhaseRunning).PID

	c.signal(c.supervisor(), syscall.SIGKILL) // the next one does not
	c.until("it is there", func() error { return when(c.supervisor() != 0) })
	same(c, "victim's pid", c.status("victim").PID, pid)
	c.signal(pid, syscall.SIGKILL)
	c.reaches("victim", tend.PhaseBackoff)
	c.do(tend.CommandRestart, "web")
	c.lived("victim", 2)

	c.plain(strings.Replace(broken, `"colour":"red"`, "", 1))
	c.start("other")
	c.reaches("victim", tend.PhaseRunning) // by itself
	c.neverTwice("victim")
	c.lived("other", 1)
	c.check(c.removed("other"))
}

// removed removes a service that runs.
func (c *chain) removed(name string) error {
	news, err := c.try(tend.Request{Command: tend.CommandRemove, Words: []string{name}, Stop: true})
	if p := last(news)[name]; err == nil && p.Kind != tend.ProgressRemoved {
		return fmt.Errorf("removing %s: %+v", name, p)
	}
	return err
}
