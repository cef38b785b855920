package logs

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"tend/internal/testenv"
)

// All of ours have died in the middle of a cut, before it or after it, and nobody is there who would say which. Who reads and
// who follows finds out, also if the cut is made under his eyes later on.
func TestReadWhileACutIsAnnounced(t *testing.T) {
	const unit = 1 << 16
	text := numberedText(3*unit + 1000)
	for _, when := range []string{"before", "after", "later"} {
		t.Run(when, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.log")
			write(t, path, string(text))
			write(t, archivePath(path, 0, 2*unit), string(text[:2*unit]))
			live, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer live.Close()
			followed := startFollow(t, path, 0)
			followed.want(string(text))
			info, err := live.Stat()
			if err != nil {
				t.Fatal(err)
			}
			first, ok := blockAt(live, 0)
			next, ok2 := blockAt(live, unit)
			if !ok || !ok2 {
				testenv.Missing(t, "a file system that tells where bytes are, for temporary files")
			}
			l := layout{inode: inodeOf(info), head: 2 * unit, cut: &cut{length: unit, first: first, next: next, size: info.Size()}}
			if err := l.save(path, false); err != nil {
				t.Fatal(err)
			}
			cutNow := func() {
				if err := collapse(live, unit); err != nil {
					testenv.Missing(t, "a file system that can collapse, for temporary files")
				}
			}
			s := NewStream(path)
			defer s.Close()
			want := bytes.Clone(text)
			check := func() {
				t.Helper()
				if _, err := live.WriteString("more\n"); err != nil {
					t.Fatal(err)
				}
				want = append(want, "more\n"...)
				followed.want(string(want))
				got := make([]byte, len(want))
				for _, from := range []int{0, 2*unit - 5, 2*unit + 5} {
					if n, err := s.ReadAt(got[from:], int64(from)); err != nil || !bytes.Equal(got[from:], want[from:]) {
						t.Fatalf("from %d: %d bytes, %v, by %+v", from, n, err, s.view.layout)
					}
				}
				if end, err := s.End(); err != nil || end != int64(len(want)) {
					t.Fatalf("it ends at %d, %v; want %d", end, err, len(want))
				}
			}
			if when == "after" {
				cutNow()
			}
			check()
			if when == "later" {
				cutNow()
				if _, err := live.Write(text[:2*unit]); err != nil { // so it is longer than before
					t.Fatal(err)
				}
				want = append(want, text[:2*unit]...)
				check()
			}
			check()
		})
	}
}
