package cli

import (
	"context"
	"strings"

	"github.com/spf13/pflag"
)

// command is one row of the command table. From it come the cobra command, help, completion and the manual.
type command struct {
	name       string
	aliases    []string
	args       string // as the usage line shows them
	min, max   int    // how many arguments; max < 0: any number
	short      string // one line, an imperative
	long       string // paragraphs for help and manual, separated by empty lines
	examples   []example
	complete   kind
	first      []string // what the first argument may be, where the others name services
	values     []string // what its argument may be, where complete is nothing
	definition bool     // takes the options of a definition
	starts     bool     // and starts the service at once
	hidden     bool

	// bind defines the command's flags and returns what runs it once they are parsed.
	bind func(a *App, f *pflag.FlagSet) action
}

// action runs a command. Arguments after -- are not set apart: args.dash tells where they begin.
type action func(ctx context.Context, args arguments) error

// arguments are what is left of the command line when the options are taken out.
type arguments struct {
	words []string
	dash  int // index of the first word after --, −1 without --
}

// example is a command line and what it does.
type example struct{ line, does string }

// kind is what the arguments of a command name.
type kind int

// The kinds of arguments.
const (
	nothing  kind = iota
	services      // any service
	resting       // services that do not run
	live          // services that run
	words         // commands
	files         // any file
)

// commandGroup are commands that the help has together.
type commandGroup struct {
	title    string
	commands []command
}

// commandGroups are all commands, in the order of the help.
func commandGroups() []commandGroup {
	return []commandGroup{
		{"Run", []command{newRun(), newUp()}},
		{"Look", []command{newList(), newStatus(), newLogs(), newWhy(), newGraph(), newEvents(), newHistory()}},
		{"Act", []command{newStart(), newStop(), newRestart(), newReload(), newSignal(), newWait(), newScale()}},
		{"Define", []command{newAdd(), newSet(), newEdit(), newRename(), newRemove(), newApply(), newExport(), newSchema(), newInitialize()}},
		{"tend itself", []command{newUpgrade(), newCompletion(), newVersion(), newHelp(), newManual()}},
	}
}

// commands is the command table.
func commands() []command {
	var table []command
	for _, g := range commandGroups() {
		table = append(table, g.commands...)
	}
	return table
}

// usage is the usage line without the word "usage".
func (c *command) usage() string {
	line := "tend " + c.name
	if c.definition || c.options() {
		line += " [options]"
	}
	if c.args != "" {
		line += " " + c.args
	}
	return line
}

// flags returns the command's options, but not what it does with them.
func (c *command) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet(c.name, pflag.ContinueOnError)
	f.SortFlags = false
	c.bind(&App{}, f)
	return f
}

func (c *command) options() bool { return c.flags().HasAvailableFlags() }

// visible returns the commands that people are told of.
func visible(table []command) []command {
	var shown []command
	for _, c := range table {
		if !c.hidden {
			shown = append(shown, c)
		}
	}
	return shown
}

// paragraphs splits a long help.
func (c *command) paragraphs() []string {
	if c.long == "" {
		return nil
	}
	return strings.Split(strings.TrimSpace(c.long), "\n\n")
}

// sharedOptions adds the options that several commands share.
type sharedOptions struct{ all, json bool }

func (o *sharedOptions) flagAll(f *pflag.FlagSet) { f.BoolVar(&o.all, "all", false, "every service") }

func (o *sharedOptions) flagJSON(f *pflag.FlagSet) {
	f.BoolVar(&o.json, "json", false, "answer in JSON")
}

// forServices adds --all and --json, and is the action of a command about services: act, once it is known that either
// names or --all were given.
func (o *sharedOptions) forServices(c *command, f *pflag.FlagSet, act action) action {
	o.flagAll(f)
	o.flagJSON(f)
	return func(ctx context.Context, args arguments) error {
		if err := o.targets(c, args); err != nil {
			return err
		}
		return act(ctx, args)
	}
}

// targets checks that either names or --all were given.
func (o *sharedOptions) targets(c *command, args arguments) error {
	switch {
	case o.all && len(args.words) > 0:
		return misused(c, "%s takes either names or --all, not both", c.name)
	case !o.all && len(args.words) == 0:
		return misused(c, "%s needs at least one NAME, or --all", c.name)
	}
	return nil
}
