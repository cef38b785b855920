package supervisor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tend"
	"tend/api"
	"tend/keeper"
	"tend/logs"
	"tend/process"
	"tend/store"
)

const patience = time.Minute // for what must happen; nothing waits that long that does

// chain is a database, the keepers and supervisor of it, and its services.
type chain struct {
	*testing.T
	database, dir string
	files         string          // where the files of services are
	programs      map[string]bool // services that run program, and stay
	client        *api.Client
	env           []string

	ctx    context.Context // of what is asked; done when the test ends
	giveUp func()
	asked  sync.WaitGroup // what has no answer yet
}

func newChain(t *testing.T, env ...string) *chain {
	t.Helper()
	home := t.TempDir()
	return newChainAt(t, filepath.Join(home, "server.sqlite"), home, env...)
}

func newChainAt(t *testing.T, database, files string, env ...string) *chain {
	t.Helper()
	c := &chain{T: t, database: database, files: files, programs: map[string]bool{}}
	ours := func(entry string) bool { return strings.HasPrefix(entry, "SERVER_FILE=") }
	c.ctx, c.giveUp = context.WithCancel(context.Background())
	c.env = append(append(slices.DeleteFunc(os.Environ(), ours), "SERVER_FILE="+c.database), env...)
	var err error
	c.dir, err = keeper.Directory(c.database)
	c.check(err)
	c.client = api.NewClient(keeper.Socket(c.dir))
	c.db(func(*store.Store) error { return nil })
	t.Cleanup(c.end)
	return c
}

