package cli

import (
	"context"

	"github.com/spf13/pflag"

	"tend"
)

type waitOptions struct {
	sharedOptions
	goal, timeout string
}

func newWait() command {
	c := command{
		name: "wait", args: "NAME…", max: -1, complete: services,
		short: "wait until services are ready, stopped, or have ended",
		long: `Waits, and does nothing for it: somebody else starts or stops them. It ends when all of them are there.

ready: it runs and is ready. stopped: nothing of it runs, and nothing will by itself. exited: the run that is there now has ended, whatever comes then.

The exit status is 0, or 1 when the time is over, or when a service has failed and so will not get there by itself.`,
		examples: []example{
			{"tend wait db", "until it is ready"},
			{"tend wait --for exited --timeout 1h backup", "until its run has ended, an hour at most"},
			{"tend wait --for stopped --all", ""},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &waitOptions{}
		f.StringVar(&o.goal, "for", string(tend.GoalReady), "what to wait for: ready, stopped or exited")
		f.StringVar(&o.timeout, "timeout", "", "for how long, for example 30s; for ever if not given")
		return o.forServices(&c, f, func(ctx context.Context, args arguments) error { return a.wait(ctx, o, args) })
	}
	return c
}

func (a *App) wait(ctx context.Context, o *waitOptions, args arguments) (err error) {
	request := tend.Request{Command: tend.CommandWait, Words: args.words, All: o.all}
	if request.For, err = tend.ParseGoal(o.goal); err != nil {
		return err
	}
	if o.timeout != "" {
		if request.Timeout, err = tend.ParseDuration(o.timeout); err != nil {
			return tend.Errorf(tend.CodeUsage, "--timeout: %w", err)
		}
		request.Timeout = max(request.Timeout, 1) // 0 is for ever
	}
	return a.control(ctx, request, o.json)
}

// reached says that what was waited for has come.
func (r *report) reached(p tend.Progress, name string) {
	switch {
	case r.request.For == tend.GoalReady:
		r.say("%s is ready, with PID %d", name, pid(p))
	case p.Status != nil && p.Status.LastExit != nil:
		r.say("%s %s", name, lastExit(p))
	default:
		r.say("%s is stopped", name)
	}
}
