package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tend/internal/testenv"
)

// pumped is a pump of a test, with one pipe.
type pumped struct {
	*testing.T
	*Pump
	source Source
	out    *os.File // the service's end
	ended  chan struct{}
	waits  chan error
}

const pumpPatience = time.Minute

func newPumped(t *testing.T, path string) *pumped {
	t.Helper()
	p := &pumped{T: t, ended: make(chan struct{}), waits: make(chan error, 100)}
	p.source = Source{Name: "pipe", Run: "run", Path: path, Perm: 0o600, Marks: MarksPath(path)}
	p.Pump = NewPump(PumpEvents{
		Ended: func(Source) { close(p.ended) },
		Waits: func(_ Source, err error) { p.waits <- err },
	})
	t.Cleanup(p.Close)
	var read *os.File
	var err error
	if p.out, read, err = NewPipe(filepath.Join(t.TempDir(), "pipe")); err == nil {
		err = p.Add(p.source, read)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.out.Close() })
	return p
}

func (p *pumped) write(text string) {
	p.Helper()
	if _, err := p.out.WriteString(text); err != nil {
		p.Fatal(err)
	}
}

// until waits until the log has that content.
func (p *pumped) until(want string) {
	p.Helper()
	var got []byte
	for end := time.Now().Add(pumpPatience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if got, _ = os.ReadFile(p.source.Path); string(got) == want {
			return
		}
	}
	p.Fatalf("the log is %q, should be %q", got, want)
}

// untilMarked waits until the end of the log is marked, which is a moment after something was moved there.
func (p *pumped) untilMarked(offset int64) {
	p.Helper()
	var last Mark
	var err error
	for end := time.Now().Add(pumpPatience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if last, err = lastMark(p.source.Marks); err == nil && last.Offset == offset {
			return
		}
	}
	p.Fatalf("the last mark is %v, should be of %d: %v", last, offset, err)
}

func (p *pumped) over() {
	p.Helper()
	p.out.Close()
	select {
	case <-p.ended:
	case <-time.After(pumpPatience):
		p.Fatal("the pipe has no writer, and does not end")
	}
	if p.Busy() || p.Has("run") || p.Writes(p.source.Path) {
		p.Error("the pump has a pipe that has ended")
	}
}

func TestPumpMovesOutput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.log")
	if err := os.WriteFile(path, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPumped(t, path)
	p.write("one\n")
	p.until("before\none\n")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	p.write("two\n")
	p.until("two\n") // in another file
	p.write("three\n")
	p.over()
	p.until("two\nthree\n")
}

// What is before a mark and what is behind it are told apart, also where a pump that was killed has marked nothing.
func TestPumpMarksWhen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.log")
	p := newPumped(t, path)
	begun := time.Now()
	var times []time.Time // after each line, before the next
	for i := range 5 {
		p.write(fmt.Sprintf("line %d\n", i))
		p.until(strings.Join([]string{"line 0\n", "line 1\n", "line 2\n", "line 3\n", "line 4\n"}[:i+1], ""))
		p.untilMarked(int64(7 * (i + 1)))
		times = append(times, time.Now())
		time.Sleep(2 * markEvery) // no mark is due before
	}
	p.over()
	p.Close()
	marks, err := Marks(p.source.Marks, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i, at := range times {
		end, after := int64(7*(i+1)), begun
		if i > 0 {
			after = times[i-1]
		}
		found := false
		for _, m := range marks {
			found = found || m.Offset == end && m.At.After(after) && m.At.Before(at)
		}
		if !found {
			t.Errorf("line %d was written between %v and %v; the marks are %v", i, after, at, marks)
		}
	}
}

// Whoever is told of an end is shown what was written before it; but somebody who goes on writing is not waited for.
func TestPumpDrains(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.log")
	p := newPumped(t, path)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { // fills the pipe as fast as it can
		defer close(stopped)
		flood := bytes.Repeat([]byte("flood\n"), 4096/6)
		for {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Microsecond): // so that it fits onto the disk
				p.out.Write(flood)
			}
		}
	}()
	for i := range 20 {
		mark := fmt.Sprintf("said %d\n", i)
		p.write(mark)
		drained := make(chan struct{})
		p.Drain([]string{"another", "run"}, func() { close(drained) })
		select {
		case <-drained:
		case <-time.After(pumpPatience):
			t.Fatal("it does not end")
		}
		if text, _ := io.ReadAll(io.NewSectionReader(must(os.Open(path)), 0, Size(path))); !bytes.Contains(text, []byte(mark)) {
			t.Fatalf("%q is not in the log", mark)
		}
	}
	close(stop)
	<-stopped
	p.over()
}

