package cli

import (
	"context"

	"github.com/spf13/pflag"

	"tend"
)

func newRestart() command {
	c := command{
		name: "restart", args: "NAME…", max: -1, complete: services,
		short: "stop services and start them again",
		long:  `Stops each service that runs, then starts it with its present definition. One that does not run is started.`,
		examples: []example{
			{"tend restart web", ""},
			{"tend restart @shop", "all with the tag shop"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &sharedOptions{}
		return o.forServices(&c, f, func(ctx context.Context, args arguments) error {
			return a.control(ctx, tend.Request{Command: tend.CommandRestart, Words: args.words, All: o.all}, o.json)
		})
	}
	return c
}
