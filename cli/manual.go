package cli

import (
	"context"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strings"

	"github.com/spf13/pflag"

	"tend"
)

//go:generate sh -c "go run ../cmd/tend manual > ../docs/manual.md && go run ../cmd/tend manual --man > ../docs/tend.1 && go run ../cmd/tend schema > ../docs/tend.schema.json"

func newManual() command {
	c := command{
		name: "manual", max: 0, hidden: true,
		short:    "write the reference manual",
		examples: []example{{"tend manual", "as Markdown"}, {"tend manual --man | man -l -", "as a manual page"}},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		man := f.Bool("man", false, "as a manual page")
		return func(context.Context, arguments) error {
			if *man {
				return writeMan(a.Stdout, visible(commands()))
			}
			return writeManual(a.Stdout, visible(commands()))
		}
	}
	return c
}

const manualIntroduction = `# tend: reference manual

Generated from the command table and the option table by ` + "`go generate ./cli`" + `.

` + "`tend COMMAND [options] [NAME…]`" + `

Any unambiguous beginning of a command works: ` + "`tend rest web`" + `. Options may stand before or after names. Data goes to
standard output; errors and notices go to standard error. With ` + "`--json`" + ` standard output holds one JSON document and
nothing else; within one ` + "`version`" + ` its fields are only added to.

Where NAME… stands, each word is the exact name of a service, or else a pattern (` + "`'web*'`" + `), or a tag (` + "`@shop`" + `). A word
that means nothing is an error, and then nothing is done.

## Commands
`

// writeManual writes the manual as Markdown.
func writeManual(to io.Writer, table []command) error {
	var b strings.Builder
	b.WriteString(manualIntroduction)
	for i := range table {
		table[i].writeSection(&b)
	}
	b.WriteString("\n## Options of a service\n\nGiven to `add`, `run` and `set`, and the keys of a [tend.toml](toml.md).\n")
	for _, o := range optionsByArea(func(title string) { fmt.Fprintf(&b, "\n### %s\n", title) }) {
		fmt.Fprintf(&b, "\n#### %s\n\n`%s`, default: %s\n\n%s.", o.Key, optionWords(o), o.Default, capital(o.Help))
		b.WriteString(furtherWords(o))
		b.WriteString("\n")
	}
	b.WriteString("\n## Exit status\n\n| | |\n|---|---|\n")
	for _, e := range exitStatuses() {
		fmt.Fprintf(&b, "| %s | %s |\n", e[0], e[1])
	}
	b.WriteString("\n## Files and environment\n\n| | |\n|---|---|\n")
	for _, e := range surroundings() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", e[0], e[1])
	}
	b.WriteString("\n## What a service is given\n\n| | |\n|---|---|\n")
	for _, e := range bornWith() {
		fmt.Fprintf(&b, "| %s | %s |\n", e[0], e[1])
	}
	b.WriteString("\n## Where tend differs from the 2008 script\n\nA database of that script opens as it is; a copy is kept beside it.\n\n| | the script | tend | why |\n|---|---|---|---|\n")
	for _, d := range scriptDifferences() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", d[0], d[1], d[2], d[3])
	}
	_, err := io.WriteString(to, regexp.MustCompile(`docs/([a-z]+\.md)`).ReplaceAllString(b.String(), "[$1]($1)"))
	return err
}

// optionsByArea yields all options, area by area, and calls begin before each.
func optionsByArea(begin func(title string)) iter.Seq2[int, *tend.Option] {
	return func(yield func(int, *tend.Option) bool) {
		n := 0
		for _, area := range tend.OptionAreas() {
			begin(area.Title)
			for _, key := range area.Keys {
				if o := tend.FindOption(key); o != nil && !yield(n, o) {
					return
				}
				n++
			}
		}
	}
}

// writeSection writes the section of one command.
func (c *command) writeSection(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n`%s`", c.name, c.usage())
	if len(c.aliases) > 0 {
		fmt.Fprintf(b, ", also `tend %s`", strings.Join(c.aliases, "`, `tend "))
	}
	fmt.Fprintf(b, "\n\n%s.\n", capital(c.short))
	for _, text := range c.paragraphs() {
		fmt.Fprintf(b, "\n%s\n", text)
	}
	if _, own := c.optionPairs(); len(own) > 0 {
		b.WriteString("\n| option | |\n|---|---|\n")
		for _, o := range own {
			fmt.Fprintf(b, "| `%s` | %s |\n", strings.TrimSpace(o[0]), o[1])
		}
	}
	b.WriteString("\n```sh\n")
	for _, e := range c.examples {
		if e.does != "" {
			fmt.Fprintf(b, "# %s\n", e.does)
		}
		fmt.Fprintf(b, "%s\n", e.line)
	}
	b.WriteString("```\n")
}

// furtherWords are what there is to say of an option besides its help.
func furtherWords(o *tend.Option) (text string) {
	if o.Detail != "" {
		text += " " + o.Detail
	}
	if o.Repeat {
		text += " May be given several times."
	}
	if !o.Live {
		text += " A change takes effect when the service is next started."
	}
	return text
}

func optionWords(o *tend.Option) string {
	text := "--" + o.Flag
	if o.Short != "" {
		text = "-" + o.Short + ", " + text
	}
	if o.Arg != "" {
		text += " " + o.Arg
	}
	return text
}

func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