func (c *chain) check(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// end stops everything as a user would, and fails the test if anything is left. Nobody asks for anything any more then: what
// is asked once more of another supervisor would start again what has been stopped.
func (c *chain) end() {
	defer c.client.Close()
	defer c.killAll()
	c.giveUp()
	c.asked.Wait()
	if len(c.all()) > 0 {
		if _, err := c.insists(context.Background(), tend.Request{Command: tend.CommandStop, All: true}); err != nil {
			c.Errorf("stopping everything: %v", err)
		}
		c.nothingLeft()
	}
}

// killAll ends what a test that failed has left.
func (c *chain) killAll() {
	if c.Failed() {
		said, _ := os.ReadFile(keeper.TendLog(c.dir))
		c.Logf("tend.log:\n%s", said)
	}
	for left := c.all(); len(left) > 0; left = c.all() {
		for pid := range left {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(time.Millisecond) // until they are gone
	}
}

// nothingLeft checks that no process of the chain or its services is there any more, and no trace in the runtime directory.
func (c *chain) nothingLeft() {
	c.Helper()
	c.until("nothing is left", func() error {
		lock, err := os.Open(filepath.Join(c.dir, "keepers.lock"))
		if err == nil { // or there never was a chain
			defer lock.Close()
			err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) || len(c.all()) > 0 {
			return stillThere{c}
		}
		return nil
	})
	if _, err := os.Lstat(keeper.Socket(c.dir)); !errors.Is(err, os.ErrNotExist) {
		c.Errorf("the socket is still there: %v", err)
	}
}

// stillThere says who is left. It looks only when it is asked: that is much more work than to see that the lock is held.
type stillThere struct{ *chain }

func (s stillThere) Error() string { return fmt.Sprintf("still there: %v", s.all()) }

// db runs f on the database.
func (c *chain) db(f func(*store.Store) error) {
	c.Helper()
	s, err := store.Open(context.Background(), c.database, store.Create)
	c.check(err)
	defer s.Close()
	c.check(f(s))
}

// place is the directory of a service's files.
func (c *chain) place(name string) string { return filepath.Join(c.files, name) }

// definition defines a service that runs program with these words.
func (c *chain) definition(name string, words ...string) tend.Service {
	c.Helper()
	c.check(os.MkdirAll(c.place(name), 0o700))
	self, err := os.Executable()
	c.check(err)
	umask := tend.Umask(0o077)
	return tend.Service{
		Name: name, CommandLine: strings.Join(append([]string{self, "program", "-dir", c.place(name)}, words...), " "),
		WorkingDirectory: "/",
		Settings: tend.Settings{
			Environment: map[string]string{"PATH": os.Getenv("PATH"), "CHAIN": c.database}, Umask: &umask,
			Ready: tend.Check{Kind: tend.CheckAlive, After: tend.Duration(50 * time.Millisecond)},
		},
	}
}

func (c *chain) add(s tend.Service) {
	c.Helper()
	words := strings.Fields(s.CommandLine)
	c.programs[s.Name] = slices.Contains(words, "program") && !slices.Contains(words, "-fail") && !slices.Contains(words, "-copy")
	c.db(func(db *store.Store) error { return db.Add(context.Background(), s) })
}

func (c *chain) launch() {
	c.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := keeper.Launch(ctx, c.dir, c.env); err != nil {
		c.Fatalf("Launch: %v", err)
	}
}

// try sends the request, to the next supervisor as well where one is replaced in the middle of it, as the command line does.
func (c *chain) try(r tend.Request) (news []tend.Progress, err error) {
	c.asked.Add(1)
	defer c.asked.Done()
	return c.insists(c.ctx, r)
}

func (c *chain) insists(ctx context.Context, r tend.Request) (news []tend.Progress, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r.Since = time.Now()
	for range 50 {
		err = c.client.Do(ctx, r, func(p tend.Progress) { news = append(news, p) })
		if !errors.Is(err, api.ErrCut) && !errors.Is(err, api.ErrNoSupervisor) || ctx.Err() != nil {
			return news, err
		}
		if err := keeper.Launch(ctx, c.dir, c.env); err != nil {
			return news, err
		}
	}
	return news, err
}

// do carries out a request and returns the last news of each service.
func (c *chain) do(command tend.Command, words ...string) map[string]tend.Progress {
	c.Helper()
	news, err := c.try(tend.Request{Command: command, Words: words, All: len(words) == 0})
	if err != nil {
		c.Fatalf("%s %v: %v", command, words, err)
	}
	by := last(news)
	for name, p := range by {
		if p.Kind == tend.ProgressStarted && c.programs[name] {
			c.heeds(name, p.PID)
		}
	}
	return by
}

// heeds waits until the program heeds signals, which it does not yet where it has only been alive for a while: before, it
// dies of SIGTERM and does not notice SIGUSR1.
func (c *chain) heeds(name string, pid int) {
	c.Helper()
	c.until(name+" heeds signals", func() error { return when(slices.Contains(c.noted(name, "ready"), pid) || dead(pid)) })
}

func last(news []tend.Progress) map[string]tend.Progress {
	by := map[string]tend.Progress{}
	for _, p := range news {
		by[p.Service] = p
	}
	return by
}

// start starts services and fails unless each runs.
func (c *chain) start(names ...string) {
	c.Helper()
	for name, p := range c.do(tend.CommandStart, names...) {
		if p.Kind != tend.ProgressStarted {
			c.Fatalf("start %s: %+v", name, p)
		}
	}
}

// status asks the supervisor, whichever it is by now. One that has left because there was nothing to do comes again, as for
// the command line.
func (c *chain) status(name string) tend.Status {
	c.Helper()
	var found []tend.Status
	c.until("the supervisor answers", func() (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		found, err = c.client.Statuses(ctx, tend.Query{Words: []string{name}})
		if errors.Is(err, api.ErrNoSupervisor) {
			if serving, err := keeper.Find(c.dir); err == nil && len(serving) == 0 {
				c.check(keeper.Launch(ctx, c.dir, c.env))
			}
		}
		return err
	})
	return found[0]
}

// reaches waits until the service is in the phase, and until that is in the database: a status may be one turn ahead of
// it, and the next answer comes a turn later.
func (c *chain) reaches(name string, phase tend.Phase) (st tend.Status) {
	c.Helper()
	c.until(fmt.Sprintf("%s is %s", name, phase), func() error {
		if st = c.status(name); st.State != phase {
			return fmt.Errorf("it is %s (%s)", st.State, st.Reason)
		}
		return nil
	})
	c.client.Statuses(context.Background(), tend.Query{})
	return st
}

// state is what the database says.
func (c *chain) state(name string) (st store.Placed) {
	c.Helper()
	c.db(func(db *store.Store) error {
		all, err := db.States(context.Background())
		st = all[name]
		return err
	})
	return st
}

// runs are all the runs of the service, newest first.
func (c *chain) runs(name string) (runs []tend.Run) {
	c.Helper()
	c.db(func(db *store.Store) (err error) {
		runs, err = db.Runs(context.Background(), name, 0)
		return err
	})
	return runs
}

// until looks again and again until there is no error.
func (c *chain) until(what string, look func() error) {
	c.Helper()
	c.within(patience, what, look)
}

func (c *chain) within(limit time.Duration, what string, look func() error) {
	c.Helper()
	var err error
	pause := 2 * time.Millisecond
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(pause) {
		if err = look(); err == nil {
			return
		}
		pause = min(pause*5/4, 25*time.Millisecond) // many of us look at the same time, which is work for two processors
	}
	c.Fatalf("waiting until %s: %v", what, err)
}

// all are the living processes of the chain and of its services, by pid.
func (c *chain) all() map[int]string {
	found := map[int]string{}
	own, other := []byte("SERVER_FILE="+c.database+"\x00"), []byte("CHAIN="+c.database+"\x00")
	for _, pid := range everyPID() {
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if bytes.Contains(environ, own) || bytes.Contains(environ, other) {
			words, _ := process.CommandLine(pid)
			found[pid] = strings.Join(words, " ")
		}
	}
	return found
}

func everyPID() (pids []int) {
	names, _ := os.ReadDir("/proc")
	for _, entry := range names {
		if pid, err := strconv.Atoi(entry.Name()); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// one waits until there is exactly one process of the chain that was started with these words.
func (c *chain) one(words ...string) (pid int) {
	c.Helper()
	want := strings.Join(append(append([]string{"tend"}, words...), c.dir), " ")
	c.until(want+" runs once", func() error {
		var found []int
		for p, line := range c.all() {
			if strings.Replace(line, " --leave ", " ", 1) == want {
				found = append(found, p)
			}
		}
		if len(found) != 1 {
			return fmt.Errorf("%d run", len(found))
		}
		pid = found[0]
		return nil
	})
	return pid
}

func (c *chain) outer() int      { return c.one("keep") }
func (c *chain) inner() int      { return c.one("keep", "--inner") }
func (c *chain) supervisor() int { return c.one("supervise") }

func (c *chain) signal(pid int, s syscall.Signal) {
	c.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		c.Fatalf("sending %s to %d: %v", s, pid, err)
	}
}

// noted are the pids in one of the files that program writes.
func (c *chain) noted(name, file string) (pids []int) {
	text, _ := os.ReadFile(filepath.Join(c.place(name), file))
	for word := range strings.FieldsSeq(string(text)) {
		pid, _ := strconv.Atoi(word)
		pids = append(pids, pid)
	}
	return pids
}

// lived checks how many lives the service has had, and that no two of them were at the same time.
func (c *chain) lived(name string, times int) {
	c.Helper()
	c.until(name+" has lived so often", func() error {
		if lives := c.noted(name, "lives"); len(lives) < times {
			return fmt.Errorf("%d times, as %v, should be %d", len(lives), lives, times)
		}
		return nil
	})
	c.neverTwice(name)
	if lives := c.noted(name, "lives"); len(lives) > times {
		c.Errorf("%s has lived %d times, as %v; should be %d", name, len(lives), lives, times)
		for _, run := range c.runs(name) {
			c.Logf("%s: run %s, %s, process %d, started %s, ended %s: %v", name, run.ID, run.Cause, run.PID, run.StartedAt, run.EndedAt, run.Exit)
		}
	}
}

func (c *chain) neverTwice(name string) {
	c.Helper()
	if second := c.noted(name, "second"); len(second) > 0 {
		c.Errorf("%s had a second copy: %v of %v", name, second, c.noted(name, "lives"))
	}
}

// wholeLog checks that no line is missing, torn or doubled in what each life of the service wrote.
func (c *chain) wholeLog(name string) {
	c.Helper()
	text, err := os.ReadFile(logs.Path(c.database, name))
	c.check(err)
	next := map[string]int{}
	lines := strings.Split(string(text), "\n")
	for i, line := range lines[:len(lines)-1] {
		pid, number, _ := strings.Cut(line, " ")
		next[pid]++
		if number != strconv.Itoa(next[pid]) {
			c.Fatalf("line %d of the log of %s is %q, should be number %d", i+1, name, line, next[pid])
		}
	}
	if lives := c.noted(name, "lives"); len(next) > len(lives) {
		c.Errorf("%s wrote as %v, but lived as %v", name, next, lives)
	}
}

// together runs f that many times at once.
func together(n int, f func(i int)) {
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() { f(i) })
	}
	wait.Wait()
}

// dead reports whether the process has ended, reaped or not.
func dead(pid int) bool {
	stat, err := process.ReadStat(pid)
	return err != nil || stat.Dead()
}

func same[T comparable](c *chain, what string, got, want T) {
	c.Helper()
	if got != want {
		c.Errorf("%s is %v, should be %v", what, got, want)
	}
}

func pidsOf(m map[int]string) []int {
	var pids []int
	for pid := range m {
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids
}

// cpuTime is what the process has used of the processors.
func cpuTime(c *chain, pid int) time.Duration {
	c.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	c.check(err)
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // from the third on, see proc_pid_stat(5)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}
