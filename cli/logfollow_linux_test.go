package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tend/logs"
)

// tailing is a command that follows logs.
type tailing struct {
	t      *testing.T
	cmd    *exec.Cmd
	chunks chan []byte
	text   []byte // came and was not waited for yet
	said   said   // to standard error
}

// follow starts a command whose output is read from the file; the other is given to it.
func (w *world) follow(out, given *os.File, args ...string) *tailing {
	w.t.Helper()
	cmd := w.command(args...)
	f := &tailing{t: w.t, cmd: cmd, chunks: make(chan []byte, 1000)}
	cmd.Stdout, cmd.Stderr = given, &f.said
	must(w.t, cmd.Start(), given.Close())
	go func() {
		defer close(f.chunks)
		for {
			chunk := make([]byte, 64<<10)
			n, err := out.Read(chunk)
			if f.chunks <- chunk[:n]; err != nil {
				return
			}
		}
	}()
	w.t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		out.Close()
	})
	return f
}

func (w *world) followThroughPipe(args ...string) *tailing {
	w.t.Helper()
	out, given, err := os.Pipe()
	must(w.t, err)
	return w.follow(out, given, args...)
}

// want waits for what comes next.
func (f *tailing) want(texts ...string) {
	f.t.Helper()
	want := strings.Join(texts, "")
	f.await(want, func() bool { return len(f.text) >= len(want) })
	if got := string(f.text[:len(want)]); got != want {
		f.t.Fatalf("%.200q came, want %.200q", got, want)
	}
	f.text = f.text[len(want):]
}

// until waits for a text, whatever comes before it.
func (f *tailing) until(want string) {
	f.t.Helper()
	f.await(want, func() bool { return bytes.Contains(f.text, []byte(want)) })
	_, f.text, _ = bytes.Cut(f.text, []byte(want))
}

func (f *tailing) await(want string, came func() bool) {
	f.t.Helper()
	deadline := time.After(patient)
	for !came() {
		select {
		case chunk, ok := <-f.chunks:
			if f.text = append(f.text, chunk...); !ok {
				f.t.Fatalf("it ended after %.200q, and %.200q was to come; it said %q", f.text, want, f.said.String())
			}
		case <-deadline:
			f.t.Fatalf("waited in vain for %.200q; there was %.200q, and it said %q", want, f.text, f.said.String())
		}
	}
}

// write appends to the log of a service.
func (w *world) write(service, text string) {
	w.t.Helper()
	path := logs.Path(w.database(), service)
	must(w.t, os.MkdirAll(filepath.Dir(path), 0o700))
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	must(w.t, err)
	_, err = file.WriteString(text)
	must(w.t, err, file.Close())
}

// Without names, services that are added later are followed as well, from what they write first.
func TestFollowNewServices(t *testing.T) {
	w := newWorld(t)
	w.tend("add", "web", "sleep 1")
	w.write("web", "one\n")
	f := w.followThroughPipe("logs", "-f")
	f.want("web | one\n")
	w.tend("run", "worker", "--", "sh", "-c", "echo first; exec sleep 1000")
	f.want("worker | first\n")
	w.write("web", "two\n")
	f.want("web    | two\n")
}

// Lines of several stay whole; one without an end is shown after a moment, and goes on when somebody else has written.
func TestFollowKeepsLinesWhole(t *testing.T) {
	w := newWorld(t)
	w.tend("add", "a", "sleep 1")
	w.tend("add", "b", "sleep 1")
	w.write("a", "begin")
	f := w.followThroughPipe("logs", "-f", "a", "b")
	w.write("a", " and end\n")
	f.want("a | begin and end\n")
	w.write("a", "dots ")
	f.want("a | dots ")
	w.write("b", strings.Repeat("x", maxLine+3))
	w.write("b", "\n")
	f.want("\nb | " + strings.Repeat("x", maxLine+3) + "\n")
	w.write("a", "...\n")
	f.want("a … ...\n")
}

// What is filtered is shown as soon as it is complete, and only that.
func TestFollowFilters(t *testing.T) {
	w := newWorld(t)
	w.tend("add", "a", "sleep 1")
	w.write("a", "an error\nfine\nerr")
	f := w.followThroughPipe("logs", "-f", "--grep", "error", "a")
	f.want("an error\n")
	w.write("a", "or again\nfine\nno error\n")
	f.want("error again\n", "no error\n")
	f = w.followThroughPipe("logs", "-f", "--json", "-n", "1", "a")
	head := `{"version":1,"service":"a","stream":"output","offset":`
	f.want(head + "31,")
	f.until(`"text":"no error","partial":false}` + "\n")
	w.write("a", "half")
	w.write("a", " a line\n")
	f.want(head + "40,")
	f.until(`"text":"half a line","partial":false}` + "\n")
}

