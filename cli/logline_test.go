package cli

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func contains(err error, text string) bool { return strings.Contains(err.Error(), text) }

func TestScreen(t *testing.T) {
	for text, want := range map[string]string{
		"plain äö\t.":                               "plain äö\t.",
		"\x1b[31mred\x1b[0m":                        "\x1b[31mred\x1b[0m",
		"\x1b[38;5;208mo":                           "\x1b[38;5;208mo\x1b[0m",
		"\x1b]0;title\a\x1b[2J\x1b[31":              `\x1b]0;title\a\x1b[2J\x1b[31`,
		"10%\r20%\b\x00\x7f":                        `10%\r20%\b\x00\x7f`,
		"\xff\xc3(\u0085\u202ea\u2028\ufffd.":       "\\xff\\xc3(\\u0085\\u202ea\\u2028\ufffd.",
		"\x1b[1;2" + strings.Repeat("3", 200) + "m": `\x1b[1;2` + strings.Repeat("3", 200) + "m",
	} {
		s := &screen{colours: true}
		if got := string(s.end(s.show(nil, []byte(text), nil))); got != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
	without := &screen{}
	if got := string(without.show(nil, []byte("\x1b[31mred\x1b[0m"), [][]int{{5, 8}})); got != "red" {
		t.Errorf("without colours: %q", got)
	}
	s := &screen{colours: true}
	if got := string(s.show(nil, []byte("a bad b"), [][]int{{2, 5}})); got != "a \x1b[7mbad\x1b[27m b" {
		t.Errorf("marked: %q", got)
	}
	s.end(s.show(s.begin(nil), []byte("\x1b[31mtwo"), nil))
	if got := string(s.end(s.show(s.begin(nil), []byte("lines"), nil))); got != "\x1b[31mlines\x1b[0m" {
		t.Errorf("colours of the line before: %q", got)
	}
}

// Whatever is written, a terminal gets text, tabs and colours.
func TestScreenLetsNothingThrough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.OneOf(rapid.Byte(), rapid.SampledFrom([]byte("\x1b\x1b[[[;1mm\r\n\t\x9b")))).Draw(t, "text")
		s := &screen{colours: true}
		shown := string(s.end(s.show(s.begin(nil), text, nil)))
		bare := shown
		for i := strings.IndexByte(bare, 0x1b); i >= 0; i = strings.IndexByte(bare, 0x1b) {
			n := colourPrefix([]byte(bare[i:]))
			if n == 0 {
				t.Fatalf("%q is shown as %q", text, shown)
			}
			bare = bare[:i] + bare[i+n:]
		}
		if !utf8.ValidString(bare) || strings.ContainsFunc(bare, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
			t.Fatalf("%q is shown as %q", text, shown)
		}
		n := wholeCharacters(text)
		if rest := text[n:]; n < 0 || len(rest) > maxCarried || len(rest) > 3 && rest[0] != 0x1b {
			t.Fatalf("of %q, %q waits", text, rest)
		}
	})
}

func TestWholeCharacters(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "abc": 3, "a\xc3": 1, "aä": 3, "a\xe2\x82": 1, "a\x1b": 1, "a\x1b[": 1, "a\x1b[31": 1, "a\x1b[31m": 6, "a\x1b]": 3, "\xff": 1, "a\xbf": 2,
	} {
		if got := wholeCharacters([]byte(text)); got != want {
			t.Errorf("%q: %d", text, got)
		}
	}
}

// say is a piece of a line of a source; without a newline it is open, and after such a one it goes on.
type say struct{ source, text string }

func written(t *testing.T, form logForm, says ...say) string {
	t.Helper()
	sources := map[string]*logSource{"web": {label: "web", service: "web", kind: "output"}, "db": {label: "db", service: "db", number: 1}}
	var b bytes.Buffer
	form.now = noon
	w := newLogWriter(&b, form, nil)
	w.admit([]*logSource{sources["web"], sources["db"]})
	begun := map[string]bool{}
	for _, s := range says {
		text, ended := strings.CutSuffix(s.text, "\n")
		line := logLine{offset: 7, text: []byte(text), begun: begun[s.source], open: !ended}
		begun[s.source] = !ended
		if err := w.write(sources[s.source], line, placed{at: noon.Add(time.Millisecond)}, "r1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.finish(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestLogWriter(t *testing.T) {
	broken := []say{{"web", "one "}, {"web", "two\n"}, {"web", "three "}, {"db", "four\n"}, {"web", "five\n"}, {"db", "six"}}
	for name, test := range map[string]struct {
		form logForm
		says []say
		want string
	}{
		"named":        {logForm{named: true}, broken, "web | one two\nweb | three \ndb  | four\nweb … five\ndb  | six\n"},
		"plain":        {logForm{}, []say{{"web", "a\x1b\x00\xff\n"}, {"web", "b"}}, "a\x1b\x00\xff\nb"},
		"raw":          {logForm{raw: true}, broken, "one two\nthree \nfour\nfive\nsix"},
		"raw, shown":   {logForm{raw: true, terminal: false}, []say{{"web", "\a"}}, "\a"},
		"to a person":  {logForm{terminal: true}, []say{{"web", "a\a\r\n"}, {"web", "b"}}, "a\\a\nb\n"},
		"with times":   {logForm{times: true}, []say{{"web", "a"}, {"db", "b\n"}, {"web", "c\n"}}, "2026-03-14T12:00:00.001Z a\n2026-03-14T12:00:00.001Z b\n2026-03-14T12:00:00.001Z … c\n"},
		"times, shown": {logForm{times: true, named: true, terminal: true}, []say{{"db", "b\n"}}, "12:00:00 db  | b\n"},
		"json": {logForm{json: true}, []say{{"web", "a<\xff\n"}, {"web", "b"}},
			`{"version":1,"service":"web","stream":"output","run":"r1","offset":7,"time":"2026-03-14T12:00:00.001Z","time_exact":false,"text":"a<\ufffd","bytes":"YTz/","partial":false}` + "\n" +
				`{"version":1,"service":"web","stream":"output","run":"r1","offset":7,"time":"2026-03-14T12:00:00.001Z","time_exact":false,"text":"b","partial":true}` + "\n"},
	} {
		if got := written(t, test.form, test.says...); got != test.want {
			t.Errorf("%s:\n%s\nnot\n%s", name, got, test.want)
		}
	}
}

// brokenPipe fails every write, as a pipe does that nobody reads.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestLogWriterSaysThatNobodyReads(t *testing.T) {
	w := newLogWriter(brokenPipe{}, logForm{}, nil)
	if err := errors.Join(w.write(&logSource{}, logLine{text: []byte("x")}, placed{}, ""), w.finish()); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v", err)
	}
}
