package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tend"
	"tend/internal/testenv"
)

// gets fetches a page as soon as somebody listens at the port.
func gets(t testing.TB, port string) (body string) {
	t.Helper()
	client := http.Client{Timeout: patient, Transport: &http.Transport{DisableKeepAlives: true}}
	eventually(t, "somebody answers at port "+port, func() bool {
		answer, err := client.Get("http://127.0.0.1:" + port + "/")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		body = string(text)
		return err == nil && answer.StatusCode == http.StatusOK
	})
	return body
}

// redis sends one command to a redis-server and returns the first line of the answer.
func redis(t testing.TB, port string, words ...string) (line string) {
	t.Helper()
	eventually(t, "redis answers at port "+port, func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			return false
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patient))
		fmt.Fprintf(conn, "%s\r\n", strings.Join(words, " "))
		line, err = bufio.NewReader(conn).ReadString('\n')
		return err == nil && !strings.HasPrefix(line, "-LOADING")
	})
	return strings.TrimSpace(line)
}

// silent demands that nobody listens at the port any more.
func silent(t testing.TB, port string) {
	t.Helper()
	if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
		conn.Close()
		t.Errorf("somebody still listens at port %s", port)
	}
}

func TestPythonWebServer(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "python3")
	w, p := newWorld(t), port(t)
	write(t, w.work+"/hello.txt", "hello", 0o644)
	w.up("web", "--", "python3", "-m", "http.server", "--bind", "127.0.0.1", p)
	if page := gets(t, p); !strings.Contains(page, "hello.txt") {
		t.Errorf("it serves %q", page)
	}
	eventually(t, "the log has the request", func() bool {
		return strings.Contains(w.tend("logs", "web").ok().stdout, `"GET / HTTP/1.1" 200`)
	})
	w.down("web")
	silent(t, p)

	// it comes back on the same port, and after a kill by itself
	w.tend("start", "web").ok()
	id := w.running("web")
	gets(t, p)
	kill(id)
	w.becomes("web", "is restarted", func(s tend.Status) bool { return s.State == tend.PhaseRunning && s.PID != id.PID })
	gets(t, p)
	w.down("web")
	silent(t, p)
}

func TestRedis(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "redis-server")
	w, p := newWorld(t), port(t)
	id := w.up("redis", "--", "redis-server", "--bind", "127.0.0.1", "--port", p, "--save", "", "--dir", w.work)
	if got := redis(t, p, "PING"); got != "+PONG" {
		t.Errorf("PING is answered by %q", got)
	}
	w.tend("restart", "redis").ok()
	if again := w.running("redis"); again == id || alive(id) {
		t.Errorf("after restart %v and %v", again, id)
	}
	redis(t, p, "PING")
	w.down("redis")
	silent(t, p)
	if s := w.status("redis"); s.LastExit == nil || *s.LastExit != (tend.Exit{}) {
		t.Errorf("it ended by %v; it was not left to end by itself", s.LastExit)
	}
}

func TestRedisThatGoesToTheBackground(t *testing.T) {
	t.Parallel()
	testenv.Need(t, "redis-server")
	w, p := newWorld(t), port(t)
	id := w.up("redis", "--", "redis-server", "--daemonize", "yes", "--bind", "127.0.0.1", "--port", p, "--save", "",
		"--dir", w.work, "--pidfile", w.work+"/pid", "--logfile", w.work+"/log")
	redis(t, p, "PING")
	if want := strings.TrimSpace(read(t, w.work+"/pid")); pidText(id) != want {
		t.Errorf("process %d is followed, redis says %s", id.PID, want)
	}
	quit, err := net.Dial("tcp", "127.0.0.1:"+p)
	if err != nil {
		t.Fatal(err)
	}
	defer quit.Close()
	fmt.Fprint(quit, "SHUTDOWN NOSAVE\r\n") // it ends well by itself, without an answer
	s := w.becomes("redis", "has ended", func(s tend.Status) bool { return !s.State.Live() })
	if s.State != tend.PhaseExited || s.Restarts != 0 {
		t.Errorf("it is %s after %d restarts", s.State, s.Restarts)
	}
	w.tend("start", "redis").ok()
	redis(t, p, "PING")
	w.down("redis")
	silent(t, p)
}

// nginx writes a configuration that keeps all of its files in the world's work directory.
func nginxConf(w *world, port, daemon string) string {
	var temporary strings.Builder
	for _, what := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&temporary, "%s_temp_path %s/%s;\n", what, w.work, what)
	}
	return write(w.t, w.work+"/nginx.conf", fmt.Sprintf(`
daemon %s; worker_processes 2; pid %s/pid; error_log %[2]s/error.log;
events { worker_connections 64; }
http { access_log off; %s
	server { listen 127.0.0.1:%s; location / { return 200 "hello from nginx"; } }
}`, daemon, w.work, &temporary, port), 0o644)
}

func TestNginx(t *testing.T) {
	for name, daemon := range map[string]string{"in the foreground": "off", "in the background": "on"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nginx := nginxPath(t)
			w, p := newWorld(t), port(t)
			id := w.up("nginx", "--", nginx, "-c", nginxConf(w, p, daemon), "-e", w.work+"/error.log")
			if page := gets(t, p); page != "hello from nginx" {
				t.Errorf("it serves %q", page)
			}
			if want := strings.TrimSpace(read(t, w.work+"/pid")); pidText(id) != want {
				t.Errorf("process %d is followed, nginx says %s", id.PID, want)
			}
			workers := below(id.PID)
			if len(workers) != 2 {
				t.Errorf("its workers are %v", workers)
			}
			w.down("nginx")
			silent(t, p)
			for _, worker := range workers {
				if alive(worker.Identity) {
					t.Errorf("still there: %s", worker)
				}
			}

			// the master is killed: the workers have to go before a second copy may begin
			w.tend("start", "nginx").ok()
			id = w.running("nginx")
			gets(t, p)
			workers = below(id.PID)
			kill(id)
			w.becomes("nginx", "is restarted", func(s tend.Status) bool { return s.State == tend.PhaseRunning && s.PID != id.PID })
			for _, worker := range workers {
				if alive(worker.Identity) {
					t.Errorf("still there after a restart: %s", worker)
				}
			}
			if page := gets(t, p); page != "hello from nginx" {
				t.Errorf("it serves %q", page)
			}
			w.down("nginx")
			silent(t, p)
		})
	}
}

// nginxPath finds nginx, which Debian keeps where only root's PATH looks.
func nginxPath(t testing.TB) string {
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/usr/local/sbin") {
		if info, err := os.Stat(filepath.Join(dir, "nginx")); err == nil && info.Mode()&0o111 != 0 {
			return filepath.Join(dir, "nginx")
		}
	}
	testenv.Missing(t, "not installed: nginx")
	return ""
}