// A pipe can be had also where there is no directory for its name.
func TestPipeWithoutName(t *testing.T) {
	service, read, err := NewPipe(filepath.Join(t.TempDir(), "none", "pipe"))
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	flags, err := unix.FcntlInt(service.Fd(), unix.F_GETFL, 0)
	if err != nil || flags&unix.O_ACCMODE != unix.O_RDWR {
		t.Errorf("the service's end is open with %#o, %v", flags, err)
	}
	if _, err := service.WriteString("one\n"); err != nil {
		t.Error(err)
	}
	service.Close()
	if text, err := io.ReadAll(read); string(text) != "one\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

// While a log is worked at, nothing is written to it; what comes meanwhile goes to the one that is there after.
func TestPumpPauses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.log")
	p := newPumped(t, path)
	p.write("one\n")
	p.until("one\n")
	err := p.Without(path, func() error {
		p.write("two\n")
		drained := make(chan struct{})
		p.Drain([]string{"run"}, func() { close(drained) })
		<-drained
		if writtenByOthers(Source{Path: path}) {
			t.Error("it is open")
		}
		return os.Rename(path, path+".0-4")
	})
	if err != nil {
		t.Fatal(err)
	}
	p.until("two\n")
	if text, _ := os.ReadFile(path + ".0-4"); string(text) != "one\n" {
		t.Errorf("the archive is %q", text)
	}
	p.over()
	if err := p.Without(path, func() error { return io.EOF }); err != io.EOF {
		t.Error(err)
	}
}

// On a full disk nothing is lost: it waits in the pipe, and what the service has no room for waits with the service.
func TestPumpWaitsForRoom(t *testing.T) {
	t.Parallel()
	testenv.NeedRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		testenv.Missing(t, "mounting a tmpfs: "+err.Error())
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	full := filepath.Join(dir, "full")
	if err := os.WriteFile(full, make([]byte, 200<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPumped(t, filepath.Join(dir, "web.log"))
	text := make([]byte, 120<<10)
	for i := range text {
		text[i] = "abcdefg\n"[i%8]
	}
	written := make(chan error)
	go func() {
		_, err := p.out.Write(text)
		written <- err
	}()
	select {
	case err := <-p.waits:
		if !errors.Is(err, unix.ENOSPC) {
			t.Fatal(err)
		}
	case <-time.After(pumpPatience):
		t.Fatal("nobody is told that the disk is full")
	}
	if err := os.Remove(full); err != nil {
		t.Fatal(err)
	}
	p.until(string(text))
	if err := <-written; err != nil {
		t.Error(err)
	}
	if err := <-p.waits; err != nil {
		t.Error(err)
	}
	p.over()
}

// Where somebody else writes into the log, or the kernel cannot move bytes there, there is no pipe.
func TestPumpIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.log")
	file, err := Open(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := CanPump(Source{Path: path}); !errors.Is(err, ErrNoPump) {
		t.Errorf("somebody writes there: %v", err)
	}
	closed := time.AfterFunc(writerPatience/10, func() { file.Close() }) // a child that was just executing its program
	defer closed.Stop()
	if err := CanPump(Source{Path: path}); err != nil {
		t.Errorf("somebody wrote there for a moment: %v", err)
	}
	if err := CanPump(Source{Path: "/proc/self/comm"}); !errors.Is(err, ErrNoPump) {
		t.Errorf("/proc: %v", err)
	}
}

// A pump is a process of its own here. It is killed at random, and the next does not wait until it is quite dead. Every
// byte must be in its log once, in its order.
func TestPumpIsKilled(t *testing.T) {
	t.Parallel()
	if dir := os.Getenv(pumpVariable); dir != "" {
		bePump(dir)
	}
	dir := t.TempDir()
	var outs, reads []*os.File
	for i := range pumpedLogs {
		out, read, err := NewPipe(filepath.Join(dir, fmt.Sprint("pipe", i)))
		if err != nil {
			t.Fatal(err)
		}
		outs, reads = append(outs, out), append(reads, read)
	}
	const enough = 150 // kills
	var busy sync.WaitGroup
	var total [pumpedLogs]int // bytes
	stop := make(chan struct{})
	for i, sizes := range [pumpedLogs][]int{{1, 7, 64}, {1 << 20}, {11}, {4096, 5, 70000}} {
		busy.Go(func() { // one stream, of which every byte is known
			defer outs[i].Close()
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			for {
				n := sizes[rng.IntN(len(sizes))]
				if _, err := outs[i].Write(streamed(total[i], n)); err != nil {
					t.Error(err)
					return
				}
				total[i] += n
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(n/64) * time.Microsecond): // so that all of it fits into our memory
				}
			}
		})
	}
	rng, kills := rand.New(rand.NewPCG(2, uint64(os.Getpid()))), 0
	var killed []*exec.Cmd
	for over := false; ; {
		if kills == enough {
			close(stop)
			over = true
		}
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestPumpIsKilled$")
		cmd.Env, cmd.ExtraFiles = append(os.Environ(), pumpVariable+"="+dir), reads
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if over {
			if err := cmd.Wait(); err != nil { // it has moved the rest
				t.Error(err)
			}
			break
		}
		time.Sleep(time.Duration(rng.IntN(30_000)) * time.Microsecond)
		_ = cmd.Process.Signal(syscall.SIGKILL)
		killed = append(killed, cmd)
		kills++
	}
	busy.Wait()
	for _, cmd := range killed {
		_ = cmd.Wait()
	}
	for i := range pumpedLogs {
		text, err := os.ReadFile(filepath.Join(dir, fmt.Sprint("log", i)))
		if want := streamed(0, total[i]); err != nil || !bytes.Equal(text, want) {
			t.Errorf("log %d: %d bytes of %d, the first that is wrong is at %d (%v)", i, len(text), len(want), firstDifference(text, want), err)
		}
		reads[i].Close()
	}
	t.Logf("%d kills, %d bytes", kills, total)
}

