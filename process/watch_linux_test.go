package process

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tend"
)

func newWatcher(t testing.TB) *Watcher {
	t.Helper()
	w, err := NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// needsPIDFD skips where Add has to say that it cannot.
func needsPIDFD(t testing.TB) {
	t.Helper()
	if !Probe().Has("pidfd") {
		t.Skip("no pidfds")
	}
}

// next returns the next end.
func next(t *testing.T, w *Watcher) Gone {
	t.Helper()
	select {
	case gone := <-w.Exits():
		return gone
	case <-time.After(time.Minute):
		t.Fatal("no end is seen")
		return Gone{}
	}
}

func wantExit(t *testing.T, got Gone, id tend.Identity, want *tend.Exit) {
	t.Helper()
	if got.Identity != id || (got.Exit == nil) != (want == nil) || want != nil && *got.Exit != *want {
		t.Errorf("got %+v %v, want %+v %v", got.Identity, got.Exit, id, want)
	}
}

func TestWatcherSeesTheKeepersChildrenEnd(t *testing.T) {
	needsPIDFD(t)
	s, w := newSpawner(t, stage...), newWatcher(t)
	exited := start(t, s, "read x; exit 37") // stdin is /dev/null
	if err := w.Add(exited.Identity, exited.PIDFD); err != nil {
		t.Fatal(err)
	}
	gone := next(t, w)
	if Probe().Has("pidfd_exit") || gone.Exit != nil { // else the keeper may have been faster
		wantExit(t, gone, exited.Identity, &tend.Exit{Code: 37})
	}
	killed := start(t, s, "exec sleep 1000")
	if err := w.Add(killed.Identity, killed.PIDFD); err != nil {
		t.Fatal(err)
	}
	if err := Signal(killed.Identity, "KILL"); err != nil {
		t.Fatal(err)
	}
	gone = next(t, w)
	if Probe().Has("pidfd_exit") || gone.Exit != nil {
		wantExit(t, gone, killed.Identity, &tend.Exit{Signal: "KILL"})
	}
}

func TestWatcherReadsAZombieThatNobodyReaps(t *testing.T) {
	needsPIDFD(t)
	w := newWatcher(t)
	h := play(t, "negligent", "exit 7")
	id := h.hearsPID()
	if err := w.Add(id, -1); err != nil {
		t.Fatal(err)
	}
	wantExit(t, next(t, w), id, &tend.Exit{Code: 7})
	again := zombie(t, "exit 0") // one that is a zombie already
	if err := w.Add(again, -1); err != nil {
		t.Fatal(err)
	}
	wantExit(t, next(t, w), again, &tend.Exit{})
	h.end() // reaped by the keeper now: no second end is told, so the next is that of another
	last := zombie(t, "kill -TERM $$")
	if err := w.Add(last, -1); err != nil {
		t.Fatal(err)
	}
	wantExit(t, next(t, w), last, &tend.Exit{Signal: "TERM"})
}

func TestWatcherDoesNotGuess(t *testing.T) {
	needsPIDFD(t)
	if os.Geteuid() != 0 {
		t.Skip("needs root, to become somebody else")
	}
	id := zombie(t, "exit 7") // whose status is shown as 0 to those who may not trace it
	cmd := exec.Command("/proc/self/exe", "role:watcher", strconv.Itoa(id.PID), strconv.FormatUint(id.Start, 10))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Dir = "/"
	if out, err := cmd.CombinedOutput(); string(out) != "<nil>\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

// watcher watches a process and says how it ended.
func watcher(args []string) int {
	pid, _ := strconv.Atoi(args[0])
	start, _ := strconv.ParseUint(args[1], 10, 64)
	w, err := NewWatcher()
	if err == nil {
		err = w.Add(tend.Identity{PID: pid, Start: start}, -1)
	}
	if err != nil {
		say(err)
		return 1
	}
	say((<-w.Exits()).Exit)
	return 0
}

func TestWatcherAsksThePIDFDOfAReapedProcess(t *testing.T) {
	needsPIDFD(t)
	w := newWatcher(t)
	h := play(t, "parent", "read x; exit 37")
	id := h.hearsPID()
	pidfd, err := openPIDFD(id)
	if err != nil {
		t.Fatal(err)
	}
	h.stdin.Write([]byte("\n"))
	h.hears() // reaped
	if err := w.Add(id, -1); !errors.Is(err, ErrGone) {
		t.Errorf("to open one now: %v", err)
	}
	if err := w.Add(id, pidfd); err != nil {
		t.Fatal(err)
	}
	var want *tend.Exit
	if Probe().Has("pidfd_exit") {
		want = &tend.Exit{Code: 37}
	}
	wantExit(t, next(t, w), id, want)
}

func TestWatcherReapsOurOwnChildren(t *testing.T) {
	w := newWatcher(t)
	cmd := exec.Command("sh", "-c", "read x; exit 5")
	stdin, _ := cmd.StdinPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	id := identify(t, cmd.Process.Pid)
	if err := w.Add(id, -1); err != nil { // without pidfds too
		t.Fatal(err)
	}
	stdin.Close()
	wantExit(t, next(t, w), id, &tend.Exit{Code: 5})
	if _, err := ReadStat(id.PID); !errors.Is(err, ErrGone) {
		t.Errorf("it was not reaped: %v", err)
	}
	cmd.Process.Release()
}

func TestWatcherTellsOfEachOnce(t *testing.T) {
	needsPIDFD(t)
	s, w := newSpawner(t, stage...), newWatcher(t)
	seen := map[tend.Identity]int{}
	const many = 300 // more than one epoll_wait gives
	for range many {
		child := start(t, s, "kill -STOP $$")
		seen[child.Identity] = 0
		for _, fd := range []int{child.PIDFD, -1} { // twice, too
			if err := w.Add(child.Identity, fd); err != nil {
				t.Fatal(err)
			}
		}
	}
	for id := range seen {
		if err := Signal(id, "KILL"); err != nil {
			t.Fatal(err)
		}
	}
	for range many {
		gone := next(t, w)
		if n, ok := seen[gone.Identity]; !ok || n != 0 {
			t.Errorf("%+v was told of %d times, known %v", gone, n+1, ok)
		}
		seen[gone.Identity]++
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if gone, open := <-w.Exits(); open {
		t.Errorf("one more: %+v", gone)
	}
}

func TestWatcherForgets(t *testing.T) {
	needsPIDFD(t)
	s, w := newSpawner(t, stage...), newWatcher(t)
	before := len(descriptorsOf(os.Getpid()))
	first, second := start(t, s, "exec sleep 1000"), start(t, s, "exec sleep 1000")
	for _, child := range []Child{first, second} {
		if err := w.Add(child.Identity, child.PIDFD); err != nil {
			t.Fatal(err)
		}
	}
	w.Remove(first.Identity)
	w.Remove(first.Identity)
	Signal(first.Identity, "KILL")
	eventually(t, "it ends", func() bool { return !Alive(first.Identity) })
	Signal(second.Identity, "KILL")
	if gone := next(t, w); gone.Identity != second.Identity {
		t.Errorf("got %+v", gone)
	}
	eventually(t, "the descriptors are closed", func() bool { return len(descriptorsOf(os.Getpid())) == before })
}

func TestWatcherLeavesDescriptorsToOthers(t *testing.T) {
	needsPIDFD(t)
	s, w := newSpawner(t, stage...), newWatcher(t)
	before := len(descriptorsOf(os.Getpid()))
	w.most = 3
	child := start(t, s, "exec sleep 1000")
	for _, fd := range []int{child.PIDFD, -1} {
		if err := w.Add(child.Identity, fd); !errors.Is(err, ErrUnwatchable) {
			t.Errorf("got %v", err)
		}
	}
	if after := len(descriptorsOf(os.Getpid())); after != before {
		t.Errorf("%d descriptors became %d", before, after)
	}
	for limit, want := range map[uint64]int{64: 32, 1024: 896, 4096: 3968} {
		if got := leave(limit); got != want {
			t.Errorf("of %d descriptors it takes %d, want %d", limit, got, want)
		}
	}
}

func TestWatcherTakesNoOthers(t *testing.T) {
	w := newWatcher(t)
	s := newSpawner(t, stage...)
	child := start(t, s, "exec sleep 1000")
	unix.Close(child.PIDFD)
	wrong := child.Identity
	wrong.Start++
	err := w.Add(wrong, -1)
	if !Probe().Has("pidfd") {
		if !errors.Is(err, ErrUnwatchable) {
			t.Errorf("got %v", err)
		}
		return
	}
	if !errors.Is(err, ErrGone) {
		t.Errorf("got %v", err)
	}
	if err := w.Add(tend.Identity{PID: 1 << 30, Start: 1}, -1); !errors.Is(err, ErrGone) {
		t.Errorf("got %v", err)
	}
}

func TestWatcherCostsNoThreads(t *testing.T) {
	needsPIDFD(t)
	s, w := newSpawner(t, stage...), newWatcher(t)
	goroutines := runtime.NumGoroutine()
	for range 100 {
		child := start(t, s, "exec sleep 1000")
		if err := w.Add(child.Identity, child.PIDFD); err != nil {
			t.Fatal(err)
		}
	}
	if now := runtime.NumGoroutine(); now > goroutines {
		t.Errorf("%d goroutines became %d", goroutines, now)
	}
}
