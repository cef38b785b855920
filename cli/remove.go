package cli

import (
	"context"
	"slices"

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
		f.BoolVar(&o.stop, "stop", false, "stop it first if it runs")
		return o.forServices(&c, f, func(ctx context.Context, args arguments) error {
			return a.control(ctx, tend.Request{Command: tend.CommandRemove, Words: args.words, All: o.all, Stop: o.stop}, o.json)
		})
	}
	return c
}

// name makes the words of a removal the names that they mean now: when it is asked for again, because the supervisor was
// replaced in the middle of it, some of these services may be gone, and that is no mistake. Words that mean nothing are left
// for whoever answers to complain of.
func (a *App) name(ctx context.Context, request *tend.Request) {
	v, err := a.survey(ctx)
	if err != nil {
		return
	}
	if chosen, err := v.choose(request.Words, request.All); err == nil && len(chosen) > 0 {
		request.Words, request.All = nil, false
		for _, s := range chosen {
			word := s.Label()
			if v.whole(chosen, s.Service()) {
				word = s.Service()
			}
			if !slices.Contains(request.Words, word) {
				request.Words = append(request.Words, word)
			}
		}
	}
}

// removed takes those out of the request that are gone, and reports whether that is all of them.
func (a *App) removed(ctx context.Context, request *tend.Request, report *report) (all bool, err error) {
	v, err := a.survey(ctx)
	if err != nil {
		return false, err
	}
	request.Words = slices.DeleteFunc(request.Words, func(name string) bool {
		if slices.ContainsFunc(v.services, func(s tend.Service) bool { return s.Service() == name || s.Label() == name }) {
			return false
		}
		if report.results[name].Kind != tend.ProgressRemoved {
			report.progress(tend.Progress{Service: name, Kind: tend.ProgressRemoved, Done: true})
		}
		return true
	})
	return len(request.Words) == 0, nil
}
