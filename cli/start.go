package cli

import (
	"context"

	"github.com/spf13/pflag"

	"tend"
)

type startOptions struct {
	sharedOptions
	here bool
}

func newStart() command {
	c := command{
		name: "start", args: "NAME…", max: -1, complete: resting,
		short: "start services",
		long: `A service counts as started when it is ready: when it is still alive after 250ms, unless its definition says otherwise. If it dies first, you see how, the last lines it wrote, and what comes next.

What is started stays wanted: it comes back after a crash, as its restart policy says, and after a reboot, with the next command.`,
		examples: []example{
			{"tend start web", ""},
			{"tend start web db", "several"},
			{"tend start 'web*' @shop", "by pattern and by tag"},
			{"tend start --all", "every service"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &startOptions{}
		f.BoolVar(&o.here, "here", false, "although it is recorded as running on another host, which is gone")
		return o.forServices(&c, f, func(ctx context.Context, args arguments) error {
			return a.control(ctx, tend.Request{Command: tend.CommandStart, Words: args.words, All: o.all, Here: o.here}, o.json)
		})
	}
	return c
}