// A follower that has nothing to write finds out that nobody reads, and leaves without a word.
func TestFollowEndsWhenThePipeIsClosed(t *testing.T) {
	w := newWorld(t)
	w.tend("add", "web", "sleep 1")
	w.write("web", "one\n")
	out, given, err := os.Pipe()
	must(t, err)
	cmd := w.command("logs", "-f", "web")
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = given, &said
	must(t, cmd.Start(), given.Close())
	_, err = io.ReadFull(out, make([]byte, 4))
	must(t, err, out.Close())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil || said.Len() > 0 {
			t.Errorf("it ended with %v and said %q", err, said.String())
		}
	case <-time.After(patient):
		cmd.Process.Kill()
		t.Error("it follows on, and nobody reads it")
	}
}

// wholeLog is all that is there of a log.
func wholeLog(t *testing.T, path string) []byte {
	t.Helper()
	stream, err := logs.OpenStream(path)
	must(t, err)
	defer stream.Close()
	end, err := stream.End()
	must(t, err)
	text := make([]byte, end-stream.Start())
	_, err = stream.ReadAt(text, stream.Start())
	must(t, err)
	return text
}

// Whatever is rotated meanwhile, each line is shown once; and what goes away unseen is told of.
func TestFollowWhileLogsAreRotated(t *testing.T) {
	w := newWorld(t)
	w.tend("add", "web", "sleep 1")
	w.write("web", "begin\n")
	f := w.followThroughPipe("logs", "-f", "web")
	f.want("begin\n")
	rotator, limits := &logs.Rotator{}, logs.Limits{Max: 256 << 10, Keep: 2}
	path := logs.Path(w.database(), "web")
	written := "begin\n"
	block := func(i int) string {
		var b strings.Builder
		for b.Len() < 400<<10 {
			fmt.Fprintf(&b, "%d of block %d\n", b.Len(), i)
		}
		return b.String()
	}
	rotate := func() {
		_, err := rotator.Rotate(path, limits, time.Now())
		must(t, err)
	}
	for i := range 5 {
		w.write("web", block(i))
		f.want(block(i))
		rotate()
		written += block(i)
	}
	out, _ := w.tend("logs", "-n", "all", "web")
	if !strings.HasSuffix(written, out) || len(out) < 500<<10 || len(out) == len(written) {
		t.Errorf("of %d bytes, %d are there", len(written), len(out))
	}
	if out, _ := w.tend("logs", "--grep", "^0 of", "-n", "1", "web"); out != "0 of block 4\n" {
		t.Errorf("%q", out)
	}

	if out, _ := w.tend("logs", "-n", "all", "--json", "web"); !strings.HasPrefix(out, fmt.Sprintf(`{"version":1,"service":"web","stream":"output","offset":%d,`, len(written)-len(wholeLog(t, path)))) {
		t.Errorf("%.200s", out)
	}

	must(t, f.cmd.Process.Signal(syscall.SIGSTOP))
	for i := range 5 {
		w.write("web", block(i))
		rotate()
	}
	w.write("web", "the end\n")
	must(t, f.cmd.Process.Signal(syscall.SIGCONT))
	f.until("the end\n")
	if said := f.said.String(); !strings.Contains(said, "bytes of it had been removed, as old, before it could be shown") {
		t.Errorf("it said %q", said)
	}
}

// A terminal gets colours and text, whatever a service writes.
func TestLogsOnATerminal(t *testing.T) {
	w := newWorld(t)
	w.environ = []string{"TERM=xterm", "NO_COLOR="}
	w.tend("add", "web", "sleep 1")
	w.write("web", "\x1b[32mgreen\nstill \xff\a\x1b]0;title\a\x1b[0m off\nlast")
	out, given := openTerminal(t)
	f := w.follow(out, given, "logs", "web")
	f.want("\x1b[32mgreen\x1b[0m\r\n", "\x1b[32mstill \\xff\\a\\x1b]0;title\\a\x1b[0m off\r\n", "last\r\n")
	out, given = openTerminal(t)
	f = w.follow(out, given, "logs", "--grep", "till", "web")
	f.want("s\x1b[7mtill\x1b[27m \\xff\\a\\x1b]0;title\\a\x1b[0m off\r\n")
	out, given = openTerminal(t)
	f = w.follow(out, given, "logs", "-f", "web")
	f.want("\x1b[32mgreen\x1b[0m\r\n", "\x1b[32mstill \\xff\\a\\x1b]0;title\\a\x1b[0m off\r\n")
	w.write("web", " line\n")
	f.want("last line\r\n")
}

// openTerminal opens a pair of pseudoterminals: where what is written to the second one is read, and that one.
func openTerminal(t *testing.T) (out, given *os.File) {
	t.Helper()
	out, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	must(t, err)
	must(t, unix.IoctlSetPointerInt(int(out.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(out.Fd()), unix.TIOCGPTN)
	must(t, err)
	given, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|syscall.O_NOCTTY, 0)
	must(t, err)
	return out, given
}
