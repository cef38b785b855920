package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"tend"
	"tend/internal/testenv"
	"tend/process"
)

// answering writes a configuration of nginx by which it answers everything like that.
func answering(w *world, port, answer string) (path string) {
	path = nginxConf(w, port, "off")
	text := strings.Replace(read(w.t, path), `return 200 "hello from nginx"`, "return "+answer, 1)
	return write(w.t, path, text, 0o644)
}

// A reload, by the signal and by nginx's own command, is noticed by nobody who asks. A configuration that is wrong is told of,
// and nginx goes on with the former one.
func TestReloadOfNginx(t *testing.T) {
	for name, signal := range map[string]bool{"by a signal": true, "by a command": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testenv.Need(t, "wrk")
			nginx := nginxPath(t)
			w, p := newWorld(t), port(t)
			conf := answering(w, p, `200 "one"`)
			again := fmt.Sprintf("command:%s -c %s -e %s/error.log -s reload", nginx, conf, w.work)
			if signal {
				again = "HUP"
			}
			w.tend("run", "--ready", "http:"+p+"/ body=one", "--reload", again, "web", "--", nginx, "-c", conf, "-e", w.work+"/error.log").ok()
			id := w.running("web")
			end := wrk(t, p)
			for _, answer := range []string{"two", "three", "four"} {
				answering(w, p, `200 "`+answer+`"`)
				w.tend("reload", "web").ok().says("Reloading web ...", "... reloaded web")
				eventually(t, "it answers "+answer, func() bool { return gets(t, p) == answer })
			}
			kill(w.chain()["supervisor"])
			w.tend("reload", "web").ok()
			write(t, conf, "nonsense;", 0o644)
			if r := w.tend("reload", "web"); !signal {
				r.is(1).complains("web: its reload command exited with status 1: ", `unknown directive "nonsense"`, "it runs on as before")
			}
			if w.running("web") != id {
				t.Error("it does not go on as before")
			}
			// Workers that are on their way out may still answer what they answered before.
			eventually(t, "it answers as before", func() bool { return gets(t, p) == "four" })
			end()
			w.down("web")
			silent(t, p)
		})
	}
}

// nginx lives, and does not serve: its workers are suspended, or its configuration has become one that answers errors. That is
// found by asking it; and it comes back as soon as it can.
func TestNginxThatIsNotWell(t *testing.T) {
	t.Parallel()
	nginx := nginxPath(t)
	w, p := newWorld(t), port(t)
	conf := answering(w, p, `200 "well"`)
	w.tend("run", "--ready", "http:"+p+"/ body=well", "--health", "http:"+p+"/ body=well", "--health-interval", "100ms", "--health-timeout", "500ms",
		"--health-failures", "2", "--ready-timeout", "2s", "--backoff", "50ms..200ms", "web", "--", nginx, "-c", conf, "-e", w.work+"/error.log").ok()
	id := w.running("web")
	workers := below(id.PID)
	for _, worker := range workers {
		if err := process.Signal(worker.Identity, "STOP"); err != nil {
			t.Fatal(err)
		}
	}
	s := w.restarted("web", id)
	for _, worker := range workers {
		if alive(worker.Identity) {
			t.Errorf("left behind: %s", worker)
		}
	}
	if run := w.history("web").Runs[1]; !strings.Contains(run.How, "was ended, because it failed its health check 2 times in a row: no answer from ") {
		t.Errorf("the history says %+v", run)
	}
	gets(t, p)

	// the configuration goes bad
	answering(w, p, `503 "busy"`)
	w.tend("reload", "web").ok()
	s = w.becomes("web", "is not ready", func(s tend.Status) bool { return s.State == tend.PhaseStarting && strings.Contains(s.Unready, "503") })
	if r := w.tend("why", "web"); !strings.Contains(r.stdout, "failed its health check 2 times in a row: GET http://localhost:"+p+"/: 503") {
		t.Errorf("it does not say why: %s", r)
	}
	answering(w, p, `200 "well"`)
	w.becomes("web", "is well again", func(now tend.Status) bool { return now.State == tend.PhaseRunning && now.PID != s.PID })
	if page := gets(t, p); page != "well" {
		t.Errorf("it answers %q", page)
	}
	if _, err := os.Stat(w.work + "/pid"); err != nil {
		t.Error(err)
	}
	w.down("web")
	silent(t, p)
}
