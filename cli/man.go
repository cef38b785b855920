package cli

import (
	"fmt"
	"io"
	"strings"
)

// writeMan writes the manual as a manual page; see man(7).
func writeMan(to io.Writer, table []command) error {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH TEND 1 \"\" \"tend %s\"\n.SH NAME\ntend \\- keeps your programs running, as yourself, without root\n", versionNumber)
	b.WriteString(".SH SYNOPSIS\n.B tend\n.I COMMAND\n[options] [NAME...]\n.SH COMMANDS\n")
	for i := range table {
		c := &table[i]
		fmt.Fprintf(&b, ".SS %s\n%s.\n", roff(c.usage()), roff(capital(c.short)))
		for _, text := range c.paragraphs() {
			fmt.Fprintf(&b, ".PP\n%s\n", roff(text))
		}
		_, own := c.optionPairs()
		for _, o := range own {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(strings.TrimSpace(o[0])), roff(o[1]))
		}
		b.WriteString(".PP\n.nf\n")
		for _, e := range c.examples {
			fmt.Fprintf(&b, "%s\n", roff(e.line))
		}
		b.WriteString(".fi\n")
	}
	b.WriteString(".SH OPTIONS OF A SERVICE\n")
	for _, o := range optionsByArea(func(title string) { fmt.Fprintf(&b, ".SS %s\n", roff(title)) }) {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s.%s Default: %s.\n", roff(optionWords(o)), roff(capital(o.Help)), roff(furtherWords(o)), roff(o.Default))
	}
	manTable(&b, "EXIT STATUS", exitStatuses())
	manTable(&b, "FILES AND ENVIRONMENT", surroundings())
	manTable(&b, "WHAT A SERVICE IS GIVEN", bornWith())
	_, err := io.WriteString(to, b.String())
	return err
}

func manTable(b *strings.Builder, title string, rows [][2]string) {
	fmt.Fprintf(b, ".SH %s\n", title)
	for _, r := range rows {
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(r[0]), roff(strings.ReplaceAll(r[1], "`", "")))
	}
}

// roff escapes text: a backslash acts anywhere, a dot or quote at the beginning of a line, a hyphen is not a dash.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "…", "...", "\n", " ").Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
