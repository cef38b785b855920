package hook

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tend"
	"tend/task"
)

const patience = time.Minute

// world is a history, and hooks that are told of it.
type world struct {
	*testing.T
	dir string
	set *Set

	mu       sync.Mutex
	history  []tend.Entry
	troubles chan string
	commands chan string
	result   task.Result
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, dir: t.TempDir(), troubles: make(chan string, 100), commands: make(chan string, 100)}
	t.Cleanup(func() { goleak.VerifyNone(t) })
	w.begin()
	t.Cleanup(func() { w.set.Close() })
	return w
}

func (w *world) begin() {
	w.set = New(Host{
		Name: "here", Settled: func() {}, Logf: w.Logf,
		Entries: func(_ context.Context, service string, after int64) (found []tend.Entry, err error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, e := range w.history {
				if e.Service == service && e.ID > after {
					found = append(found, e)
				}
			}
			return found, nil
		},
		Run: func(_ context.Context, t Target, env []string, stdin []byte) (task.Result, error) {
			w.commands <- strings.Join(env[:2], " ") + " " + string(stdin)
			return w.result, nil
		},
		Trouble: func(_, text string) { w.troubles <- text },
	})
}

// want sets hooks of the service web.
func (w *world) want(hooks ...string) {
	w.Helper()
	var targets []Target
	for _, h := range hooks {
		targets = append(targets, Target{Service: tend.Service{Name: "web"}, Hook: h, Cursors: filepath.Join(w.dir, "logs", "web.hooks")})
	}
	if err := w.set.Want(targets, func() (int64, error) { return int64(len(w.history)), nil }); err != nil {
		w.Fatal(err)
	}
}

func (w *world) happens(kind tend.NoteKind, text string) {
	w.mu.Lock()
	w.history = append(w.history, tend.Entry{ID: int64(len(w.history) + 1), At: time.Unix(1, 0), Service: "web", Kind: kind, Text: text, Run: "R"})
	w.mu.Unlock()
	w.set.Tell("web")
}

func await(t *testing.T, from chan string, want string) {
	t.Helper()
	select {
	case got := <-from:
		if !strings.Contains(got, want) {
			t.Fatalf("%q, not %q", got, want)
		}
	case <-time.After(patience):
		t.Fatalf("%q has not come", want)
	}
}

// server answers with the statuses, the last one for ever, and says what it got.
func server(t *testing.T, statuses ...int) (address string, got chan string) {
	got = make(chan string, 100)
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e tend.HookEvent
		err := json.NewDecoder(r.Body).Decode(&e)
		got <- fmt.Sprintf("%s %s %d v%d %s %s %s %s %s %v", r.Method, r.Header.Get("Tend-Event-Id"), e.ID, e.Version, e.Host, e.Service, e.Event, e.Text, e.Run, err)
		w.WriteHeader(statuses[min(n, len(statuses)-1)])
		n++
	}))
	t.Cleanup(s.Close)
	return s.URL + "/secret?token=hush", got
}

// One event after the other is told of, of those kinds that are wanted; what was before the hook is not.
func TestEventsAreToldInOrder(t *testing.T) {
	w := newWorld(t)
	address, got := server(t, 204)
	w.happens(tend.NoteReady, "before")
	w.want(address, "command")
	w.happens(tend.NoteStarting, "not wanted")
	w.happens(tend.NoteReady, "is ready")
	w.happens(tend.NoteEnded, "exited with status 3")
	w.happens(tend.NoteHook, "not told")
	await(t, got, "POST 3 3 v1 here web ready is ready R <nil>")
	await(t, got, "POST 4 4 v1 here web ended exited with status 3 R <nil>")
	await(t, w.commands, `TEND_EVENT=ready TEND_TEXT=is ready {"version":1,"id":3,`)
	await(t, w.commands, `TEND_EVENT=ended`)
	w.happens(tend.NoteFailed, "last")
	await(t, got, "POST 6 6")
	await(t, w.commands, "TEND_EVENT=failed")
	if len(got) != 0 || len(w.commands) != 0 || len(w.troubles) != 0 {
		t.Error("more was told")
	}
}

// The hooks of a service that is removed are told of what has happened to it, and then there is nothing left of them. What
// fails is not tried again.
func TestHooksOfAServiceThatIsRemoved(t *testing.T) {
	w := newWorld(t)
	address, got := server(t, 500)
	w.want(address, "command")
	w.happens(tend.NoteReady, "is ready")
	await(t, w.commands, "TEND_EVENT=ready")
	await(t, got, "POST 1")
	await(t, w.troubles, "tend keeps trying")
	w.mu.Lock()
	w.history = append(w.history, tend.Entry{ID: 2, Service: "web", Kind: tend.NoteStopped})
	w.mu.Unlock()
	w.set.Part("web")
	w.want()
	await(t, w.commands, "TEND_EVENT=stopped")
	await(t, got, "POST 1")
	w.set.work.Wait()
	if w.set.Busy() || len(got) > 0 {
		t.Error("it is tried again")
	}
	if _, err := os.Stat(filepath.Join(w.dir, "logs", "web.hooks")); !os.IsNotExist(err) {
		t.Errorf("a cursor is left: %v", err)
	}
	w.want("command")
	w.happens(tend.NoteReady, "another one of that name")
	await(t, w.commands, "another one of that name")
}