const (
	pumpVariable = "TEND_TEST_PUMP"
	pumpedLogs   = 4
)

// streamed is a piece of a stream of lines, many of which are the same.
func streamed(at, n int) []byte {
	text := make([]byte, n)
	for i := range text {
		text[i] = "same line\n"[(at+i)%10]
		if (at+i)%10 == 3 {
			text[i] = byte('0' + (at+i)/100_000%10)
		}
	}
	return text
}

func must(f *os.File, err error) *os.File {
	if err != nil {
		panic(err)
	}
	return f
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// bePump pumps until all pipes have ended.
func bePump(dir string) {
	var ended sync.WaitGroup
	p := NewPump(PumpEvents{
		Ended: func(Source) { ended.Done() },
		Waits: func(_ Source, err error) { fmt.Fprintln(os.Stderr, "a log cannot be written to:", err) },
	})
	for i := range pumpedLogs {
		ended.Add(1)
		path := filepath.Join(dir, fmt.Sprint("log", i))
		source := Source{Name: fmt.Sprint(i), Run: "run", Path: path, Perm: 0o600, Marks: MarksPath(path)}
		if err := p.Add(source, os.NewFile(uintptr(3+i), "pipe")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	ended.Wait()
	p.Close()
	os.Exit(0)
}

// Whoever writes faster than his pipe is emptied gets a larger one, and it is given up with him.
func TestPumpWidens(t *testing.T) {
	p := newPumped(t, filepath.Join(t.TempDir(), "web.log"))
	line, small := strings.Repeat("x", 4095)+"\n", capacity(int(p.out.Fd()))
	for end := time.Now().Add(pumpPatience); capacity(int(p.out.Fd())) == small; p.write(line) {
		if time.Now().After(end) {
			t.Fatalf("the pipe still holds %d bytes", small)
		}
	}
	if now := capacity(int(p.out.Fd())); now != widePipe {
		t.Errorf("the pipe holds %d bytes", now)
	}
	p.over()
	p.Close()
	if p.wide != 0 {
		t.Errorf("%d pipes count as wide, and there is none", p.wide)
	}
}
