package logs

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// packedLog is a log of which all but the end is in one compressed archive.
func packedLog(t *testing.T, text []byte, pack func([]byte) []byte) (path string) {
	path = filepath.Join(t.TempDir(), "a.log")
	write(t, path, "the end\n")
	write(t, archivePath(path, 0, int64(len(text)))+packedSuffix, string(pack(text)))
	end := int64(len(text))
	if err := (layout{base: end, head: end}).save(path, false); err != nil {
		t.Fatal(err)
	}
	return path
}

func numberedText(size int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	text := make([]byte, size)
	for i := range text {
		text[i] = "0123456789abcde\n"[random.IntN(16)]
	}
	return text
}

func packOurs(t *testing.T) func([]byte) []byte {
	return func(text []byte) []byte {
		var out bytes.Buffer
		w, err := newMemberWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		for len(text) > 0 {
			n := min(len(text), memberPlain)
			if err := w.write(text[:n]); err != nil {
				t.Fatal(err)
			}
			text = text[n:]
		}
		return out.Bytes()
	}
}

func packForeign(text []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(text)
	_ = w.Close()
	return out.Bytes()
}

func TestReadCompressed(t *testing.T) {
	text := numberedText(5<<20 + 12345)
	for name, pack := range map[string]func([]byte) []byte{"ours": packOurs(t), "gzip": packForeign} {
		t.Run(name, func(t *testing.T) {
			s := mustStream(t, packedLog(t, text, pack))
			all := append(bytes.Clone(text), "the end\n"...)
			if end, err := s.End(); err != nil || end != int64(len(all)) || s.Start() != 0 {
				t.Fatalf("from %d to %d, %v", s.Start(), end, err)
			}
			got, err := io.ReadAll(io.NewSectionReader(s, 0, int64(len(all))))
			if err != nil || !bytes.Equal(got, all) {
				t.Fatalf("read on: %d bytes, %v", len(got), err)
			}
			for at := len(all); at > 0; { // and back
				from := max(0, at-block)
				if n, err := s.ReadAt(got[:at-from], int64(from)); err != nil || !bytes.Equal(got[:n], all[from:at]) {
					t.Fatalf("at %d: %d bytes, %v", from, n, err)
				}
				at = from
			}
			want := len(all)
			for range 1000 {
				want = bytes.LastIndexByte(all[:want-1], '\n') + 1
			}
			if start, err := s.LastLines(0, int64(len(all)), 1000); err != nil || start != int64(want) {
				t.Errorf("the last lines begin at %d, %v; want %d", start, err, want)
			}
		})
	}
}

// What is damaged is left out, and no more than that.
func TestReadDamaged(t *testing.T) {
	text := numberedText(3 << 20)
	packed := packOurs(t)(text)
	second, err := findMembers(bytes.NewReader(packed), int64(len(packed)))
	if err != nil || len(second) != 3 {
		t.Fatalf("%v, %v", second, err)
	}
	packed[second[1].at+second[1].length/2] ^= 0x10
	s := mustStream(t, packedLog(t, text, func([]byte) []byte { return packed }))
	var gone *GoneError
	got := make([]byte, len(text))
	n, err := s.ReadAt(got, 0)
	if !errors.As(err, &gone) || n != memberPlain || gone.Next != 2*memberPlain || gone.Err == nil || !bytes.Equal(got[:n], text[:n]) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if n, err := s.ReadAt(got[:memberPlain], gone.Next); err != nil || !bytes.Equal(got[:n], text[gone.Next:]) {
		t.Errorf("behind it: %d bytes, %v", n, err)
	}
	var followed []byte
	f := startFollow(t, s.path, 0)
	f.await(func(text string) bool { return len(text) >= 2*memberPlain+len("the end\n") }, "all that is whole")
	followed = []byte(f.text())
	if want := append(append(bytes.Clone(text[:memberPlain]), text[2*memberPlain:]...), "the end\n"...); !bytes.Equal(followed, want) {
		t.Errorf("%d bytes are followed, want %d", len(followed), len(want))
	}
}

func TestAnArchiveStaysOpenWhileItIsReplaced(t *testing.T) {
	text := numberedText(3 << 20)
	path := packedLog(t, text, packOurs(t))
	plain := archivePath(path, 0, int64(len(text)))
	write(t, plain, string(text))
	s := mustStream(t, path)
	got := make([]byte, len(text))
	if _, err := s.ReadAt(got[:1000], 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(plain); err != nil {
		t.Fatal(err)
	}
	if n, err := s.ReadAt(got, 0); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes, %v", n, err)
	}
	fresh := mustStream(t, path)
	if n, err := fresh.ReadAt(got, 0); err != nil || !bytes.Equal(got, text) {
		t.Errorf("from the compressed one: %d bytes, %v", n, err)
	}
	if err := os.Remove(plain + packedSuffix); err != nil {
		t.Fatal(err)
	}
	var gone *GoneError
	if _, err := mustStream(t, path).ReadAt(got, 7); !errors.As(err, &gone) || gone.Next != int64(len(text)) {
		t.Errorf("dropped: %v", err)
	}
}

func TestParseArchive(t *testing.T) {
	for name, want := range map[string]archive{
		"a.log.0-10":         {start: 0, end: 10},
		"a.log.10-4096.gz":   {start: 10, end: 4096, packed: true},
		"a.log.0-0":          {},
		"a.log.10-5":         {},
		"a.log.00-5":         {},
		"a.log.+0-5":         {},
		"a.log.0-5.gz.part":  {},
		"a.log.part":         {},
		"a.log.index":        {},
		"a.log":              {},
		"ba.log.0-5":         {},
		"a.log.0--5":         {},
		"a.log.5":            {},
		"a.log.0-5.gz.gz":    {},
		"a.log.log.0-5":      {},
		"a.log.0-5.extra.gz": {},
	} {
		got, ok := parseArchive("/d/a.log", name)
		if ok {
			want.path = "/d/" + name
		}
		if ok != (want.end > 0) || ok && got != want {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
}
