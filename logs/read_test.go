package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"pgregory.net/rapid"
)

func TestLast(t *testing.T) {
	long := strings.Repeat("x", 3*block)
	for _, test := range []struct {
		name, text string
		from       int64
		n          int
		want       []string
	}{
		{"nothing", "", 0, 5, nil},
		{"none asked for", "a\nb\n", 0, 0, nil},
		{"fewer than asked for", "a\nb\n", 0, 5, []string{"a", "b"}},
		{"just as many", "a\nb\n", 0, 2, []string{"a", "b"}},
		{"more", "a\nb\nc\n", 0, 2, []string{"b", "c"}},
		{"no final newline", "a\nb\nc", 0, 2, []string{"b", "c"}},
		{"empty lines", "a\n\n\n", 0, 2, []string{"", ""}},
		{"a lone newline", "\n", 0, 3, []string{""}},
		{"from an offset", "old\nnew\nest\n", 4, 9, []string{"new", "est"}},
		{"from an offset after an unfinished line", "old and new\n", 8, 9, []string{"new"}},
		{"from the end", "a\nb\n", 4, 9, nil},
		{"from behind the end: it was cut", "a\nb\n", 100, 9, []string{"a", "b"}},
		{"longer than a block", "a\n" + long + "\nb\n", 0, 2, []string{long, "b"}},
		{"newline at the border of a block", "a\n" + strings.Repeat("x", block-1) + "\n", 0, 1, []string{long[:block-1]}},
		{"binary", "\x00\xff\n\x1b[0m\r\n\x00", 0, 2, []string{"\x1b[0m\r", "\x00"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.log")
			write(t, path, test.text)
			got, err := Last(path, test.from, test.n)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("%d lines %.40q, %v; want %d lines %.40q", len(got), got, err, len(test.want), test.want)
			}
		})
	}
}

// The naive way, on any text.
func TestLastAgreesWithReadingItAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	rapid.Check(t, func(rt *rapid.T) {
		var text bytes.Buffer
		for _, length := range rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 5), rapid.IntRange(block-2, block+2)), 0, 8).Draw(rt, "lengths") {
			text.Write(bytes.Repeat([]byte("x"), length))
			text.WriteByte('\n')
		}
		text.WriteString(rapid.SampledFrom([]string{"", "y", "yy"}).Draw(rt, "rest"))
		from := rapid.IntRange(0, text.Len()).Draw(rt, "from")
		n := rapid.IntRange(0, 10).Draw(rt, "n")
		write(t, path, text.String())

		lines := strings.SplitAfter(text.String()[from:], "\n")
		if lines[len(lines)-1] == "" {
			lines = lines[:len(lines)-1]
		}
		lines = lines[max(0, len(lines)-n):]
		got, err := Last(path, int64(from), n)
		if err != nil || len(got) != len(lines) {
			rt.Fatalf("%d lines, %v; want %d", len(got), err, len(lines))
		}
		for i := range got {
			if got[i] != strings.TrimSuffix(lines[i], "\n") {
				rt.Fatalf("line %d is %.20q, want %.20q", i, got[i], lines[i])
			}
		}
	})
}

func TestLastOfAHugeFileReadsOnlyItsEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	write(t, path, "first\n")
	if err := os.Truncate(path, 1<<30); err != nil {
		t.Fatal(err)
	}
	file := mustOpen(t, path)
	for i := range 20 {
		fmt.Fprintf(file, "line %d\n", i)
	}
	got, err := Last(path, 0, 10)
	if err != nil || len(got) != 10 || got[0] != "line 10" || got[9] != "line 19" {
		t.Errorf("%q, %v", got, err)
	}
	got, err = Last(path, 0, 21)
	if err != nil || len(got) != 20 || len(strings.Join(got, "\n")) > lastMost { // the hole is one line with the first
		t.Errorf("%d lines, %v", len(got), err)
	}
}

func BenchmarkLastOfAHugeFile(b *testing.B) {
	path := filepath.Join(b.TempDir(), "a.log")
	file, err := Open(path, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	chunk := bytes.Repeat([]byte("a line of a log, as long as such lines are on average, or a bit longer\n"), 1<<14)
	for written := 0; written < 1<<30; written += len(chunk) {
		if _, err := file.Write(chunk); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if lines, err := Last(path, 0, 1000); err != nil || len(lines) != 1000 {
			b.Fatal(len(lines), err)
		}
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	directory := t.TempDir()
	pipe := filepath.Join(directory, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, directory, os.DevNull} {
		if _, err := Last(path, 0, 1); err == nil || !strings.Contains(err.Error(), "is not a file") {
			t.Errorf("Last(%q): %v", path, err)
		}
		if err := NewStream(path).Follow(t.Context(), 0, nil); err == nil {
			t.Errorf("Follow(%q) worked", path)
		}
		if Size(path) != 0 {
			t.Errorf("Size(%q) = %d", path, Size(path))
		}
	}
	if _, err := Last(filepath.Join(directory, "none"), 0, 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Last of no file: %v", err)
	}
	if Size(filepath.Join(directory, "none")) != 0 {
		t.Error("no file has a size")
	}
}

func TestBetween(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	write(t, path, "old\nthis\nrun\nnext\n")
	for to, want := range map[int64][]string{4: nil, 9: {"this"}, 11: {"this", "ru"}, 13: {"this", "run"}, 18: {"this", "run", "next"}, 99: {"this", "run", "next"}} {
		if got, err := Between(path, 4, to, 9); err != nil || !slices.Equal(got, want) {
			t.Errorf("up to %d: %q, %v; want %q", to, got, err, want)
		}
	}
}
