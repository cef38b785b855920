package cli

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"
)

// filter says which lines are wanted: those that a regular expression matches. A nil filter wants all.
//
// A regular expression is slow beside a search for fixed bytes. Most have some of which one stands in whatever they match;
// these are searched for first, in whole blocks, and only lines with one of them in it are matched.
type filter struct {
	expression *regexp.Regexp
	literals   [][]byte // one of these stands in each match; none: nothing is known to
	fold       bool     // literals are in lower case, and letters count as equal in both cases
	only       bool     // the one literal is all that is asked for
}

// newFilter reads a regular expression, RE2.
func newFilter(c *command, text string, ignoreCase bool) (*filter, error) {
	flags := syntax.Perl
	if ignoreCase {
		flags |= syntax.FoldCase
	}
	parsed, err := syntax.Parse(text, flags)
	if err != nil {
		return nil, misused(c, "--grep: %q is no regular expression: %s", text, syntaxProblem(err))
	}
	if ignoreCase {
		text = "(?i)" + text
	}
	expression, err := regexp.Compile(text)
	if err != nil {
		return nil, misused(c, "--grep: %q is no regular expression: %s", text, syntaxProblem(err))
	}
	f := &filter{expression: expression}
	f.literals, f.fold = required(parsed.Simplify())
	f.only = parsed.Op == syntax.OpLiteral && !f.fold && len(f.literals) == 1 && len(f.literals[0]) == len(string(parsed.Rune))
	return f, nil
}

// syntaxProblem is what is wrong with a regular expression, without the words that say that something is.
func syntaxProblem(err error) string {
	e, ok := err.(*syntax.Error)
	if !ok {
		return err.Error()
	}
	return e.Code.String() + ": " + e.Expr
}

const (
	shortest = 2 // bytes that a literal must have to be worth a search
	most     = 8 // literals that are searched for
)

// required returns literals of which one stands in whatever the expression matches, none if there are none worth a search.
// With fold they are in lower case.
func required(e *syntax.Regexp) (literals [][]byte, fold bool) {
	switch e.Op {
	case syntax.OpLiteral:
		fold = e.Flags&syntax.FoldCase != 0
		if l := fixed(e.Rune, fold); l != nil {
			return [][]byte{l}, fold
		}
	case syntax.OpCapture, syntax.OpPlus:
		return required(e.Sub[0])
	case syntax.OpRepeat:
		if e.Min > 0 {
			return required(e.Sub[0])
		}
	case syntax.OpConcat:
		for _, sub := range e.Sub {
			if l, f := required(sub); briefest(l) > briefest(literals) {
				literals, fold = l, f
			}
		}
		return literals, fold
	case syntax.OpAlternate:
		return either(e.Sub)
	}
	return nil, false
}

// either is required for what matches one of several.
func either(expressions []*syntax.Regexp) (literals [][]byte, fold bool) {
	for _, e := range expressions {
		l, f := required(e)
		if literals, fold = append(literals, l...), fold || f; l == nil || len(literals) > most {
			return nil, false
		}
	}
	if fold {
		for _, l := range literals {
			lower(l, l)
		}
	}
	return literals, fold
}

// briefest is the length of the shortest of the literals.
func briefest(literals [][]byte) int {
	n := 0
	for i, l := range literals {
		if i == 0 || len(l) < n {
			n = len(l)
		}
	}
	return n
}

// fixed returns the longest part of the runes that has one spelling in bytes, or with fold, two that differ in the case of
// ASCII letters alone: K and S also have others outside of ASCII, and U+FFFD matches whatever is not UTF-8.
func fixed(runes []rune, fold bool) []byte {
	var best, part []byte
	for _, r := range runes {
		if r == utf8.RuneError || fold && (r >= utf8.RuneSelf || bytes.ContainsRune([]byte("kKsS"), r)) {
			part = nil
			continue
		}
		if fold && r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		if part = utf8.AppendRune(part, r); len(part) > len(best) {
			best = bytes.Clone(part)
		}
	}
	if len(best) < shortest {
		return nil
	}
	return best
}

func (f *filter) match(line []byte) bool {
	return f == nil || f.only && bytes.Contains(line, f.literals[0]) || !f.only && f.expression.Match(line)
}

// matches are the parts of the line that match.
func (f *filter) matches(line []byte) [][]int {
	if f == nil {
		return nil
	}
	return f.expression.FindAllIndex(line, -1)
}

// skips reports whether lines can be told to be unwanted without a look at each.
func (f *filter) skips() bool { return f != nil && f.literals != nil }

// folds reports whether a search wants a copy of the text in lower case.
func (f *filter) folds() bool { return f.skips() && f.fold }

// sighting is what is known of where a literal stands next: at an offset, or if there was none, not before it.
type sighting struct {
	offset int64
	none   bool
}

// search looks for a literal in the text, which begins at an offset. It looks at no byte twice.
func (s *sighting) search(literal, text []byte, at int64) {
	from := at
	switch {
	case !s.none && s.offset >= at:
		return
	case s.none:
		from = max(at, s.offset)
	}
	if i := bytes.Index(text[min(from-at, int64(len(text))):], literal); i >= 0 {
		*s = sighting{offset: from + int64(i)}
		return
	}
	*s = sighting{offset: max(from, at+int64(len(text)-len(literal)+1)), none: true}
}

// lower writes the text with its ASCII letters in lower case, eight bytes at a time.
func lower(to, text []byte) {
	const ones = 0x0101010101010101
	i := 0
	for ; i+8 <= len(text); i += 8 {
		x := binary.LittleEndian.Uint64(text[i:])
		low := x & (ones * 0x7f)
		upper := (low + ones*(0x80-'A')) &^ (low + ones*(0x7f-'Z')) &^ x & (ones * 0x80)
		binary.LittleEndian.PutUint64(to[i:], x|upper>>2)
	}
	for ; i < len(text); i++ {
		b := text[i]
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		to[i] = b
	}
}
