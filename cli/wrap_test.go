package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		text    string
		columns int
		want    []string
	}{
		{"", 10, []string{""}},
		{"one two", 0, []string{"one two"}},
		{"one two", 7, []string{"one two"}},
		{"one two", 6, []string{"one", "two"}},
		{"wants --yes, and", 12, []string{"wants --yes,", "and"}}, // not broken at a hyphen
		{"see /a/very/long/path there", 8, []string{"see", "/a/very/long/path", "there"}},
		{"数据 数据", 5, []string{"数据", "数据"}}, // two columns each
	} {
		if got := wrap(c.text, c.columns); !slices.Equal(got, c.want) {
			t.Errorf("wrap(%q, %d) = %q, not %q", c.text, c.columns, got, c.want)
		}
	}
}

// TestACardIsAsWideAsTheTerminal: and nothing of it is lost.
func TestACardIsAsWideAsTheTerminal(t *testing.T) {
	for _, columns := range []int{40, 60, 80, 200} {
		for _, s := range samples() {
			card := renderCard(s, []string{strings.Repeat("x", 300)}, terminal{width: columns, colour: true}, noon)
			for line := range strings.SplitSeq(card, "\n") {
				if n := width(line); n > columns {
					t.Errorf("%d columns in a terminal of %d: %q", n, columns, line)
				}
			}
		}
	}
	web := renderCard(samples()[3], nil, terminal{width: 40}, noon)
	if joined := strings.Join(strings.Fields(web), ""); !strings.Contains(joined, "--directory/home/me/site/public8000") {
		t.Errorf("a part of the command is missing:\n%s", web)
	}
}

func TestHelpIsAsWideAsTheTerminal(t *testing.T) {
	for _, columns := range []int{60, 80, 200} {
		for _, args := range [][]string{{}, {"help"}, {"help", "add"}, {"help", "initialize"}, {"help", "logs"}} {
			var b bytes.Buffer
			a := &App{Args: args, Stdout: &b, Stderr: &b}
			a.wire()
			a.terminal = func() terminal { return terminal{out: true, width: columns} }
			if status := a.Run(t.Context()); status != 0 {
				t.Fatalf("%v: exit status %d\n%s", args, status, b.String())
			}
			for line := range strings.SplitSeq(b.String(), "\n") {
				if n := width(line); n > columns && !strings.HasPrefix(line, "  tend ") { // an example is to be copied
					t.Errorf("%v: %d columns in a terminal of %d: %q", args, n, columns, line)
				}
			}
		}
	}
}

// TestMessagesAreBroken: at blanks, and what is to be typed not at all.
func TestMessagesAreBroken(t *testing.T) {
	var b bytes.Buffer
	a := &App{Stderr: &b}
	a.wire()
	a.terminal = func() terminal { return terminal{err: true, errWidth: 30} }
	a.writeFailure("the directory of the database does not exist")
	a.writeMore("  indented: it stands as it was given")
	a.writeHint("make it with the command mkdir")
	a.writeHint("tend run web -- python3 -m http.server")
	want := `tend: the directory of the
      database does not exist
        indented: it stands as it was given
      make it with the command
      mkdir
      try: tend run web -- python3 -m http.server
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
