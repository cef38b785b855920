package notify

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = time.Minute

// listener is a server whose news can be waited for.
type listener struct {
	*testing.T
	*Server
	news   chan News
	hungUp chan string
}

func listen(t *testing.T) *listener {
	t.Helper()
	l := &listener{T: t, news: make(chan News, 100), hungUp: make(chan string, 100)}
	l.Server = NewServer(Events{News: func(n News) { l.news <- n }, HungUp: func(key string) { l.hungUp <- key }})
	t.Cleanup(l.Close)
	return l
}

func (l *listener) hear() News {
	l.Helper()
	return within(l.T, l.news)
}

// heard waits for news and is done with it.
func (l *listener) heard(want string) News {
	l.Helper()
	n := l.hear()
	if n.Status == nil || *n.Status != want {
		l.Fatalf("news is %s (%v), should be %q", text(n.Message), n.Err, want)
	}
	l.Done(n)
	return n
}

func (l *listener) silent() {
	l.Helper()
	select {
	case n := <-l.news:
		l.Errorf("unexpected: %s (%v)", text(n.Message), n.Err)
	default:
	}
}

func within[T any](t *testing.T, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	return v
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// socket binds one and returns it with a client of it.
func socket(t *testing.T) (*os.File, *net.UnixConn) {
	t.Helper()
	dir, err := os.MkdirTemp("", "n")
	check(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	f, err := Bind(path)
	check(t, err)
	client, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	check(t, err)
	t.Cleanup(func() { client.Close() })
	return f, client
}

func say(t *testing.T, client *net.UnixConn, text string, files ...*os.File) {
	t.Helper()
	var rights []byte
	if len(files) > 0 {
		var fds []int
		for _, f := range files {
			fds = append(fds, int(f.Fd()))
		}
		rights = unix.UnixRights(fds...)
	}
	conn, err := client.SyscallConn()
	check(t, err)
	check(t, conn.Control(func(fd uintptr) { err = unix.Sendmsg(int(fd), []byte(text), rights, nil, 0) }))
	check(t, err)
}

// dup is what a successor has of the file.
func dup(t *testing.T, f *os.File) *os.File {
	t.Helper()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	check(t, err)
	return os.NewFile(uintptr(fd), f.Name())
}

func TestServerTellsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	l := listen(t)
	f, client := socket(t)
	check(t, l.AddSocket("one", f))
	say(t, client, "STATUS=a")
	say(t, client, "WATCHDOG=1")
	say(t, client, "STATUS=b")
	say(t, client, "X_UNKNOWN=1")
	first := l.hear()
	if first.PID != os.Getpid() || first.Key != "one" {
		t.Errorf("it is from %d by %q", first.PID, first.Key)
	}
	if !l.Fresh(first) {
		t.Error("the news is not fresh")
	}
	if last, unread := l.Pinged("one"); !last.IsZero() || !unread {
		t.Errorf("pinged at %v, unread %v, before the first was done with", last, unread)
	}
	l.silent()
	l.Done(first)
	l.Done(first) // late, and twice
	l.heard("b")
	if last, _ := l.Pinged("one"); last.IsZero() {
		t.Error("no ping was received")
	}
	if l.Fresh(first) {
		t.Error("what was done with is fresh")
	}
}

// What is not done with is heard by the next server, with what came along.
func TestNothingIsLostWhenAServerIsReplaced(t *testing.T) {
	t.Parallel()
	f, client := socket(t)
	first, second := listen(t), listen(t)
	kept := dup(t, f)
	check(t, first.AddSocket("s", f))
	_, w, err := os.Pipe()
	check(t, err)
	defer w.Close()
	say(t, client, "STATUS=a")
	say(t, client, "STATUS=b\nFDSTORE=1", w)
	first.heard("a")
	n := first.hear()
	n.Close()
	first.Close()
	say(t, client, "STATUS=c")
	check(t, second.AddSocket("s", kept))
	again := second.heard("b")
	if len(again.Files) != 1 {
		t.Errorf("%d files came along", len(again.Files))
	}
	again.Close()
	second.heard("c")
}

// A barrier is passed when what was sent before it is done with, and not before.
func TestBarrier(t *testing.T) {
	t.Parallel()
	l := listen(t)
	f, client := socket(t)
	check(t, l.AddSocket("s", f))
	r, w, err := os.Pipe()
	check(t, err)
	defer r.Close()
	say(t, client, "STATUS=a")
	say(t, client, "BARRIER=1", w)
	w.Close()
	passed := func() bool {
		fds := []unix.PollFd{{Fd: int32(r.Fd())}}
		n, _ := unix.Poll(fds, 0)
		return n > 0
	}
	n := l.hear()
	if passed() {
		t.Error("it was passed before the message")
	}
	l.Done(n)
	until(t, "the barrier is passed", passed)
	l.silent()
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited until %s", what)
		}
	}
}

