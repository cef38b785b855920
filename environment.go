package tend

import (
	"fmt"
	"maps"
	"strings"
)

// Environment files. Their rules are our own, and written down in docs/environment.md: the parsers that there are take
// the rest of an unquoted value away at any #, expand what looks like a variable in a password, or cannot say in which line
// they stopped.

// A LineError is what is wrong with one line of a file. Its message never quotes a value, which may be a secret.
type LineError struct {
	Line    int // from 1
	Message string
}

// Error returns "line N: MESSAGE".
func (e *LineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Message) }

// ParseEnvironmentFile reads the variables of an environment file; of one that is set twice the last counts. The error is
// a *LineError.
func ParseEnvironmentFile(text string) (map[string]string, error) {
	p := &environmentParser{rest: strings.TrimPrefix(text, "\ufeff"), line: 1}
	vars := map[string]string{}
	for p.rest != "" {
		at := p.line
		name, value, err := p.statement()
		if err != nil {
			return nil, err
		}
		if name == "" {
			continue
		}
		if err := checkVariable(name, value); err != nil {
			return nil, &LineError{at, err.Error()}
		}
		vars[name] = value
	}
	return vars, nil
}

func checkVariable(name, value string) error {
	switch {
	case !variableName(name):
		return fmt.Errorf("what stands before = is not the name of a variable (letters, digits, _, . and -, and no digit first)")
	case strings.HasPrefix(name, "TEND_"):
		return fmt.Errorf("%s is set by tend itself", name)
	case strings.ContainsRune(value, 0):
		return fmt.Errorf("the value of %s has a zero byte in it", name)
	}
	return nil
}

func variableName(name string) bool {
	for i, r := range name {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if later := r == '.' || r == '-' || r >= '0' && r <= '9'; !letter && (i == 0 || !later) {
			return false
		}
	}
	return name != ""
}

// environmentParser goes through a file, statement by statement.
type environmentParser struct {
	rest string
	line int // that rest begins in
}

const blanks = " \t"

func (p *environmentParser) fail(line int, message string) error { return &LineError{line, message} }

// take takes so many bytes.
func (p *environmentParser) take(n int) string {
	taken := p.rest[:n]
	p.rest = p.rest[n:]
	p.line += strings.Count(taken, "\n")
	return taken
}

// endOfLine takes what is left of the line, without its end.
func (p *environmentParser) endOfLine() string {
	n := strings.IndexByte(p.rest, '\n') + 1
	if n == 0 {
		n = len(p.rest)
	}
	return strings.TrimSuffix(strings.TrimSuffix(p.take(n), "\n"), "\r")
}

// statement takes one line, or more where a quoted value goes on; name is "" where the line says nothing.
func (p *environmentParser) statement() (name, value string, err error) {
	at := p.line
	p.take(len(p.rest) - len(strings.TrimLeft(p.rest, blanks)))
	if first := strings.TrimLeft(p.rest, "\r"); first == "" || first[0] == '\n' || first[0] == '#' {
		p.endOfLine()
		return "", "", nil
	}
	equals := strings.IndexAny(p.rest, "=\n")
	if equals < 0 || p.rest[equals] == '\n' {
		return "", "", p.fail(at, "there is no = in it (NAME=VALUE)")
	}
	name = strings.Trim(p.take(equals), blanks)
	p.take(1)
	if word, rest, two := strings.Cut(strings.ReplaceAll(name, "\t", " "), " "); two && word == "export" {
		name = strings.Trim(rest, blanks)
	}
	if name == "" {
		return "", "", p.fail(at, "there is no name before = (NAME=VALUE)")
	}
	value, err = p.value()
	return name, value, err
}

func (p *environmentParser) value() (string, error) {
	trimmed := strings.TrimLeft(p.rest, blanks)
	if trimmed == "" || trimmed[0] != '\'' && trimmed[0] != '"' {
		return withoutComment(p.endOfLine()), nil
	}
	p.take(len(p.rest) - len(trimmed))
	return p.quoted()
}

// withoutComment is a value without quotes: what stands there, but for blanks around it and what a # after a blank begins.
func withoutComment(text string) string {
	for i := 1; i < len(text); i++ {
		if text[i] == '#' && strings.IndexByte(blanks, text[i-1]) >= 0 {
			text = text[:i]
		}
	}
	return strings.Trim(text, blanks)
}

func (p *environmentParser) quoted() (string, error) {
	at, quote := p.line, p.rest[0]
	end := closingQuote(p.rest)
	if end < 0 {
		kind := "double"
		if quote == '\'' {
			kind = "single"
		}
		return "", p.fail(at, "a "+kind+" quote is opened and not closed")
	}
	value := strings.ReplaceAll(p.take(end + 1)[1:end], "\r\n", "\n")
	if quote == '"' {
		value = unescape(value)
	}
	line := p.line
	after := p.endOfLine()
	if rest := strings.TrimLeft(after, blanks); rest != "" && (rest[0] != '#' || rest == after) {
		return "", p.fail(line, "something stands behind the closing quote (only blanks, and a comment after a blank, may)")
	}
	return value, nil
}

// closingQuote returns the index of the quote that closes the one at the beginning, −1 if none does.
func closingQuote(text string) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == text[0]:
			return i
		case text[i] == '\\' && text[0] == '"':
			i++
		}
	}
	return -1
}

// unescape reads what stands between double quotes. A backslash before anything else than these stands for itself.
func unescape(text string) string {
	return strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\t`, "\t", `\\`, `\`, `\"`, `"`, `\$`, "$", "\\`", "`", "\\\n", "").Replace(text)
}

// MergeEnvironment returns the variables of a service that has those of its definition and those of its environment files.
// The definition wins, except where it says what a definition takes from its caller unasked: somebody who writes PATH
// into a file means it.
func MergeEnvironment(definition, files map[string]string) map[string]string {
	merged := maps.Clone(files)
	if merged == nil {
		merged = map[string]string{}
	}
	for name, value := range definition {
		if _, set := files[name]; !set || !Inherited(name) {
			merged[name] = value
		}
	}
	return merged
}

// setEnvironmentFile adds a file. That it may be missing stays before its name: -/home/me/.env
func setEnvironmentFile(s *Service, value string, c Caller) error {
	file, optional := strings.CutPrefix(value, "-")
	path, err := pathValue(file, c)
	if err != nil {
		return fmt.Errorf("%q is not a file of variables (a path; -PATH for one that may be missing)", value)
	}
	if optional {
		path = "-" + path
	}
	s.EnvironmentFile = append(s.EnvironmentFile[:len(s.EnvironmentFile):len(s.EnvironmentFile)], path)
	return nil
}
