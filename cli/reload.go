package cli

import (
	"context"

	"github.com/spf13/pflag"

	"tend"
)

func newReload() command {
	c := command{
		name: "reload", args: "NAME…", max: -1, complete: live,
		short: "have services read their configuration again",
		long: `What that means their --reload says: a signal to the main process, SIGHUP by default, or a command. A service that such a signal would end is not sent it. It goes on running; its definition is not read again, which is what restart does. Of the services that a pattern, a tag or --all means, those that do not run are left out.

With --ready notify a service that says RELOADING=1 is waited for until it says READY=1. Where a command fails, you see its last line, and the exit status is 1.`,
		examples: []example{{"tend reload web", ""}, {"tend reload @shop", "all that have a tag"}},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &sharedOptions{}
		return o.forServices(&c, f, func(ctx context.Context, args arguments) error {
			return a.control(ctx, tend.Request{Command: tend.CommandReload, Words: args.words, All: o.all}, o.json)
		})
	}
	return c
}
