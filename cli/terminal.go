package cli

import (
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kballard/go-shellquote"
	"golang.org/x/term"
)

// terminal is what is known of where input comes from and output goes to.
type terminal struct {
	in, out, err bool // a person is at that end
	width        int  // of standard output, columns; 0: unlimited
	errWidth     int  // of standard error
	colour       bool
}

// inner is what is left of the width when so many columns are taken, 0 being unlimited; a very narrow terminal has to
// break the rest itself.
func (t terminal) inner(taken int) int {
	if t.width == 0 {
		return 0
	}
	return max(t.width-taken, 20)
}

func detectTerminal(a *App) terminal {
	t := terminal{in: isTerminal(a.Stdin), out: isTerminal(a.Stdout), err: isTerminal(a.Stderr)}
	if t.err {
		t.errWidth = a.columns(a.Stderr)
	}
	if t.out {
		t.width = a.columns(a.Stdout)
		t.colour = a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb" && a.getenv("TERM") != ""
	}
	return t
}

// columns is how wide the terminal at that end is.
func (a *App) columns(end io.Writer) int {
	if file, ok := end.(*os.File); ok {
		if n, _, err := term.GetSize(int(file.Fd())); err == nil && n > 0 {
			return n
		}
	}
	if n, err := strconv.Atoi(a.getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	return 80
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

// typed is a name as one types it in a shell.
func typed(name string) string { return printable(shellquote.Join(name), false) }

// ask asks a question at the terminal and returns the answer, "" at the end of input.
func (a *App) ask(question string) string {
	io.WriteString(a.Stderr, question+" ")
	var answer []byte
	for one := make([]byte, 1); ; {
		n, err := a.Stdin.Read(one)
		if n == 1 && one[0] != '\n' {
			answer = append(answer, one[0])
		}
		if err != nil {
			io.WriteString(a.Stderr, "\n") // Ctrl-D does not end the line
		}
		if n == 1 && one[0] == '\n' || err != nil {
			return strings.TrimSpace(string(answer))
		}
	}
}
