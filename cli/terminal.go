package cli

import (
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// terminal is what is known of where input comes from and output goes to.
type terminal struct {
	in, out, err bool // a person is at that end
	width        int  // of standard output, columns; 0: unlimited
	colour       bool
}

func detectTerminal(a *App) terminal {
	t := terminal{in: isTerminal(a.Stdin), out: isTerminal(a.Stdout), err: isTerminal(a.Stderr)}
	if !t.out {
		return t
	}
	t.colour = a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb" && a.getenv("TERM") != ""
	if file, ok := a.Stdout.(*os.File); ok {
		t.width, _, _ = term.GetSize(int(file.Fd()))
	}
	if t.width <= 0 {
		t.width, _ = strconv.Atoi(a.getenv("COLUMNS"))
	}
	if t.width <= 0 {
		t.width = 80
	}
	return t
}

func isTerminal(end any) bool {
	file, ok := end.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// printable replaces what would not show but act: control characters and bytes that are not UTF-8. Names and command
// lines may come from anywhere.
func printable(text string, newlines bool) string {
	clean := func(r rune) bool {
		return r != utf8.RuneError && !unicode.IsControl(r) && r != '\u2028' && r != '\u2029' && !unicode.Is(unicode.Bidi_Control, r) || newlines && r == '\n'
	}
	if strings.IndexFunc(text, func(r rune) bool { return !clean(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if clean(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// ask asks a question at the terminal and returns the answer, "" at the end of input.
func (a *App) ask(question string) string {
	io.WriteString(a.Stderr, question+" ")
	var answer []byte
	for one := make([]byte, 1); ; {
		n, err := a.Stdin.Read(one)
		if n == 1 && one[0] != '\n' {
			answer = append(answer, one[0])
		}
		if n == 1 && one[0] == '\n' || err != nil {
			return strings.TrimSpace(string(answer))
		}
	}
}
