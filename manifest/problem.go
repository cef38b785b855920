package manifest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"tend"
)

// source is the text of a file and what is wrong with it.
type source struct {
	file     string
	text     []byte
	problems []problem
}

type problem struct {
	offset int
	key    string // as it is written with dots, "" where the problem is not with one
	says   string
}

// shown is how many problems are told at once.
const shown = 10

// refuse notes that something is wrong, once.
func (s *source) refuse(offset int, key, format string, args ...any) {
	p := problem{offset, key, fmt.Sprintf(format, args...)}
	if !slices.Contains(s.problems, p) {
		s.problems = append(s.problems, p)
	}
}

// withoutMark is the text without the byte order mark that some editors put at the beginning of a file.
func withoutMark(text []byte) []byte { return bytes.TrimPrefix(text, []byte("\ufeff")) }

// err is what is wrong, in the order of the file, nil if nothing is.
func (s *source) err() error {
	if len(s.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(s.problems, func(a, b problem) int { return cmp.Compare(a.offset, b.offset) })
	var lines []string
	for i, p := range s.problems {
		if i == shown {
			lines = append(lines, fmt.Sprintf("… and %d more", len(s.problems)-shown))
			break
		}
		lines = append(lines, s.place(p.offset)+": "+p.text())
	}
	return tend.Errorf(tend.CodeUsage, "%s", strings.Join(lines, "\n"))
}

func (p problem) text() string {
	if p.key == "" {
		return p.says
	}
	return p.key + ": " + p.says
}

// place is where the byte at the offset is: file:line:column, both counted from 1, the column in characters.
func (s *source) place(offset int) string {
	offset = min(offset, len(s.text))
	before := s.text[:offset]
	line := bytes.Count(before, []byte("\n")) + 1
	begin := bytes.LastIndexByte(before, '\n') + 1
	return fmt.Sprintf("%s:%d:%d", s.file, line, utf8.RuneCount(before[begin:])+1)
}

// line is the number of the line in which the byte at the offset is.
func (s *source) line(offset int) int { return bytes.Count(s.text[:offset], []byte("\n")) + 1 }