// What nobody asked to keep is closed, and what cannot be understood does no harm.
func TestGarbage(t *testing.T) {
	t.Parallel()
	l := listen(t)
	f, client := socket(t)
	check(t, l.AddSocket("s", f))
	r, w, err := os.Pipe()
	check(t, err)
	defer r.Close()
	for _, garbage := range []string{"\x00\x01\x02", "=", "READY", "X=" + strings.Repeat("y", 1000), "\n\n"} {
		say(t, client, garbage, w)
	}
	w.Close()
	say(t, client, strings.Repeat("z", MaxMessage+1))
	say(t, client, "ERRNO=none\nSTATUS=b")
	for _, want := range []string{"zero byte", "longer", "ERRNO"} {
		n := l.hear()
		if n.Err == nil || !strings.Contains(n.Err.Error(), want) {
			t.Errorf("%s: %v, should speak of %q", text(n.Message), n.Err, want)
		}
		if len(n.Files) > 0 {
			t.Error("a file was kept")
		}
		l.Done(n)
	}
	until(t, "all is closed", func() bool {
		fds := []unix.PollFd{{Fd: int32(r.Fd())}}
		n, _ := unix.Poll(fds, 0)
		return n > 0
	})
}

// A full queue makes whoever sends wait, and go on when there is a server.
func TestFullQueue(t *testing.T) {
	t.Parallel()
	l := listen(t)
	f, client := socket(t)
	const many = 100
	sent := make(chan error)
	go func() {
		for i := range many {
			if _, err := client.Write(fmt.Appendf(nil, "STATUS=%d", i)); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	select {
	case err := <-sent:
		t.Fatalf("nobody had to wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	check(t, l.AddSocket("s", f))
	for i := range many {
		l.heard(fmt.Sprint(i))
	}
	check(t, within(t, sent))
}

// next returns what is told by Next, and is not done with it.
func (l *listener) next(want ...string) (last News) {
	l.Helper()
	for _, status := range want {
		n, found := l.Next("s")
		if !found || n.Status == nil || *n.Status != status {
			l.Fatalf("the next is %s (%v), should be %q", text(n.Message), n.Err, status)
		}
		last = n
	}
	if n, found := l.Next("s"); found {
		l.Fatalf("there is one more: %s", text(n.Message))
	}
	return last
}

func TestNext(t *testing.T) {
	t.Parallel()
	l := listen(t)
	f, client := socket(t)
	check(t, l.AddSocket("s", f))
	say(t, client, "STATUS=a")
	a := l.hear()
	say(t, client, "WATCHDOG=1")
	say(t, client, "")
	say(t, client, "STATUS=b")
	b := l.next("a", "b")
	if l.Fresh(a) {
		t.Error("what was told again is fresh")
	}
	say(t, client, "STATUS=c")
	c := l.next("c") // before what follows from the others is written down
	say(t, client, "STATUS=d")
	l.Done(a)
	l.Done(b)
	l.Done(b) // too late: it must not take the next one out
	l.silent()
	l.Done(c)
	l.heard("d")
	l.next()
}

// What was looked at and not done with is there for whoever comes next, wherever we died.
func TestNextLeavesEverything(t *testing.T) {
	t.Parallel()
	l := listen(t)
	f, client := socket(t)
	check(t, l.AddSocket("s", dup(t, f)))
	say(t, client, "")
	for _, status := range []string{"a", strings.Repeat("x", MaxMessage), "b"} {
		say(t, client, "STATUS="+status)
	}
	until(t, "the empty one is taken out", func() bool { return len(l.news) > 0 })
	for range 2 {
		if n, found := l.Next("s"); !found || n.Status == nil || *n.Status != "a" {
			t.Fatalf("the first is %s", text(n.Message))
		}
		if n, found := l.Next("s"); !found || n.Err == nil {
			t.Fatalf("what is too long is %s", text(n.Message))
		}
		l.next("b")
		peekFrom(int(f.Fd()), 100) // as if it had died while it looked there
		l = listen(t)
		check(t, l.AddSocket("s", dup(t, f)))
	}
	f.Close()
	l.heard("a")
	n := l.hear()
	l.Done(n)
	l.heard("b")
}

// Who may speak may depend on what is said.
func TestNextHeedsRestrict(t *testing.T) {
	t.Parallel()
	l := listen(t)
	f, client := socket(t)
	check(t, l.AddSocket("s", f))
	for _, status := range []string{"a", "b", "c"} {
		say(t, client, "STATUS="+status)
	}
	if _, found := l.Next("s"); !found {
		t.Fatal("there is none")
	}
	l.Restrict("s", 1)
	l.next()
	l.Restrict("s", 0)
	l.next("b", "c")
}

// A line in a pipe is told once by Next, whoever was told before.
func TestNextOfAPipe(t *testing.T) {
	t.Parallel()
	l := listen(t)
	service, read, err := NewPipe()
	check(t, err)
	defer service.Close()
	check(t, l.AddPipe("p", read))
	if _, found := l.Next("p"); found {
		t.Fatal("there is a line")
	}
	_, err = service.WriteString("\n")
	check(t, err)
	told := l.hear()
	if n, found := l.Next("p"); !found || !n.Ready || l.Fresh(told) {
		t.Errorf("told %v: %s", found, text(n.Message))
	}
	if _, found := l.Next("p"); found {
		t.Error("it is told twice")
	}
}

func TestRestrict(t *testing.T) {
	t.Parallel()
	l := listen(t)
	f, client := socket(t)
	check(t, l.AddSocket("s", f))
	l.Restrict("s", 1)
	say(t, client, "STATUS=a")
	say(t, client, "WATCHDOG=1")
	until(t, "it is read", func() bool { _, unread := l.Pinged("s"); return !unread })
	if last, _ := l.Pinged("s"); !last.IsZero() {
		t.Error("it was pinged")
	}
	l.Restrict("s", 0)
	say(t, client, "STATUS=b")
	l.heard("b")
}

func TestPipe(t *testing.T) {
	t.Parallel()
	l := listen(t)
	for key, words := range map[string][]string{"at once": {"\n"}, "in pieces": {"x", "yz", "\n"}, "with more": {"abc\ndef"}} {
		service, read, err := NewPipe()
		check(t, err)
		kept := dup(t, read)
		check(t, l.AddPipe(key, read))
		for i, word := range words {
			_, err := service.WriteString(word)
			check(t, err)
			if i < len(words)-1 {
				until(t, "it is taken out", func() bool { return !readable(int(kept.Fd())) })
				l.silent()
			}
		}
		if n := l.hear(); !n.Ready || n.Key != key {
			t.Errorf("%s: news of %q: %s", key, n.Key, text(n.Message))
		}
		l.Remove(key)
		check(t, l.AddPipe(key, kept)) // who comes after us hears it as well
		if n := l.hear(); !n.Ready {
			t.Errorf("%s: news for the next: %s", key, text(n.Message))
		}
		l.Remove(key)
		_, err = service.WriteString("no SIGPIPE")
		check(t, err)
		service.Close()
	}
}

// A pipe that is closed before it has said anything costs nothing.
func TestPipeIsClosed(t *testing.T) {
	t.Parallel()
	l := listen(t)
	service, read, err := NewPipe()
	check(t, err)
	check(t, l.AddPipe("p", read))
	service.WriteString("nothing")
	service.Close()
	until(t, "nothing is waited for any more", func() bool { return waitsFor(t, l.Server) == 0 })
	l.silent()
}

// waitsFor is what epoll waits for of the one source that there is.
func waitsFor(t *testing.T, s *Server) (interest uint32) {
	t.Helper()
	info, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", s.epoll.Fd()))
	check(t, err)
	_, text, _ := strings.Cut(string(info), "events:")
	_, err = fmt.Sscanf(text, "%x", &interest)
	check(t, err)
	return interest & (unix.EPOLLIN | unix.EPOLLHUP)
}

func TestHeld(t *testing.T) {
	t.Parallel()
	l := listen(t)
	r, w, err := os.Pipe()
	check(t, err)
	check(t, l.AddHeld("pipe", r))
	file, err := os.Open(os.Args[0])
	check(t, err)
	if err := l.AddHeld("file", file); err == nil {
		t.Error("a file can be hung up")
	}
	w.WriteString("x")
	w.Close()
	if key := within(t, l.hungUp); key != "pipe" {
		t.Errorf("%q was hung up", key)
	}
}

// There is one goroutine for all of them, and a socket that is removed says nothing more.
func TestManySockets(t *testing.T) {
	t.Parallel()
	l := listen(t)
	const many = 200
	var clients []*net.UnixConn
	for i := range many {
		f, client := socket(t)
		check(t, l.AddSocket(fmt.Sprint(i), f))
		clients = append(clients, client)
	}
	l.Remove("7")
	if _, err := clients[7].Write([]byte("READY=1")); err == nil {
		t.Error("somebody listens to what was removed")
	}
	for i, client := range clients {
		if i != 7 {
			say(t, client, "READY=1")
		}
	}
	var heard []string
	for range many - 1 {
		heard = append(heard, l.hear().Key)
	}
	slices.Sort(heard)
	if heard = slices.Compact(heard); len(heard) != many-1 {
		t.Errorf("heard of %d", len(heard))
	}
}
