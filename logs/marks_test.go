package logs

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var markTime = time.Unix(1_800_000_000, 0)

func marksInto(rt *rapid.T, file string) []Mark {
	_ = os.Remove(file)
	m := NewMarker(file)
	defer m.Close()
	var all []Mark
	last := Mark{At: markTime}
	for range rapid.IntRange(0, 20).Draw(rt, "marks") {
		last.Offset += rapid.Int64Range(0, 5).Draw(rt, "bytes")
		last.At = last.At.Add(time.Duration(rapid.Int64Range(0, 5).Draw(rt, "time")))
		noError(rt, m.Add(last))
		all = append(all, last)
	}
	return all
}

func sameMarks(a, b []Mark) bool {
	return slices.EqualFunc(a, b, func(a, b Mark) bool { return a.Offset == b.Offset && a.At.Equal(b.At) })
}

// The search finds what looking at all of them finds, also if the last one is torn.
func TestMarks(t *testing.T) {
	file := MarksPath(filepath.Join(t.TempDir(), "a.log"))
	rapid.Check(t, func(rt *rapid.T) {
		all := marksInto(rt, file)
		if torn := rapid.IntRange(0, markSize-1).Draw(rt, "torn"); torn > 0 {
			appendTo(rt, file, torn)
		}
		from := rapid.Int64Range(0, 60).Draw(rt, "from")
		to := from + rapid.Int64Range(0, 60).Draw(rt, "length")
		first, last := 0, len(all)
		for i, m := range all {
			if m.Offset <= from {
				first = i
			}
		}
		for i, m := range slices.Backward(all) {
			if m.Offset >= to {
				last = i + 1
			}
		}
		var want []Mark
		if first < last {
			want = all[first:last]
		}
		if got, err := Marks(file, from, to); err != nil || !sameMarks(got, want) {
			rt.Fatalf("from %d to %d: %v, %v; want %v of %v", from, to, got, err, want, all)
		}
		at := markTime.Add(time.Duration(rapid.Int64Range(-1, 60).Draw(rt, "at")))
		var before, after Mark
		for _, m := range all {
			if !m.At.After(at) {
				before = m
			} else if after == (Mark{}) {
				after = m
			}
		}
		b, a, err := MarksAround(file, at)
		if err != nil || !sameMarks([]Mark{b, a}, []Mark{before, after}) {
			rt.Fatalf("around %s: %v, %v, %v; want %v, %v", at, b, a, err, before, after)
		}
	})
	if got, err := Marks(file+".none", 0, 9); got != nil || err != nil {
		t.Errorf("%v, %v", got, err)
	}
}

func appendTo(rt *rapid.T, file string, n int) {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	noError(rt, err)
	defer f.Close()
	_, err = f.Write(make([]byte, n))
	noError(rt, err)
}

func TestMarkerGoesOnAfterATornMark(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.log.marks")
	for i := range int64(3) {
		m := NewMarker(file)
		if err := m.Add(Mark{i, markTime}); err != nil {
			t.Fatal(err)
		}
		if _, err := m.file.Write([]byte("torn")); err != nil {
			t.Fatal(err)
		}
		m.Close()
	}
	got, err := Marks(file, 0, 9)
	if err != nil || !sameMarks(got, []Mark{{0, markTime}, {1, markTime}, {2, markTime}}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestTrimDropsAndThinsOut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.log.marks")
	m := NewMarker(file)
	defer m.Close()
	now := markTime.Add(48 * time.Hour)
	var text []byte
	const many = 2 * manyMarks / markSize
	for i := range int64(many) { // one a second, so the first ones are old
		text = Mark{i, now.Add(time.Duration(i-many) * time.Second)}.append(text)
	}
	write(t, file, string(text))
	if err := m.Trim(1000, now); err != nil {
		t.Fatal(err)
	}
	got, err := Marks(file, 0, many)
	if err != nil || got[0].Offset != 1000 || got[len(got)-1].Offset != many-1 {
		t.Fatalf("%d marks from %v to %v, %v", len(got), got[0], got[len(got)-1], err)
	}
	for i, k := range got[1:] {
		apart, age := k.At.Sub(got[i].At), now.Sub(k.At)
		if age > denseFor && apart < sparse || age < denseFor-sparse && apart > time.Second {
			t.Fatalf("two marks that are %s old are %s apart", age, apart)
		}
	}
	if err := m.Add(Mark{many, now}); err != nil {
		t.Fatal(err)
	}
	if last, err := lastMark(file); err != nil || last.Offset != many {
		t.Errorf("%v, %v", last, err)
	}
	if err := m.Trim(many, now); err != nil {
		t.Fatal(err)
	}
	if got, err := Marks(file, 0, many); err != nil || len(got) != 1 {
		t.Errorf("%d marks, %v", len(got), err)
	}
}

func TestMarksOfOtherFilesHaveNamesOfTheirOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file, name := names().Draw(t, "file"), names().Draw(t, "name")
		if OutsideMarksPath("/d/db", file) == MarksPath(Path("/d/db", name)) {
			t.Errorf("the marks of the file %q are those of the service %q", file, name)
		}
	})
}
