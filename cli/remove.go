package cli

import (
	"context"

	"github.com/spf13/pflag"

	"tend"
)

type removeOptions struct {
	sharedOptions
	stop bool
}

func newRemove() command {
	c := command{
		name: "remove", aliases: []string{"rm"}, args: "NAME…", max: -1, complete: services,
		short: "take services off the list",
		long:  `A service that runs is refused, unless --stop is given. What it wrote to its log stays where it is.`,
		examples: []example{
			{"tend remove web", ""},
			{"tend remove --stop web", "stop it first"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &removeOptions{}
		o.flagAll(f)
		f.BoolVar(&o.stop, "stop", false, "stop it first if it runs")
		o.flagJSON(f)
		return func(ctx context.Context, args arguments) error {
			if err := o.targets(&c, args); err != nil {
				return err
			}
			return a.control(ctx, tend.Request{Command: tend.CommandRemove, Words: args.words, All: o.all, Stop: o.stop}, o.json)
		}
	}
	return c
}