// A service of the same name goes on where the one before it was.
func TestRemovedAndAddedAgain(t *testing.T) {
	w := newWorld(t)
	address, got := server(t, 500, 500, 204)
	w.want(address)
	w.happens(tend.NoteReady, "is ready")
	await(t, got, "POST 1")
	w.set.Part("web")
	w.want(address)
	w.happens(tend.NoteReady, "is ready again")
	for range 3 {
		select {
		case at := <-got:
			if strings.HasPrefix(at, "POST 2") {
				return
			}
		case <-time.After(patience):
			t.Fatal("it is told of nothing")
		}
	}
	await(t, got, "POST 2")
}

func TestCopiesAreToldApart(t *testing.T) {
	w := newWorld(t)
	s := tend.Service{Name: "web", Settings: tend.Settings{Instances: 2}}
	target := Target{Service: s, Hook: "x", Cursors: filepath.Join(w.dir, "logs", "web.hooks")}
	if err := w.set.Want([]Target{target}, func() (int64, error) { return 0, nil }); err != nil {
		t.Fatal(err)
	}
	w.happens(tend.NoteReady, "is ready")
	await(t, w.commands, `"service":"web@0"`)
}

// An address that fails is tried again, before anything else is sent there, and how it fails is told; another hook does not
// wait for it. No secret is told.
func TestAnAddressThatFails(t *testing.T) {
	w := newWorld(t)
	address, got := server(t, 500, 503, 204)
	w.want(address, "command")
	w.happens(tend.NoteReady, "one")
	w.happens(tend.NoteEnded, "two")
	await(t, w.commands, "one")
	await(t, w.commands, "two")
	await(t, got, "POST 1 1")
	text := <-w.troubles
	if !strings.HasPrefix(text, "its events cannot be told to http://127.0.0.1:") || !strings.HasSuffix(text, "/***: it answered 500 Internal Server Error; tend keeps trying") {
		t.Errorf("%q", text)
	}
	await(t, got, "POST 1 1")
	await(t, w.troubles, "503 Service Unavailable; tend keeps trying")
	await(t, got, "POST 1 1")
	await(t, got, "POST 2 2")
	if text := <-w.troubles; text != "" {
		t.Errorf("%q", text)
	}
}

func TestWhatIsGivenUp(t *testing.T) {
	w := newWorld(t)
	address, got := server(t, 404, 204)
	w.want(address)
	w.happens(tend.NoteReady, "one")
	w.happens(tend.NoteEnded, "two")
	await(t, got, "POST 1 1")
	await(t, w.troubles, "it answered 404 Not Found; that event is given up")
	await(t, got, "POST 2 2")
	if text := <-w.troubles; text != "" { // before that it would not hear the answer any more when it is no hook
		t.Errorf("%q", text)
	}
	w.result.Exit.Code = 1
	w.want("command")
	w.happens(tend.NoteReady, "three")
	await(t, w.commands, "three")
	await(t, w.troubles, "it exited with status 1; that event is given up")
}

// Nobody listens, or is trusted: that is told without the address.
func TestNobodyListens(t *testing.T) {
	w := newWorld(t)
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	w.want(s.URL+"/secret", "http://127.0.0.1:1/secret")
	w.happens(tend.NoteReady, "one")
	for range 2 {
		if text := <-w.troubles; strings.Contains(text, "secret") || !strings.Contains(text, "certificate") && !strings.Contains(text, "refused") {
			t.Errorf("%q", text)
		}
	}
	if w.set.Busy() {
		for end := time.Now().Add(patience); w.set.Busy() && time.Now().Before(end); time.Sleep(time.Millisecond) {
		}
		if w.set.Busy() {
			t.Error("whoever wants to leave waits for an address that does not answer")
		}
	}
}

// What was not told, or not noted, when everything died is told by the next one, with the same id.
func TestNothingIsLost(t *testing.T) {
	w := newWorld(t)
	address, got := server(t, 500, 500, 204)
	w.want(address)
	w.happens(tend.NoteReady, "one")
	await(t, got, "POST 1 1")
	w.set.Close()
	w.happens(tend.NoteEnded, "meanwhile")
	w.begin()
	w.want(address)
	for {
		line := <-got
		if strings.HasPrefix(line, "POST 2 2") {
			break
		}
		if !strings.HasPrefix(line, "POST 1 1") {
			t.Fatal(line)
		}
	}
	w.set.Close()
	w.begin()
	w.want(address)
	w.happens(tend.NoteFailed, "three")
	for line := range got {
		if strings.HasPrefix(line, "POST 3 3") {
			break
		}
		if !strings.HasPrefix(line, "POST 2 2") { // that it was told may not have been noted
			t.Fatal(line)
		}
	}
	if info, err := os.Stat(filepath.Join(w.dir, "logs", "web.hooks")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the cursors: %v, %v", info.Mode(), err)
	}
}

// Nothing is left of hooks that are no more, and the file that names them goes with the last.
func TestCursorsGoWithTheHooks(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(w.dir, "logs", "web.hooks")
	w.want("one", "two")
	w.happens(tend.NoteReady, "x")
	for range 2 {
		<-w.commands
	}
	w.want("two")
	if c := readCursors(path); len(c) != 1 {
		t.Errorf("%v", c)
	}
	w.want()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}
