package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"tend"
)

type listOptions struct {
	sharedOptions
	wide    bool
	columns []string
}

func newList() command {
	c := command{
		name: "list", aliases: []string{"ls"}, args: "[NAME…]", max: -1, complete: services,
		short: "list services",
		long: `One row a service. At a terminal it is made for people; into a pipe it is made for programs: a header line, columns separated by tabs, values as they are (times in seconds; a tab or line break inside of a value is \t or \n).

Columns: ` + strings.Join(columnNames(), ", ") + `.`,
		examples: []example{
			{"tend list", ""},
			{"tend list 'web*'", "some of them"},
			{"tend list --columns name,state,next,exit", "other columns"},
			{"tend list --json", "for programs"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &listOptions{}
		f.StringSliceVar(&o.columns, "columns", nil, "the columns to show, separated by commas")
		f.Lookup("columns").DefValue = ""
		f.BoolVar(&o.wide, "wide", false, "cut nothing off at the edge of the terminal")
		f.BoolVar(&o.all, "all", false, "every service, which is the default")
		o.flagJSON(f)
		return func(ctx context.Context, args arguments) error { return a.list(ctx, &c, o, args) }
	}
	return c
}

func (a *App) list(ctx context.Context, c *command, o *listOptions, args arguments) error {
	chosen, err := chooseColumns(o.columns)
	if err != nil {
		return err
	}
	if o.all && len(args.words) > 0 {
		return o.targets(c, args)
	}
	statuses, err := a.statuses(ctx, tend.Query{Words: args.words, Brief: !o.json})
	if err != nil {
		return err
	}
	switch t := a.terminal(); {
	case o.json:
		return a.writeServices(statuses)
	case len(statuses) == 0:
		_, err = fmt.Fprintln(a.Stdout, "No processes")
		if t.out && t.err {
			a.writeHint(firstStep)
		}
	case t.out:
		if o.wide {
			t.width = 0
		}
		_, err = fmt.Fprint(a.Stdout, renderTable(chosen, statuses, t, a.Now()))
	default:
		_, err = fmt.Fprint(a.Stdout, renderTSV(chosen, statuses, a.Now()))
	}
	return err
}
