package api

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tend"
)

// fake is a supervisor that answers as a test says.
type fake struct {
	asked    tend.Query
	request  tend.Request
	news     []tend.Progress
	err      error
	visitors chan int      // how many are being answered, each time that changes
	waits    chan struct{} // Statuses waits until it is closed, if it is there
	inside   int
}

func (f *fake) Statuses(_ context.Context, q tend.Query) ([]tend.Status, error) {
	f.asked = q
	if f.waits != nil {
		<-f.waits
	}
	return []tend.Status{{Name: "web", State: tend.PhaseRunning, PID: 7}}, f.err
}

func (f *fake) Do(_ context.Context, r tend.Request, report func(tend.Progress)) error {
	f.request = r
	for _, p := range f.news {
		report(p)
	}
	return f.err
}

func (f *fake) Changed(context.Context) error { return f.err }

func (f *fake) Visit() (leave func()) {
	f.inside++
	f.visitors <- f.inside
	return func() {
		f.inside--
		f.visitors <- f.inside
	}
}

func serve(t *testing.T, f *fake) (*Server, *Client) {
	t.Helper()
	f.visitors = make(chan int, 100)
	dir, err := os.MkdirTemp("", "api") // short: the path of a socket has 108 bytes at most
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(filepath.Join(dir, "sock"), f)
	if err := server.Open(); err != nil {
		t.Fatal(err)
	}
	client := NewClient(server.socket)
	t.Cleanup(func() {
		client.Close()
		server.http.Close()
		os.RemoveAll(dir)
		goleak.VerifyNone(t)
	})
	return server, client
}

// Whoever waits for an answer when the place is handed over is cut off, and may ask the next supervisor.
func TestHandOverCutsOff(t *testing.T) {
	f := &fake{waits: make(chan struct{})}
	server, client := serve(t, f)
	cut := make(chan error, 1)
	go func() {
		_, err := client.Statuses(t.Context(), tend.Query{})
		cut <- err
	}()
	<-f.visitors
	server.HandOver()
	if err := <-cut; !errors.Is(err, ErrCut) {
		t.Errorf("%v", err)
	}
	close(f.waits)
	<-f.visitors
}

func TestStatusesComeAcross(t *testing.T) {
	f := &fake{}
	_, client := serve(t, f)
	found, err := client.Statuses(t.Context(), tend.Query{Words: []string{"w*", "odd name/&?"}, Brief: true})
	if err != nil || len(found) != 1 || found[0].Name != "web" || found[0].PID != 7 {
		t.Errorf("%+v, %v", found, err)
	}
	if !slices.Equal(f.asked.Words, []string{"w*", "odd name/&?"}) || !f.asked.Brief {
		t.Errorf("asked was %+v", f.asked)
	}
	if got := []int{<-f.visitors, <-f.visitors}; !slices.Equal(got, []int{1, 0}) {
		t.Errorf("visitors: %v", got)
	}
}

func TestNewsComesInOrder(t *testing.T) {
	f := &fake{news: []tend.Progress{
		{Service: "web", Kind: tend.ProgressStarting}, {Service: "web", Kind: tend.ProgressStarted, PID: 7, Done: true},
	}}
	_, client := serve(t, f)
	since := time.Now()
	var got []tend.Progress
	request := tend.Request{Command: tend.CommandStart, Words: []string{"web"}, Since: since}
	err := client.Do(t.Context(), request, func(p tend.Progress) { got = append(got, p) })
	if err != nil || len(got) != 2 || got[0].Kind != tend.ProgressStarting || got[1].PID != 7 {
		t.Errorf("%+v, %v", got, err)
	}
	if f.request.Command != tend.CommandStart || !f.request.Since.Equal(since) {
		t.Errorf("asked was %+v", f.request)
	}
}

// An error keeps its code and its hint on the way, also after news.
func TestErrorsComeAcross(t *testing.T) {
	want := tend.Errorf(tend.CodeNoService, "no such service: wbe").About("wbe").WithHint("did you mean web?")
	f := &fake{err: want, news: []tend.Progress{{Service: "a"}}}
	_, client := serve(t, f)
	_, statuses := client.Statuses(t.Context(), tend.Query{})
	for name, err := range map[string]error{
		"statuses": statuses,
		"do":       client.Do(t.Context(), tend.Request{}, func(tend.Progress) {}),
		"changed":  client.Changed(t.Context()),
	} {
		if e := tend.AsError(err); e == nil || e.Code != want.Code || e.Error() != want.Error() || e.Service != "wbe" {
			t.Errorf("%s: %v", name, err)
		}
	}
	f.err = errors.New("something else")
	if err := client.Changed(t.Context()); tend.CodeOf(err) != tend.CodeFailed || err.Error() != "something else" {
		t.Errorf("%v", err)
	}
}

func TestNobodyIsThere(t *testing.T) {
	dir := t.TempDir()
	gone := filepath.Join(dir, "gone")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: gone, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	listener.Close() // as a supervisor that was killed leaves it
	for _, socket := range []string{filepath.Join(dir, "never"), gone} {
		client := NewClient(socket)
		if _, err := client.Statuses(t.Context(), tend.Query{}); !errors.Is(err, ErrNoSupervisor) {
			t.Errorf("%s: %v", socket, err)
		}
		client.Close()
	}
}

// A supervisor that dies in the middle of an answer is told from one that has said all.
func TestCutAnswers(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	for name, answer := range map[string]string{
		"nothing": "", "head": head, "news": head + "1e\r\n{\"progress\":{\"service\":\"web\"}}\r\n",
		"no last line": head + "20\r\n{\"progress\":{\"service\":\"web\"}}\n\n\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			socket := filepath.Join(t.TempDir(), "s")
			listener, err := net.Listen("unix", socket)
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				conn.Read(make([]byte, 4096))
				conn.Write([]byte(answer))
				conn.Close()
			}()
			client := NewClient(socket)
			defer client.Close()
			err = client.Do(t.Context(), tend.Request{}, func(tend.Progress) {})
			if !errors.Is(err, ErrCut) {
				t.Errorf("%v", err)
			}
		})
	}
}

// The door opens in the place of a dead one, can be closed and opened again, and once closed leaves nothing.
func TestTheDoor(t *testing.T) {
	f := &fake{}
	server, client := serve(t, f)
	info, err := os.Lstat(server.socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info.Mode(), err)
	}
	server.Close()
	if _, err := os.Lstat(server.socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket of a closed door: %v", err)
	}
	client.Close() // or it would go on by the connection that it has
	if err := client.Changed(t.Context()); !errors.Is(err, ErrNoSupervisor) {
		t.Errorf("the door is closed: %v", err)
	}
	if err := server.Open(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(server.socket); err != nil || server.InPlace() {
		t.Errorf("the socket was removed by somebody else: %v", err)
	}
	if err := server.Open(); err != nil || !server.InPlace() {
		t.Errorf("the socket is made again: %v", err)
	}
	if err := client.Changed(t.Context()); err != nil {
		t.Errorf("at the socket that was made again: %v", err)
	}
	client.Close()
	server.HandOver()
	if _, err := os.Lstat(server.socket); err != nil {
		t.Errorf("the socket that was handed over: %v", err)
	}
	if err := client.Changed(t.Context()); !errors.Is(err, ErrNoSupervisor) {
		t.Errorf("the door was handed over: %v", err)
	}
	server = NewServer(server.socket, f)
	if err := server.Open(); err != nil { // in the place of the one that nobody listens at
		t.Fatal(err)
	}
	if err := client.Changed(t.Context()); err != nil {
		t.Error(err)
	}
	server.Close()
}
