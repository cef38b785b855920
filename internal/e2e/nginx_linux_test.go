package e2e

import (
	"fmt"
	"strings"
	"testing"

	"tend/internal/testenv"
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
			if gets(t, p) != "four" || w.running("web") != id {
				t.Error("it does not go on as before")
			}
			end()
			w.down("web")
			silent(t, p)
		})
	}
}
