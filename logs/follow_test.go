package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(role); name != "" {
		play(name, os.Args[1:])
		return
	}
	goleak.VerifyTestMain(m)
}

func TestFollowWritesWhatIsAdded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	file := mustOpen(t, path)
	say(t, file, "old\nnew\n")
	f := startFollow(t, path, 4)
	f.want("new\n")
	say(t, file, "more")
	f.want("new\nmore")
	say(t, file, "\nand \x00\xff\n")
	f.want("new\nmore\nand \x00\xff\n")
}

func TestFollowGoesOnWhereTheLastLinesBegin(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	file := mustOpen(t, path)
	say(t, file, "a\nb\nc\n")
	s := mustStream(t, path)
	start, err := s.LastLines(0, 6, 2)
	if err != nil {
		t.Fatal(err)
	}
	f := followStream(t, s, start)
	f.want("b\nc\n")
	say(t, file, "d\n")
	f.want("b\nc\nd\n")
}

func TestFollowWaitsForTheFile(t *testing.T) {
	for _, name := range []string{"a.log", "new/a.log", "quite/new/a.log"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			f := startFollow(t, path, 1000)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			file := mustOpen(t, path)
			say(t, file, "first\n")
			f.want("first\n")
			say(t, file, "second\n")
			f.want("first\nsecond\n")
		})
	}
}

func TestFollowBeginsAgainWhenTheFileIsCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	file := mustOpen(t, path)
	f := startFollow(t, path, 0)
	say(t, file, "a long line\n")
	f.want("a long line\n")
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	say(t, file, "short\n")
	f.want("a long line\nshort\n")
	say(t, file, "and on\n")
	f.want("a long line\nshort\nand on\n")
}

func TestFollowSurvivesRemoval(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	f := startFollow(t, path, 0)
	want := ""
	for i := range 5 {
		file := mustOpen(t, path)
		say(t, file, fmt.Sprintf("%d\n", i))
		want += fmt.Sprintf("%d\n", i)
		f.want(want)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		say(t, file, "written to a file without a name\n")
		want += "written to a file without a name\n"
		f.want(want)
	}
}

func TestFollowSurvivesTheRemovalOfTheDirectory(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "d")
	path := filepath.Join(directory, "a.log")
	var f *following
	want := ""
	for i := range 3 {
		if err := os.Mkdir(directory, 0o700); err != nil {
			t.Fatal(err)
		}
		say(t, mustOpen(t, path), fmt.Sprintf("%d\n", i))
		want += fmt.Sprintf("%d\n", i)
		if f == nil {
			f = startFollow(t, path, 0)
		}
		f.want(want)
		if err := os.RemoveAll(directory); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFollowSurvivesRenaming(t *testing.T) {
	for _, place := range []string{"a.log.1", "elsewhere/a.log"} {
		t.Run(place, func(t *testing.T) {
			directory := t.TempDir()
			path, archive := filepath.Join(directory, "a.log"), filepath.Join(directory, place)
			if err := os.MkdirAll(filepath.Dir(archive), 0o700); err != nil {
				t.Fatal(err)
			}
			f := startFollow(t, path, 0)
			want := ""
			for range 3 {
				file := mustOpen(t, path)
				say(t, file, "before\n")
				want += "before\n"
				f.want(want)
				if err := os.Rename(path, archive); err != nil {
					t.Fatal(err)
				}
				say(t, file, "after\n") // the service knows nothing of it
				want += "after\n"
				f.want(want)
				say(t, file, "last\n")
				want += "last\n" // read before the next one, although nobody waits for it
			}
			say(t, mustOpen(t, path), "next\n")
			f.want(want + "next\n")
		})
	}
}

func TestFollowSeesAnotherFileMovedIntoPlace(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, "a.log")
	write(t, path, "old\n")
	f := startFollow(t, path, 0)
	f.want("old\n")
	write(t, path+".new", "a new and longer one\n")
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	f.want("old\na new and longer one\n")
}

func TestFollowGoesWithALink(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, "current")
	link := func(target string) {
		write(t, filepath.Join(directory, target), target+"\n")
		if err := os.Symlink(target, path+".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	link("monday")
	f := startFollow(t, path, 0)
	f.want("monday\n")
	link("tuesday")
	f.want("monday\ntuesday\n")
}

// Whatever order files are written, renamed and made in, every line arrives once and in order.
func TestFollowLosesAndRepeatsNothing(t *testing.T) {
	const lines, each = 20000, 700
	directory := t.TempDir()
	path := filepath.Join(directory, "a.log")
	f := startFollow(t, path, 0)
	file, err := Open(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for i := range lines {
		fmt.Fprintf(file, "%d\n", i)
		if i%each == each/2 {
			f.wantLines(i + 1) // it is open by now
			if err := os.Rename(path, fmt.Sprintf("%s.%d", path, i)); err != nil {
				t.Fatal(err)
			}
		}
		if i%each == each-1 {
			f.wantLines(i + 1) // the next file may be renamed only when this one was found
			file.Close()
			if file, err = Open(path, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	file.Close()
	f.wantLines(lines)
	for i, line := range strings.Split(strings.TrimSuffix(f.text(), "\n"), "\n") {
		if line != fmt.Sprint(i) {
			t.Fatalf("line %d is %q", i, line)
		}
	}
}

func TestFollowWritesTheRestWhenItIsEnded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	write(t, path, "there already\n")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out strings.Builder
	err := mustStream(t, path).Follow(ctx, 0, func(_ int64, text []byte) error {
		out.Write(text)
		return nil
	})
	if err != nil || out.String() != "there already\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestFollowEndsWhenNobodyReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	write(t, path, "text\n")
	err := mustStream(t, path).Follow(t.Context(), 0, func(int64, []byte) error { return io.EOF })
	if !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
}

// following is a Follow under way and what it has written so far.
type following struct {
	t       *testing.T
	mutex   sync.Mutex
	written strings.Builder
	news    chan struct{}
}

func startFollow(t *testing.T, path string, offset int64) *following {
	s := NewStream(path)
	t.Cleanup(func() { s.Close() }) // after the end of following
	return followStream(t, s, offset)
}

func followStream(t *testing.T, s *Stream, offset int64) *following {
	f := &following{t: t, news: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Follow(ctx, offset, f.take) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("following: %v", err)
		}
	})
	return f
}

func mustStream(t *testing.T, path string) *Stream {
	t.Helper()
	s, err := OpenStream(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (f *following) take(offset int64, text []byte) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.written.Write(text)
	select {
	case f.news <- struct{}{}:
	default:
	}
	return nil
}

func (f *following) text() string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.written.String()
}

// await waits until what was written is as it should be.
func (f *following) await(enough func(string) bool, want string) {
	f.t.Helper()
	timeout := time.After(time.Minute)
	for !enough(f.text()) {
		select {
		case <-f.news:
		case <-timeout:
			f.t.Fatalf("%.200q was written, want %.200q", f.text(), want)
		}
	}
}

func (f *following) want(text string) {
	f.t.Helper()
	f.await(func(s string) bool { return len(s) >= len(text) }, text)
	if got := f.text(); got != text {
		f.t.Fatalf("%q was written, want %q", got, text)
	}
}

func (f *following) wantLines(n int) {
	f.t.Helper()
	f.await(func(s string) bool { return strings.Count(s, "\n") >= n }, fmt.Sprintf("%d lines", n))
}

func say(t *testing.T, file *os.File, text string) {
	t.Helper()
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
}
