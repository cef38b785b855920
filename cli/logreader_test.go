package cli

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tend/logs"
)

// textStream is a log in memory, of which the text before start and that in a hole was dropped.
type textStream struct {
	text       []byte
	start      int64
	hole, over int64
	chunk      int // as much is read at once; 0: all
}

func (s *textStream) Start() int64        { return s.start }
func (s *textStream) End() (int64, error) { return int64(len(s.text)), nil }
func (s *textStream) ReadAt(p []byte, off int64) (int, error) {
	end := int64(len(s.text))
	switch {
	case off < s.start:
		return 0, &logs.GoneError{Next: s.start}
	case off >= s.hole && off < s.over:
		return 0, &logs.GoneError{Next: s.over}
	case off >= end:
		return 0, io.EOF
	case off < s.hole:
		end = s.hole
	}
	if s.chunk > 0 {
		p = p[:min(len(p), s.chunk)]
	}
	return copy(p, s.text[off:end]), nil
}

func (s *textStream) LastLines(from, to int64, n int) (int64, error) {
	for at := to; at > from; at-- {
		if at < to && s.text[at-1] == '\n' {
			if n--; n == 0 {
				return at, nil
			}
		}
	}
	return from, nil
}

func all(s *textStream) part {
	return part{from: s.start, to: int64(len(s.text)), limit: int64(len(s.text))}
}

// readAll reads all lines and checks their offsets.
func readAll(t interface{ Fatalf(string, ...any) }, s *textStream, r *lineReader) (lines []string) {
	for {
		line, err := r.read()
		if errors.Is(err, io.EOF) {
			return lines
		}
		if err != nil {
			t.Fatalf("reading: %v", err)
		}
		if !bytes.HasPrefix(s.text[line.offset:], line.text) {
			t.Fatalf("%.40q is not at %d", line.text, line.offset)
		}
		text := string(line.text)
		if line.begun {
			text = "…" + text
		}
		if line.open {
			text += "…"
		}
		lines = append(lines, text)
	}
}

func TestLineReader(t *testing.T) {
	long := strings.Repeat("x", maxLine)
	for name, test := range map[string]struct {
		text string
		part part
		grep string
		want []string
	}{
		"lines":               {"a\nb\n\nc", part{to: 6, limit: 6}, "", []string{"a", "b", "", "c…"}},
		"nothing":             {"", part{}, "", nil},
		"begin before to":     {"a\nbcd\ne\n", part{to: 4, limit: 8}, "", []string{"a", "bcd"}},
		"text ends at limit":  {"a\nbcd\ne\n", part{to: 4, limit: 4}, "", []string{"a", "bc…"}},
		"from the middle":     {"abc\nd\n", part{from: 1, to: 6, limit: 6, begun: true}, "", []string{"…bc", "d"}},
		"just so long":        {long + "\nb\n", part{to: maxLine + 3, limit: maxLine + 3}, "", []string{long, "b"}},
		"too long":            {long + "y\nb\n", part{to: maxLine + 4, limit: maxLine + 4}, "", []string{long + "…", "…y", "b"}},
		"wanted":              {"one\ntwo\none two\nthree\nTWO", part{to: 25, limit: 25}, "two", []string{"two", "one two"}},
		"wanted, to":          {"one\ntwo\none two\nthree\nTWO", part{to: 8, limit: 25}, "two", []string{"two"}},
		"wanted in either":    {"one\ntwo\nthree\nTWO", part{to: 17, limit: 17}, "(?i)two", []string{"two", "TWO…"}},
		"wanted in a piece":   {long + "y yy\nzz\n", part{to: maxLine + 8, limit: maxLine + 8}, "yy", []string{"…y yy"}},
		"a beginning":         {"ab\nb\nba\n", part{to: 8, limit: 8}, "^b", []string{"b", "ba"}},
		"an end":              {"ab\nb\nba\n", part{to: 8, limit: 8}, "b$", []string{"ab", "b"}},
		"two lines match not": {"ab\ncd\n", part{to: 6, limit: 6}, `b\scd`, nil},
	} {
		for _, chunk := range []int{0, 1, 7} {
			s := &textStream{text: []byte(test.text), chunk: chunk}
			var wanted *filter
			if test.grep != "" {
				wanted = must1(newFilter(&command{}, test.grep, false))
			}
			if got := readAll(t, s, newLineReader(s, test.part, wanted, 0)); !slices.Equal(got, test.want) {
				t.Errorf("%s, %d at once: %.300q", name, chunk, got)
			}
		}
	}
}

// must1 is for what cannot fail.
func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestLineReaderGoesOverAGap(t *testing.T) {
	s := &textStream{text: []byte("one\ntwo\nthree\nfour\n"), hole: 5, over: 14}
	var lost int64
	r := newLineReader(s, all(s), nil, 0)
	r.lost = func(n int64) { lost += n }
	if got := readAll(t, s, r); !slices.Equal(got, []string{"one", "t…", "four"}) || lost != 9 {
		t.Errorf("%q, %d bytes lost", got, lost)
	}
	s = &textStream{text: []byte("one\ntwo\n"), hole: 4, over: 100}
	lost = 0
	r = newLineReader(s, all(s), nil, 0)
	r.lost = func(n int64) { lost += n }
	if got := readAll(t, s, r); !slices.Equal(got, []string{"one"}) || lost != 4 {
		t.Errorf("%q, %d bytes lost", got, lost)
	}
}

