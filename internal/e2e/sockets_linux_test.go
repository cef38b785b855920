package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tend"
	"tend/internal/testenv"
)

// wrk loads a server until it is ended, each request by a connection of its own, and demands that none has failed.
func wrk(t *testing.T, port string) (end func()) {
	t.Helper()
	const longest = 60 // seconds
	var out strings.Builder
	load := exec.Command("wrk", "-t1", "-c8", "--timeout", "30s", fmt.Sprintf("-d%ds", longest), "-H", "Connection: close", "http://127.0.0.1:"+port+"/")
	load.Stdout, load.Stderr = &out, &out
	if err := load.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	t.Cleanup(func() {
		if !ended {
			load.Process.Kill()
			load.Wait()
		}
	})
	return func() {
		t.Helper()
		ended = true
		load.Process.Signal(os.Interrupt) // it says what it has seen
		if err := load.Wait(); err != nil {
			t.Errorf("wrk: %v", err)
		}
		found := regexp.MustCompile(`(\d+) requests in`).FindStringSubmatch(out.String())
		if found == nil {
			t.Fatalf("wrk says:\n%s", &out)
		}
		if n, _ := strconv.Atoi(found[1]); n < 50 {
			t.Errorf("there were no more than %d requests", n)
		}
		if strings.Contains(out.String(), "Socket errors") || strings.Contains(out.String(), "Non-2xx") {
			t.Errorf("wrk says:\n%s", &out)
		}
		t.Logf("%s requests, none failed", found[1])
	}
}

// open demands that somebody listens at the port.
func open(t *testing.T, port string) {
	t.Helper()
	out, err := exec.Command("ss", "-ltnH", "sport = :"+port).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "LISTEN") {
		t.Errorf("nobody listens at port %s: %v\n%s", port, err, out)
	}
}

// gunicorn takes its socket as systemd would hand it over. Nobody who connects is refused, whatever is restarted or killed.
func TestGunicornIsNeverRefused(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "gunicorn", "wrk", "ss")
	w, p := newWorld(t), port(t)
	write(t, w.work+"/app.py", "def app(environ, start):\n    start('200 OK', [('Content-Length', '3')])\n    return [b'ok\\n']\n", 0o644)
	w.tend("run", "-w", w.work, "--env", "PYTHONDONTWRITEBYTECODE=1", "--listen", "tcp:127.0.0.1:"+p, "--instances", "3",
		"--ready", "log:Booting worker", "web", "--", "gunicorn", "--workers", "1", "--threads", "2", "app:app").ok()
	gets(t, p)
	end := wrk(t, p)
	w.tend("restart", "web").ok()
	for range 3 {
		before := w.chain()["supervisor"]
		kill(before)
		w.tend("list").ok()
	}
	w.tend("restart", "web@1").ok()
	for _, id := range w.chain() {
		kill(id)
	}
	open(t, p)
	w.tend("restart", "web").ok()
	w.tend("scale", "web", "1").ok()
	w.tend("restart", "web").ok()
	end()
	s := w.status("web")
	w.tend("stop", "web").ok()
	silent(t, p)
	if s.State != tend.PhaseRunning {
		t.Errorf("it was %s", s.State)
	}
}

// What libsystemd itself makes of what a service is handed.
func TestLibsystemdFindsTheSockets(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "python3")
	if exec.Command("python3", "-c", "import ctypes; ctypes.CDLL('libsystemd.so.0')").Run() != nil {
		testenv.Missing(t, "not installed: libsystemd0")
	}
	w, p := newWorld(t), port(t)
	path := w.work + "/s"
	write(t, w.work+"/asks.py", `
import ctypes, socket, time
lib = ctypes.CDLL("libsystemd.so.0")
names = ctypes.POINTER(ctypes.c_char_p)()
n = lib.sd_listen_fds_with_names(0, ctypes.byref(names))
print(n, *(names[i].decode() for i in range(n)))
print(lib.sd_is_socket_inet(3, socket.AF_INET, socket.SOCK_STREAM, 1, `+p+`),
	lib.sd_is_socket_inet(4, socket.AF_UNSPEC, socket.SOCK_DGRAM, -1, `+p+`),
	lib.sd_is_socket_unix(5, socket.SOCK_STREAM, 1, b"`+path+`", 0), flush=True)
print(*(socket.socket(fileno=fd).getblocking() for fd in (3, 4, 5)), flush=True)
time.sleep(1000)
`, 0o644)
	w.tend("run", "--listen", "http=tcp:127.0.0.1:"+p, "--listen", "udp:"+p, "--listen", "unix:"+path, "asks", "--", "python3", w.work+"/asks.py").ok()
	eventually(t, "it has asked", func() bool {
		out := w.tend("logs", "--raw", "asks").ok().stdout
		return out == "3 http asks asks\n1 1 1\nTrue True True\n"
	})
	w.down("asks")
}

// Two services cannot have one port, and the error says who has it.
func TestWhoHasThePort(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "python3")
	w, p := newWorld(t), port(t)
	id := w.up("web", "--", "python3", "-m", "http.server", "--bind", "127.0.0.1", p)
	gets(t, p)
	began := time.Now()
	w.tend("run", "--listen", "tcp:"+p, "other", "--", "sleep", "1000").is(1).
		complains(fmt.Sprintf("listening on tcp:%s: the address is taken by process %d (python3, of web)", p, id.PID))
	if took := time.Since(began); took > patient {
		t.Errorf("that took %s", took)
	}
	w.down("web")
	w.tend("start", "other").ok()
	open(t, p)
	w.down("other")
	silent(t, p)
}
