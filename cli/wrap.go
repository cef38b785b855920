package cli

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// width is how many columns of a terminal the text takes.
func width(text string) int { return ansi.StringWidth(text) }

// wrap breaks a text at its blanks into lines of so many columns, 0 being any number. A word that is too long for that
// gets a line of its own: it may be something to copy.
func wrap(text string, columns int) []string {
	if columns <= 0 || width(text) <= columns {
		return []string{text}
	}
	var lines []string
	line := ""
	for i, word := range strings.Split(text, " ") {
		switch {
		case i == 0:
			line = word
		case width(line)+1+width(word) > columns:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// fill breaks a text wherever a line is full.
func fill(text string, columns int) []string {
	if columns <= 0 {
		return []string{text}
	}
	return strings.Split(ansi.Hardwrap(text, columns, true), "\n")
}

// fit cuts a line off where the terminal ends, 0 being nowhere.
func fit(line string, columns int) string {
	if columns <= 0 {
		return line
	}
	return ansi.Truncate(line, columns, "…")
}
