package cli

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tend"
)

// execute runs the command line through cobra, which parses options and completes; the words are resolved here.
func (a *App) execute(ctx context.Context) error {
	table := commands()
	args, err := a.canonical(table)
	if err != nil {
		return err
	}
	if len(args) == 0 {
		a.writeOverview(table)
		return nil
	}
	root := a.root(table)
	root.SetArgs(args)
	return root.ExecuteContext(ctx)
}

// canonical returns the arguments with the command's name written out, also behind the word by which a shell asks for
// completions. None are left where the overview is meant: no arguments, or help for nothing in particular.
func (a *App) canonical(table []command) ([]string, error) {
	args := append([]string(nil), a.Args...)
	if len(args) > 0 && (args[0] == "--help" || args[0] == "-h") {
		if args = args[1:]; len(args) > 0 {
			args = append([]string{"help"}, args...)
		}
	}
	if len(args) == 0 {
		return nil, nil
	}
	if args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd {
		if len(args) > 2 {
			if c, err := resolve(table, args[1]); err == nil {
				args[1] = c.name
			}
		}
		return args, nil
	}
	if strings.HasPrefix(args[0], "-") && args[0] != "-" {
		err := &usageError{tend.Errorf(tend.CodeUsage, "the command comes first, then its options; %s stands before it", args[0]),
			[]string{"usage: tend COMMAND [options] [NAME…]"}}
		return nil, err.hint("tend help")
	}
	c, err := resolve(table, args[0])
	if err != nil {
		return nil, err
	}
	args[0] = c.name
	return args, nil
}

// root turns the command table into cobra commands.
func (a *App) root(table []command) *cobra.Command {
	root := &cobra.Command{Use: "tend", SilenceErrors: true, SilenceUsage: true}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	for i := range table {
		sub := a.cobra(&table[i])
		root.AddCommand(sub)
		if table[i].complete == words {
			root.SetHelpCommand(sub) // or cobra makes one of its own
		}
	}
	return root
}

func (a *App) cobra(c *command) *cobra.Command {
	cc := &cobra.Command{
		Use: c.name + " " + c.args, Aliases: c.aliases, Short: c.short, Hidden: c.hidden, DisableFlagsInUseLine: true,
		ValidArgsFunction: a.completer(c),
	}
	flags := cc.Flags()
	flags.SortFlags = false
	run := c.bind(a, flags)
	a.completeFlags(cc)
	flags.BoolP("help", "h", false, "help for "+c.name)
	cc.SetHelpFunc(func(*cobra.Command, []string) { a.writeHelp(c) })
	cc.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return flagError(c, flags, err) })
	cc.RunE = func(cc *cobra.Command, words []string) error {
		args := arguments{words: words, dash: cc.ArgsLenAtDash()}
		if err := c.count(args); err != nil {
			return err
		}
		return run(cc.Context(), args)
	}
	return cc
}

// count checks the number of arguments.
func (c *command) count(args arguments) error {
	n := len(args.words)
	switch {
	case n < c.min:
		return misused(c, "%s needs %s", c.name, c.needs())
	case c.max >= 0 && n > c.max && c.max == 0:
		return misused(c, "%s takes no arguments", c.name)
	case c.max >= 0 && n > c.max:
		return misused(c, "%s takes %s, and %q is one too many", c.name, c.needs(), args.words[c.max])
	}
	return nil
}

// needs says what arguments the command wants, in words.
func (c *command) needs() string {
	args, or, _ := strings.Cut(c.args, " | ")
	words := strings.Fields(strings.NewReplacer("-- ", "", "[", "", "]", "").Replace(args))
	for i, w := range words {
		if rest, many := strings.CutSuffix(w, "…"); many {
			words[i] = "at least one " + rest
		} else if strings.ContainsAny(w[:1], "AEIOU") || w == "N" {
			words[i] = "an " + w
		} else {
			words[i] = "a " + w
		}
	}
	if or != "" {
		return strings.Join(words, " and ") + ", or " + or
	}
	return strings.Join(words, " and ")
}

// flagError says what is wrong with an option, and which one may have been meant.
func flagError(c *command, flags *pflag.FlagSet, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		var missing *pflag.ValueRequiredError
		if errors.As(err, &missing) {
			return misused(c, "the option --%s wants a value", missing.GetFlag().Name)
		}
		var invalid *pflag.InvalidValueError
		if errors.As(err, &invalid) && invalid.GetFlag().Value.Type() == "bool" {
			return misused(c, "the option --%s takes no value, and %q is one", invalid.GetFlag().Name, invalid.GetValue())
		}
		return misused(c, "%s", strings.TrimPrefix(err.Error(), "pflag: "))
	}
	var names []string
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	name := "--" + unknown.GetSpecifiedName()
	if unknown.GetSpecifiedShortnames() != "" {
		name = "-" + unknown.GetSpecifiedName()
	}
	e := misused(c, "%s has no option %s", c.name, name)
	near := tend.Nearest(unknown.GetSpecifiedName(), names) // of a letter: the first that begins with it
	if near != "" && !c.definition || near != "" && strings.HasPrefix(name, "--") {
		return e.hint("did you mean --%s?", near)
	}
	if c.definition {
		return e.hint("an option of the command itself stands after --: tend %s NAME -- COMMAND %s …", c.name, name)
	}
	return e.hint("tend help %s", c.name)
}
