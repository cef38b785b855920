package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tend"
	"tend/internal/testenv"
)

// shop is what stands in a tend.toml of three programs: PostgreSQL, its schema, two copies of an application by gunicorn that
// share a socket, nginx before them, and a job.
const shop = `
[defaults]
environment = { PGHOST = "127.0.0.1", PGPORT = %[1]s, PGUSER = "me", PGDATABASE = "postgres", PYTHONDONTWRITEBYTECODE = 1 }

[services.db]
command = "postgres -D data"
ready = "notify"
health = "command:pg_isready -q"
stop = "INT/20/KILL/5"

[services.schema]
command = ["psql", "-qc", "create table if not exists visit(at timestamptz default now())"]
requires = ["db"]
ready = "exit"

[services.app]
command = "gunicorn --workers 1 app:app"
instances = 2
listen = ["unix:app.sock"]
ready = "http:/ socket=app.sock body=visits"
requires = ["schema"]

[services.web]
command = "%[3]s -c %[4]s/nginx.conf -e stderr"
requires = ["app"]
ready = "http:%[2]s/ body=visits"
health = "http:%[2]s/"
stop = "QUIT/5/TERM/5/KILL/5"

[services.visit]
command = "psql -qc 'insert into visit default values'"
requires = ["schema"]
schedule = "@every 1s"
`

// application says how many visits the database has, or whatever the database has said.
const application = `
import subprocess
def app(environ, start):
    asked = subprocess.run(['psql', '-qAtc', 'select count(*) from visit'], capture_output=True, text=True)
    start('500 No' if asked.returncode else '200 OK', [])
    return [('visits: %s%s' % (asked.stdout, asked.stderr)).encode()]
`

// newShop writes the tend.toml of a shop, and what its services need.
func newShop(t *testing.T) (c *cluster, web string) {
	t.Helper()
	testenv.Need(t, "gunicorn")
	nginx := nginxPath(t)
	c, web = newCluster(t), port(t)
	conf := strings.Replace(read(t, nginxConf(c.world, web, "off")), `return 200 "hello from nginx"`, "proxy_pass http://unix:"+c.work+"/app.sock", 1)
	write(t, c.work+"/nginx.conf", conf, 0o644)
	write(t, c.work+"/app.py", application, 0o644)
	write(t, c.work+"/tend.toml", fmt.Sprintf(shop, c.port, web, nginx, c.work), 0o644)
	c.as(nobody) // the new files too
	return c, web
}

// visits asks the application for its number of visits, by way of nginx.
func visits(t *testing.T, port string) string {
	t.Helper()
	answer, err := http.Get("http://127.0.0.1:" + port + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s %v: %s", answer.Status, err, text)
	}
	return string(text)
}

// ofShop are the copies that have a process, those first that others need.
var ofShop = [...]string{"db", "app@0", "app@1", "web"}

// Three programs from one file, by apply: in order, drawn, taken back when all of tend has died, as often as you like, written
// out and unchanged, and stopped in order.
func TestShopByApply(t *testing.T) {
	t.Parallel()
	c, web := newShop(t)
	c.tend("apply", "--yes", "tend.toml").ok()
	first := visits(t, web) // at once: what counts as started serves
	graph := c.tend("graph").ok().stdout
	for _, line := range []string{"web           running\n", "└─ app        2 running\n", "   └─ schema  exited\n", "      └─ db   running\n", "visit         "} {
		if !strings.Contains(graph, line) {
			t.Errorf("the graph has no line %q:\n%s", line, graph)
		}
	}
	eventually(t, "the job is at work", func() bool { return visits(t, web) != first })

	processes := map[string]tend.Identity{}
	for _, name := range ofShop {
		processes[name] = c.running(name)
	}
	for range 3 {
		c.tendDies()
		before := visits(t, web)
		for _, name := range ofShop {
			if now := c.running(name); now != processes[name] {
				t.Errorf("%s is process %d, it was %d", name, now.PID, processes[name].PID)
			}
		}
		eventually(t, "the job is at work again", func() bool { return visits(t, web) != before })
	}

	export := c.tend("export").ok().stdout
	c.tend("apply", "--yes", "tend.toml").ok().says("= 5 unchanged")
	c.by(func(cmd *exec.Cmd) { cmd.Stdin = strings.NewReader(export) }, slices.Concat(c.launcher, []string{program, "apply", "--yes", "-"})...).
		ok().says("= 5 unchanged")
	for _, name := range ofShop {
		if now := c.running(name); now != processes[name] {
			t.Errorf("%s is process %d, it was %d", name, now.PID, processes[name].PID)
		}
	}

	c.tend("stop", "--all").ok()
	for i, name := range ofShop[1:] {
		needed := ofShop[i]
		if name == "app@1" {
			needed = "db"
		}
		if a, b := c.history(name).Runs[0], c.history(needed).Runs[0]; a.EndedAt.IsZero() || b.EndedAt.IsZero() || a.EndedAt.After(b.EndedAt) {
			t.Errorf("%s ended %s, %s %s", name, a.EndedAt, needed, b.EndedAt)
		}
	}
	for _, name := range ofShop {
		if alive(processes[name]) {
			t.Errorf("%s lives", name)
		}
	}
	silent(t, web)
	silent(t, c.port)
}

// The same by tend up: Ctrl-C ends all of it in order, and what all of them have written has been shown.
func TestShopByUp(t *testing.T) {
	t.Parallel()
	c, web := newShop(t)
	words := slices.Concat(c.launcher, []string{program, "up"})
	var out, talk bytes.Buffer
	up := exec.Command(words[0], words[1:]...)
	up.Dir, up.Env, up.Stdout, up.Stderr = c.work, c.environ, &out, &talk
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- up.Wait() }()
	t.Cleanup(func() { _ = up.Process.Kill() })
	eventually(t, "somebody has listed it", func() bool { _, err := os.Stat(c.database); return err == nil })
	eventually(t, "the file is applied", func() bool { return c.tend("wait", "web").status == 0 })
	visits(t, web)
	kill(c.running("db"))
	c.tend("wait", "db").ok()
	eventually(t, "it serves again", func() bool {
		answer, err := http.Get("http://127.0.0.1:" + web + "/")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	if err := up.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("up: %v", err)
	}
	for _, want := range []string{"db     | ", "automatic recovery in progress", "app@0  | ", "app@1  | ", "database system is shut down"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("up does not show %q:\n%s%s", want, &out, &talk)
		}
	}
	for _, name := range ofShop {
		if s := c.status(name); s.State != tend.PhaseStopped {
			t.Errorf("%s is %s", name, s.State)
		}
	}
	silent(t, web)
	silent(t, c.port)
}
