package probe

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tend"
)

func attempt(t *testing.T, text string, timeout time.Duration) (Reached, error) {
	t.Helper()
	check, err := tend.ParseCheck(text)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), timeoutKey{}, timeout), timeout)
	defer cancel()
	return NewChecker().Check(ctx, check)
}

const long = time.Minute

// serve has the handler answer, and returns PORT.
func serve(t *testing.T, h http.HandlerFunc) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	return port
}

// unusedPort is a port that nobody listens on.
func unusedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

func TestTCP(t *testing.T) {
	port := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, text := range []string{"tcp:" + port, "tcp:127.0.0.1:" + port, "tcp:localhost:" + port} {
		r, err := attempt(t, text, long)
		if err != nil || !r.Here || r.Address.String() != "127.0.0.1:"+port {
			t.Errorf("%s: %+v, %v", text, r, err)
		}
	}
	unused := unusedPort(t)
	if _, err := attempt(t, "tcp:"+unused, long); err == nil || err.Error() != "connection refused on 127.0.0.1:"+unused {
		t.Error(err)
	}
}

func TestHTTP(t *testing.T) {
	port := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/sick":
			w.WriteHeader(503)
		case "/moved":
			http.Redirect(w, r, "/sick", http.StatusFound)
		case "/long":
			for range 1 << 12 {
				fmt.Fprint(w, strings.Repeat("x", 1<<10))
			}
			fmt.Fprint(w, "the end")
		case "/secret":
			if user, password, _ := r.BasicAuth(); user != "a" || password != "b" {
				w.WriteHeader(401)
			}
		default:
			fmt.Fprintf(w, "all is well on %s with %s", r.Host, r.UserAgent())
		}
	})
	for text, want := range map[string]string{
		"/":                    "",
		"/ body='is well'":     "",
		"/ body='tend'":        "",
		"/ body='ill'":         `: 200 OK, but the answer does not have "ill" in it`,
		"/ status=204":         ": 200 OK instead of 204",
		"/sick":                ": 503 Service Unavailable",
		"/sick status=500-599": "",
		"/moved":               "",
		"/moved status=200":    ": 302 Found instead of 200",
		"/long body='the end'": "does not have",
		"/long":                "",
	} {
		_, err := attempt(t, "http:"+port+text, long)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	if _, err := attempt(t, "http://a:b@127.0.0.1:"+port+"/secret", long); err != nil {
		t.Error(err)
	}
	if _, err := attempt(t, "http://a:wrong@127.0.0.1:"+port+"/secret", long); err == nil || strings.Contains(err.Error(), "wrong") {
		t.Error(err)
	}
	unused := unusedPort(t)
	if _, err := attempt(t, "http:"+unused, long); err == nil || err.Error() != "connection refused on 127.0.0.1:"+unused {
		t.Error(err)
	}
}

func TestHTTPIsNotDeceivedByAProxy(t *testing.T) {
	t.Setenv("http_proxy", "http://127.0.0.1:"+serve(t, func(http.ResponseWriter, *http.Request) {}))
	if _, err := attempt(t, "http:"+unusedPort(t), long); err == nil {
		t.Error("a proxy has answered")
	}
}

func TestAServerThatHangsIsNotWaitedFor(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = attempt(t, "http://"+l.Addr().String()+"/", 50*time.Millisecond)
	if want := "no answer from " + l.Addr().String() + " within 50ms"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestAServerThatClosesSaysNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	for range 200 { // it closes before it is asked, while, or after
		_, err = attempt(t, "http://"+l.Addr().String()+"/", long)
		if err == nil || !strings.Contains(err.Error(), "closed the connection") && !strings.Contains(err.Error(), "reset") && !strings.Contains(err.Error(), "broken pipe") {
			t.Fatal(err)
		}
	}
}

func TestHTTPOnAUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host, r.URL.Path) })}
	go server.Serve(l)
	defer server.Close()
	if r, err := attempt(t, "http:/health body=localhost/health socket="+path, long); err != nil || r.Socket != path {
		t.Error(r, err)
	}
	if _, err := attempt(t, "http:/health socket="+path+"2", long); err == nil || err.Error() != "no such file or directory on "+path+"2" {
		t.Error(err)
	}
}

func TestNoSuchHost(t *testing.T) {
	err := inWords(t.Context(), &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "db", Server: "10.0.0.1:53", IsNotFound: true}}, "db:80")
	if err.Error() != "there is no host db" {
		t.Error(err)
	}
}
