package cli

import (
	"context"

	"github.com/spf13/pflag"

	"tend"
)

func newStop() command {
	c := command{
		name: "stop", args: "NAME…", max: -1, complete: live,
		short: "stop services",
		long: `Ends every process of the service: SIGTERM first, and SIGKILL for what still lives ten seconds later, unless the service's --stop says otherwise. What survives all of that is named, with its PID, and the exit status is 1.

What is stopped stays stopped until somebody starts it.`,
		examples: []example{
			{"tend stop web", ""},
			{"tend stop --all", "every service"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &sharedOptions{}
		return o.forServices(&c, f, func(ctx context.Context, args arguments) error {
			return a.control(ctx, tend.Request{Command: tend.CommandStop, Words: args.words, All: o.all}, o.json)
		})
	}
	return c
}