func TestLineReaderHoldsWhatHasNoEnd(t *testing.T) {
	s := &textStream{text: []byte("one\ntwo\nthr")}
	r := newLineReader(s, all(s), nil, 0)
	r.hold = true
	if got := readAll(t, s, r); !slices.Equal(got, []string{"one", "two"}) || r.at != 8 || r.begun {
		t.Errorf("%q, stopped at %d", got, r.at)
	}
}

// Whatever the text, the expression and the blocks are: the lines are those that a plain search finds.
func TestFilterFindsWhatMatches(t *testing.T) {
	expressions := []string{"ab", "a", "(?i)ab", "(?i)aK", "a.b", "^ab", "b$", "a+b+", "(ab|ba)", "ab|xx|Éa", "(?i)ab|bb|xx", "A(?i:B)|cab", "(ab)+c?", "", "é", "(?i)éa", "x{2,}", "[ab]c", `a\nb`, "(?i:ab)c", "(?i)sab"}
	rapid.Check(t, func(t *rapid.T) {
		expression := rapid.SampledFrom(expressions).Draw(t, "expression")
		text := []byte(rapid.StringOfN(rapid.RuneFrom([]rune("aabbcABKx\u212a\u017féÉ\n\n")), 0, 300, -1).Draw(t, "text"))
		s := &textStream{text: text, chunk: rapid.IntRange(0, 20).Draw(t, "chunk")}
		var want []string
		lines := strings.SplitAfter(string(text), "\n")
		for _, line := range lines {
			bare, ended := strings.CutSuffix(line, "\n")
			if line != "" && regexp.MustCompile(expression).MatchString(bare) {
				if !ended {
					bare += "…"
				}
				want = append(want, bare)
			}
		}
		wanted := must1(newFilter(&command{}, expression, false))
		if got := readAll(t, s, newLineReader(s, all(s), wanted, 0)); !slices.Equal(got, want) {
			t.Fatalf("%q in %q: %q, want %q", expression, text, got, want)
		}
		n := rapid.IntRange(0, 5).Draw(t, "n")
		p := all(s)
		p.from = must1(lastWanted(s, p, wanted, n))
		if got := readAll(t, s, newLineReader(s, p, wanted, 0)); !slices.Equal(got, want[max(0, len(want)-n):]) {
			t.Fatalf("last %d of %q in %q: %q, want %q", n, expression, text, got, want)
		}
	})
}

func TestLastWantedReadsOnlyWhatItHasTo(t *testing.T) {
	line := []byte(strings.Repeat("x", 99) + "\n")
	s := &textStream{text: bytes.Repeat(line, 300_000)} // 30 MB
	copy(s.text[25_000_000:], "here")
	copy(s.text[29_999_000:], "here")
	wanted := must1(newFilter(&command{}, "here", false))
	for n, want := range map[int]int64{1: 29_999_000, 2: 25_000_000, 3: 25_000_000} {
		s.start = 0
		if got := must1(lastWanted(s, all(s), wanted, n)); got != want {
			t.Errorf("the last %d begin at %d", n, got)
		}
	}
	long := &textStream{text: append([]byte("here\n"), bytes.Repeat([]byte("y"), 8<<20)...)}
	if got := must1(lastWanted(long, all(long), wanted, 1)); got != 0 {
		t.Errorf("before an endless line: %d", got)
	}
}

func TestRequired(t *testing.T) {
	logs := newLogs()
	for expression, want := range map[string]string{
		"error": "error", "(?i)ERROR": "error", "a.*timeout.*b": "timeout", "(conn)+ected": "ected", "x?": "", "a": "",
		"(?i)disk": "di", "(?i)kiss": "", "(?i)grün": "gr", "foo|bar": "foo bar", "foo|b": "", "(?i)foo|bar": "foo bar", "(?:ERROR|(?i:fatal)).*[0-9]": "error fatal", "error|err": "err", "(?:abc){2}": "abc", "(?:abc){0,2}": "", "^warn$": "warn",
	} {
		if got := must1(newFilter(&command{}, expression, false)); string(bytes.Join(got.literals, []byte(" "))) != want {
			t.Errorf("%s: %q", expression, got.literals)
		}
	}
	if _, err := newFilter(&logs, "a(b", false); err == nil || !strings.Contains(err.Error(), `"a(b" is no regular expression: missing closing )`) {
		t.Errorf("%v", err)
	}
}

func TestLower(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.Byte()).Draw(t, "text")
		got := make([]byte, len(text))
		lower(got, text)
		for i, b := range text {
			if b >= 'A' && b <= 'Z' {
				b |= 0x20
			}
			if got[i] != b {
				t.Fatalf("%q became %q", text, got)
			}
		}
	})
}

func TestLineStart(t *testing.T) {
	s := &textStream{text: []byte("ab\ncd\nef")}
	for at, want := range []int64{0, 3, 3, 3, 6, 6, 6, 8, 8} {
		if got := must1(lineStart(s, int64(at), 0, 8)); got != want {
			t.Errorf("from %d: %d, not %d", at, got, want)
		}
	}
}
