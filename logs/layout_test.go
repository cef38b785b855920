package logs

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

func layouts() *rapid.Generator[layout] {
	return rapid.Custom(func(t *rapid.T) layout {
		n := rapid.Int64Range(0, 1<<50)
		l := layout{
			inode: rapid.Uint64().Draw(t, "inode"), epoch: n.Draw(t, "epoch"), origin: n.Draw(t, "origin"), base: n.Draw(t, "base"), head: n.Draw(t, "head"),
			cuts: n.Draw(t, "cuts"), formerCuts: n.Draw(t, "former cuts") - 1, formerHead: n.Draw(t, "former head") - 1,
		}
		at := int64(0)
		for range rapid.IntRange(0, 3).Draw(t, "gaps") {
			g := gap{at + rapid.Int64Range(1, 9).Draw(t, "between"), rapid.Int64Range(1, 9).Draw(t, "length")}
			l.gaps, at = append(l.gaps, g), g.offset+g.length
		}
		if rapid.Bool().Draw(t, "cut") {
			l.cut = &cut{n.Draw(t, "length"), n.Draw(t, "first"), n.Draw(t, "next"), n.Draw(t, "size")}
		}
		if rapid.Bool().Draw(t, "swap") {
			l.swap = &swap{rapid.Uint64().Draw(t, "next inode"), n.Draw(t, "next base")}
		}
		return l
	})
}

func TestLayoutIsReadAsItWasWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.log")
	rapid.Check(t, func(rt *rapid.T) {
		l := layouts().Draw(rt, "layout")
		noError(rt, l.save(path, false))
		got, err := loadLayout(path)
		if err != nil || !bytes.Equal(got.text(), l.text()) {
			rt.Fatalf("%s, %v; want %s", got.text(), err, l.text())
		}
		torn := l.text()
		torn = torn[:rapid.IntRange(0, len(torn)-2).Draw(rt, "torn")]
		if got, err := parseLayout(torn); !errors.Is(err, errLayout) {
			rt.Errorf("%q is read as %s", torn, got.text())
		}
	})
}

// Bytes that are not in a gap have a place each, and one that is cut off changes none.
func TestPlacesInALayout(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := layouts().Draw(rt, "layout")
		inGap := func(at int64) bool {
			for _, g := range l.gaps {
				if g.offset <= at && at < g.offset+g.length {
					return true
				}
			}
			return false
		}
		next := l.base
		cut := rapid.Int64Range(0, 60).Draw(rt, "cut")
		shorter := l.shortened(cut)
		for at := int64(0); at < 100; at++ {
			if l.logical(at) != next {
				rt.Fatalf("%d is %d in the stream, want %d", at, l.logical(at), next)
			}
			if inGap(at) {
				continue
			}
			if l.physical(next) != at {
				rt.Fatalf("%d of the stream is at %d, want %d", next, l.physical(next), at)
			}
			if at >= cut && shorter.physical(next) != at-cut {
				rt.Fatalf("after the cut %d of the stream is at %d, want %d", next, shorter.physical(next), at-cut)
			}
			next++
		}
	})
}
