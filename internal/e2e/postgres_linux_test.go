package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tend"
	"tend/internal/testenv"
	"tend/process"
)

const nobody = 65534

// cluster is a PostgreSQL of a test, which refuses to run as root: all of its world is another user's.
type cluster struct {
	*world
	data, port string
}

// newCluster makes a database cluster and the world in which it is to run.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	testenv.NeedRoot(t)
	testenv.Need(t, "setpriv", "psql")
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		testenv.Missing(t, "not installed: postgresql")
	}
	w, p := newWorld(t), port(t)
	w.as(nobody) // initdb wants a user who has a name
	w.environ = slices.DeleteFunc(w.environ, func(v string) bool { return strings.HasPrefix(v, "PATH=") })
	w.environ = append(w.environ, "PATH="+filepath.Dir(found[len(found)-1])+":/usr/bin:/bin:/usr/sbin:/sbin",
		"PGHOST=127.0.0.1", "PGPORT="+p, "PGUSER=me", "PGDATABASE=postgres")
	c := &cluster{world: w, data: w.work + "/data", port: p}
	c.program("initdb", "-D", c.data, "-A", "trust", "-U", "me", "--no-sync", "--locale=C.UTF-8").ok()
	conf := read(t, c.data+"/postgresql.conf") + fmt.Sprintf("listen_addresses='127.0.0.1'\nport=%s\nunix_socket_directories='%s'\nfsync=off\n", p, w.work)
	write(t, c.data+"/postgresql.conf", conf, 0o600)
	return c
}

// program runs something else than tend as the user of this world.
func (w *world) program(words ...string) result {
	w.t.Helper()
	return w.by(func(*exec.Cmd) {}, slices.Concat(w.launcher, words)...)
}

// toReach are options that let a service find the database.
func toReach() []string {
	return []string{"--env", "PGHOST", "--env", "PGPORT", "--env", "PGUSER", "--env", "PGDATABASE"}
}

// runs adds a service that knows where the database is, starts it, and returns when that is done.
func (c *cluster) runs(words ...string) {
	c.t.Helper()
	c.tend(slices.Concat([]string{"run"}, toReach(), words)...).ok()
}

// query asks once.
func (c *cluster) query(sql string) string {
	c.t.Helper()
	return strings.TrimSpace(c.program("psql", "-qAtc", sql).ok().stdout)
}

// sleeper is a session in the middle of a query that would take for ever; it returns the process of postgres that is at it.
func (c *cluster) sleeper() tend.Identity {
	c.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	words := slices.Concat(c.launcher, []string{"psql", "-qAtc", "select 'the sleeper', pg_sleep(1000)"})
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = c.environ
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	c.t.Cleanup(func() { cancel(); <-ended })
	backend := ""
	eventually(c.t, "the query is at work", func() bool {
		backend = c.query("select pid from pg_stat_activity where query like '%the sleeper%' and pid <> pg_backend_pid() and wait_event = 'PgSleep'")
		return backend != ""
	})
	pid, err := strconv.Atoi(backend)
	if err != nil {
		c.t.Fatal(err)
	}
	return identify(c.t, pid)
}

// PostgreSQL gives each of its processes a session of its own, and writes over their environment. When tend says that it is
// ready it takes queries, also after a crash, and nothing of it is left before the next one begins.
func TestPostgres(t *testing.T) {
	t.Parallel()
	for name, ready := range map[string]string{"asked": "command:pg_isready -q", "telling": "notify"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			c.runs("--ready", ready, "--health", "command:psql -qAtc 'select 1'", "--stop", "INT/20/KILL/5", "db", "--",
				"postgres", "-D", c.data)
			c.query("create table hit(at timestamptz default now())")
			// the app tries once: if the database were not ready it would be seen
			c.runs("--requires", "db", "--ready", "log:^begun", "--restart", "always", "--backoff", "10ms..50ms", "--shell", "app", "--",
				"psql -qc 'insert into hit default values' && echo begun && while psql -qc 'insert into hit default values'; do sleep 0.05; done; exit 1")

			// the postmaster is killed while a process of its own is suspended, which holds what the next one needs
			backend, main := c.sleeper(), c.running("db")
			workers := below(main.PID)
			if err := process.Signal(backend, "STOP"); err != nil {
				t.Fatal(err)
			}
			kill(main)
			c.becomes("db", "runs again", func(s tend.Status) bool { return s.Restarts == 1 && s.PID != main.PID && s.PID != 0 })
			for _, worker := range workers {
				if alive(worker.Identity) {
					t.Errorf("there is a second copy beside %s", worker)
				}
			}
			c.tend("wait", "db").ok()
			before := c.query("select count(*) from hit")
			if log := c.tend("logs", "-n", "all", "db").ok().stdout; !strings.Contains(log, "automatic recovery in progress") {
				t.Errorf("it has not recovered:\n%s", log)
			}
			eventually(t, "the app goes on", func() bool { return c.query("select count(*) from hit") != before })

			// another supervisor in the middle of it, and none at all
			c.tend("wait", "app").ok()
			main, app := c.running("db"), c.running("app")
			kill(c.chain()["supervisor"])
			c.wholeChain()
			c.tendDies()
			if now := c.running("db"); now != main || c.running("app") != app {
				t.Errorf("db is process %d, it was %d", now.PID, main.PID)
			}

			// under load, and with a session that does not end by itself
			backend, main = c.sleeper(), c.running("db")
			c.tend("restart", "db").ok()
			c.query("select 1")
			if alive(backend) || alive(main) || c.running("db") == main {
				t.Error("the former one lives")
			}
			c.tend("wait", "app").ok()

			// those that need it end first
			backend, main = c.sleeper(), c.running("db")
			workers = below(main.PID)
			c.tend("stop", "db").ok()
			if a, d := c.status("app"), c.status("db"); a.Wanted || a.PID != 0 || d.LastExit == nil || *d.LastExit != (tend.Exit{}) {
				t.Errorf("app %+v, db %+v", a, d)
			}
			if a, d := c.history("app").Runs[0], c.history("db").Runs[0]; a.EndedAt.After(d.EndedAt) {
				t.Errorf("app ended %s, db %s", a.EndedAt, d.EndedAt)
			}
			for _, worker := range workers {
				if alive(worker.Identity) {
					t.Errorf("left behind: %s", worker)
				}
			}
			if _, err := os.Stat(c.data + "/postmaster.pid"); !os.IsNotExist(err) || alive(backend) {
				t.Errorf("it did not end well: %v", err)
			}
			silent(t, c.port)
		})
	}
}

// PostgreSQL is told to end when everybody has gone, which its stop signal, to all of its processes, would not do: the query that
// is at work is answered, and then it ends.
func TestPostgresMayFinish(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	c.runs("--ready", "notify", "--stop-command", "pg_ctl stop -m smart -D "+c.data, "--stop", "INT/20/KILL/5", "db", "--", "postgres", "-D", c.data)
	words := slices.Concat(c.launcher, []string{"psql", "-qAtc", "select 'the last', pg_sleep(1), 'is answered'"})
	last := exec.Command(words[0], words[1:]...)
	last.Env = c.environ
	var out strings.Builder
	last.Stdout, last.Stderr = &out, &out
	if err := last.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the query is at work", func() bool {
		return c.query("select count(*) from pg_stat_activity where query like '%the last%' and pid <> pg_backend_pid()") == "1"
	})
	c.tend("stop", "db").ok()
	if err := last.Wait(); err != nil || !strings.Contains(out.String(), "is answered") {
		t.Errorf("it was not answered: %v: %s", err, &out)
	}
	silent(t, c.port)
}
