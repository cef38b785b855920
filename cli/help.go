package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"tend"
)

func newHelp() command {
	c := command{
		name: "help", args: "[COMMAND]", max: 1, complete: words,
		short:    "explain a command",
		examples: []example{{"tend help", "all commands"}, {"tend help add", "one of them; the same as tend add --help"}},
	}
	c.bind = func(a *App, _ *pflag.FlagSet) action {
		return func(_ context.Context, args arguments) error {
			table := commands()
			if len(args.words) == 0 {
				a.writeCommands()
				return nil
			}
			found, err := resolve(table, args.words[0])
			if err != nil {
				return err
			}
			a.writeHelp(found)
			return nil
		}
	}
	return c
}

// page writes help: bold headings, text broken at the width of the terminal.
type page struct {
	to    io.Writer
	p     palette
	width int
}

func (a *App) page() *page {
	t := a.terminal()
	w := &page{to: a.Stdout, p: palette{t.colour}, width: 80}
	if t.width > 0 {
		w.width = min(t.width, 100)
	}
	return w
}

func (w *page) line(format string, args ...any) { fmt.Fprintf(w.to, format+"\n", args...) }

func (w *page) heading(text string) { w.line("\n%s", w.p.bold(text)) }

func (w *page) paragraph(text string) {
	w.line("")
	for _, line := range wrap(text, w.width) {
		w.line("%s", line)
	}
}

// narrow is how few columns a text may be broken into before it is better off below what it explains.
const narrow = 24

// table writes pairs in two columns, the second broken and aligned. A left part that is too long has a line of its own;
// so have all of them where the terminal is narrow.
func (w *page) table(pairs [][2]string, widest int) {
	left := 0
	for _, p := range pairs {
		if n := width(p[0]); n <= widest {
			left = max(left, n)
		}
	}
	if w.width-left-4 < narrow {
		left = 2
	}
	for _, p := range pairs {
		text := wrap(p[1], max(w.width-left-4, narrow))
		first := "  " + p[0]
		if width(p[0]) > left {
			w.line("%s", first)
			first = "  " + strings.Repeat(" ", left)
		} else {
			first += strings.Repeat(" ", left-width(p[0]))
		}
		w.line("%s", strings.TrimRight(first+"  "+text[0], " "))
		for _, more := range text[1:] {
			w.line("%s%s", strings.Repeat(" ", left+4), more)
		}
	}
}

// writeHelp explains one command.
func (a *App) writeHelp(c *command) {
	w := a.page()
	w.line("%s", w.p.bold(c.usage()))
	w.line("  %s", c.short)
	if len(c.aliases) > 0 {
		w.line("  also: tend %s", strings.Join(c.aliases, ", tend "))
	}
	for _, text := range c.paragraphs() {
		w.paragraph(text)
	}
	definition, own := c.optionPairs()
	if len(definition) > 0 {
		w.heading("Options of the service")
	}
	for _, area := range tend.OptionAreas() {
		var pairs [][2]string
		for _, key := range area.Keys {
			if pair, found := definition[key]; found {
				pairs = append(pairs, pair)
			}
		}
		if len(pairs) > 0 {
			w.line("%s", "")
			w.line(" %s", w.p.faint(area.Title))
			w.table(pairs, 34)
		}
	}
	w.heading("Options")
	w.table(append(own, [2]string{"-h, --help", "this text"}), 34)
	if strings.Contains(c.args, "NAME…") {
		w.paragraph("NAME… is one or more names, patterns ('web*') or tags (@shop).")
	}
	w.heading("Examples")
	var pairs [][2]string
	for _, e := range c.examples {
		pairs = append(pairs, [2]string{e.line, e.does})
	}
	w.examples(pairs)
}

func (w *page) examples(pairs [][2]string) {
	for _, e := range pairs {
		if e[1] != "" {
			for _, line := range wrap(e[1], w.width-4) {
				w.line("  %s", w.p.faint("# "+line))
			}
		}
		w.line("  %s", e[0])
	}
}

// optionPairs are the command's options and what they do: those of a definition, by their keys, and its own.
func (c *command) optionPairs() (definition map[string][2]string, own [][2]string) {
	definition = map[string][2]string{}
	c.flags().VisitAll(func(f *pflag.Flag) {
		if f.Name == "help" {
			return
		}
		if o, ok := f.Value.(*optionFlag); ok {
			definition[o.option.Key] = [2]string{flagWords(f, o.option.Arg), o.option.Help + " (" + defaultWords(o.option) + ")"}
			return
		}
		arg := ""
		if f.Value.Type() != "bool" {
			arg = strings.ToUpper(f.Name)
		}
		text := f.Usage
		if arg != "" && f.DefValue != "" {
			text += " (default " + f.DefValue + ")"
		}
		own = append(own, [2]string{flagWords(f, arg), strings.ReplaceAll(text, "`", "")})
	})
	return definition, own
}

func flagWords(f *pflag.Flag, arg string) string {
	text := "    --" + f.Name
	if f.Shorthand != "" {
		text = "-" + f.Shorthand + ", --" + f.Name
	}
	if arg != "" {
		text += " " + arg
	}
	return text
}

func defaultWords(o *tend.Option) string {
	if o.Repeat {
		return "may be repeated; default " + o.Default
	}
	return "default " + o.Default
}
