package cli

import (
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/kballard/go-shellquote"

	"tend"
)

// commandLine returns the command line that stands behind the NAME: one quoted string, or everything after --.
func commandLine(c *command, args arguments, shell bool) (string, error) {
	rest := args.words[1:]
	switch {
	case args.dash == 0:
		return "", misused(c, "the NAME stands before --")
	case args.dash == 1:
		if len(rest) == 1 && shell {
			return rest[0], nil // a whole shell command is one word
		}
		return shellquote.Join(rest...), nil
	case args.dash > 1 || len(rest) > 1:
		e := misused(c, "the command is %d words", len(rest))
		return "", e.hint("tend %s %s -- %s", c.name, args.words[0], shellquote.Join(rest...))
	}
	return rest[0], nil
}

// checkCommandLine returns the words of a command line. It is an error if there are none, or if a quote is open.
func checkCommandLine(line string) ([]string, error) {
	scan := scanWords(line)
	if scan.open != "" {
		return nil, &usageError{
			tend.Errorf(tend.CodeUsage, "the command has %s at column %d that is not closed", scan.open, scan.column),
			[]string{"  " + printable(line, false), "  " + strings.Repeat(" ", width(printable(string([]rune(line)[:scan.column-1]), false))) + "^"},
		}
	}
	words, err := shellquote.Split(line)
	if err != nil {
		return nil, tend.Errorf(tend.CodeUsage, "the command cannot be split into words: %w", err)
	}
	if len(words) == 0 || words[0] == "" {
		return nil, tend.Errorf(tend.CodeUsage, "the command is empty").WithHint("for example: tend run web -- python3 -m http.server")
	}
	if i := slices.IndexFunc(words, func(w string) bool { return strings.ContainsRune(w, 0) }); i >= 0 {
		return nil, tend.Errorf(tend.CodeUsage, "word %d of the command has a zero byte in it", i+1)
	}
	return words, nil
}

// wordScan is what a look at a command line finds.
type wordScan struct {
	open   string // the quote that is not closed, in words
	column int    // where it was opened, from 1, in characters
	shell  string // the first thing that only a shell understands, outside of quotes
}

// scanWords goes over the line by the rules by which shellquote.Split splits it.
func scanWords(line string) wordScan {
	var found wordScan
	note := func(what string) {
		if found.shell == "" {
			found.shell = what
		}
	}
	runes := []rune(line)
	start := true // of a word
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		switch {
		case r == '\\':
			if i++; i == len(runes) {
				return wordScan{open: "a backslash", column: i}
			}
		case r == '\'' || r == '"':
			end := closing(runes, i)
			if end < 0 {
				return wordScan{open: map[rune]string{'\'': "a single quote", '"': "a double quote"}[r], column: i + 1}
			}
			if r == '"' {
				if j := slices.Index(runes[i:end], '$'); j >= 0 && variable(runes[i+j:end]) != "" {
					note(variable(runes[i+j : end]))
				}
			}
			i = end
		case strings.ContainsRune(";|<>&`*", r):
			if twice := i+1 < len(runes) && runes[i+1] == r; twice && r != '*' {
				note(string(runes[i : i+2])) // &&, ||, >>
			}
			note(string(r))
		case r == '$' && variable(runes[i:]) != "":
			note(variable(runes[i:]))
		case r == '~' && start:
			note("~")
		}
		start = r == ' ' || r == '\t' || r == '\n'
	}
	return found
}

// closing returns the index of the quote that closes the one at i, −1 if none does.
func closing(runes []rune, i int) int {
	for j := i + 1; j < len(runes); j++ {
		switch {
		case runes[j] == runes[i]:
			return j
		case runes[j] == '\\' && runes[i] == '"':
			j++
		}
	}
	return -1
}

// variable returns the variable, $NAME or ${ or $(, that the text begins with, "" if with none.
func variable(runes []rune) string {
	if len(runes) > 1 && (runes[1] == '(' || runes[1] == '{') {
		return string(runes[:2])
	}
	n := 1
	for n < len(runes) && (runes[n] == '_' || runes[n] < utf8.RuneSelf && strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", runes[n])) {
		n++
	}
	if n == 1 {
		return ""
	}
	return string(runes[:n])
}

// shells understand what tend does not.
var shells = []string{"sh", "bash", "dash", "zsh", "ksh", "fish", "busybox", "env", "ssh", "su", "awk", "perl"}

// suspect warns of a command line that looks as if a shell were to run it, and reports whether it did.
func (a *App) suspect(line string, words []string) bool {
	if slices.Contains(shells, filepath.Base(words[0])) {
		return false
	}
	if name, _, found := strings.Cut(words[0], "="); found && name != "" && variable([]rune("$"+name)) == "$"+name {
		a.warn("", "no shell runs the command, so %s is taken for the program; set the variable with --env %s", words[0], words[0])
		return true
	}
	what := scanWords(line).shell
	if what != "" {
		a.warn("", "no shell runs the command, so %q is passed on as it stands; if a shell is meant, add --shell", what)
	}
	return what != ""
}
