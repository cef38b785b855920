package cli

import (
	"context"

	"github.com/spf13/pflag"

	"tend"
)

type signalOptions struct {
	sharedOptions
	tree bool
}

func newSignal() command {
	c := command{
		name: "signal", args: "SIGNAL NAME…", min: 1, max: -1, complete: live, first: tend.Signals(),
		short: "send a signal to services",
		long: `The signal goes to the main process, or with --tree to every process of the service. tend does not take it for a stop: what ends by it has ended by itself, and is started again as its restart policy says.

A process is told from another that has come by its PID meanwhile; that one is never sent anything.`,
		examples: []example{{"tend signal USR1 web", ""}, {"tend signal --tree STOP web", "all its processes"}},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &signalOptions{}
		f.BoolVar(&o.tree, "tree", false, "to all of its processes")
		o.flagAll(f)
		o.flagJSON(f)
		return func(ctx context.Context, args arguments) error {
			name, err := tend.ParseSignal(args.words[0])
			if err != nil {
				return tend.Errorf(tend.CodeUsage, "%w", err)
			}
			args.words = args.words[1:]
			if err := o.targets(&c, args); err != nil {
				return err
			}
			return a.control(ctx, tend.Request{Command: tend.CommandSignal, Words: args.words, All: o.all, Signal: name, Tree: o.tree}, o.json)
		}
	}
	return c
}
