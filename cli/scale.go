package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"tend"
	"tend/store"
)

func newScale() command {
	c := command{
		name: "scale", args: "NAME N | NAME=N…", min: 1, max: -1, complete: services,
		short: "change how many copies of a service run",
		long: `Changes the option instances of a service. If it runs, more copies are started at once, or those with the highest numbers are stopped; the others are not touched. What a copy wrote to its log stays where it is.

The exit status is 0 if all that were started are ready, and all that were to be stopped are.`,
		examples: []example{
			{"tend scale web 4", ""},
			{"tend scale web=4 worker=8", "of several services"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &sharedOptions{}
		o.flagJSON(f)
		return func(ctx context.Context, args arguments) error {
			wanted, err := scales(&c, args.words)
			if err != nil {
				return err
			}
			return a.scale(ctx, o, wanted)
		}
	}
	return c
}

// scaling is a service and the number of copies that it is to have.
type scaling struct {
	name string
	n    int
}

// scales reads NAME N, or NAME=N….
func scales(c *command, words []string) ([]scaling, error) {
	if len(words) == 2 && !strings.Contains(words[0], "=") {
		words = []string{words[0] + "=" + words[1]}
	}
	var wanted []scaling
	for _, word := range words {
		at := strings.LastIndexByte(word, '=')
		if at <= 0 {
			return nil, misused(c, "%q does not say how many", word)
		}
		n, err := tend.ParseInstances(word[at+1:])
		if err != nil {
			return nil, misused(c, "%s: %v", word[:at], err)
		}
		wanted = append(wanted, scaling{word[:at], n})
	}
	return wanted, nil
}

func (a *App) scale(ctx context.Context, o *sharedOptions, wanted []scaling) error {
	db, err := a.open(ctx, store.Existing)
	if err != nil {
		return err
	}
	services, before := make([]tend.Service, len(wanted)), make([]int, len(wanted))
	request := tend.Request{Command: tend.CommandScale}
	for i, w := range wanted {
		if services[i], err = db.Service(ctx, w.name); err == nil {
			err = a.mayScale(ctx, db, services[i], w.n)
		}
		if err != nil {
			return err
		}
		before[i], services[i].Instances = services[i].WithDefaults().Instances, w.n
		request.Words = append(request.Words, w.name)
	}
	for i, s := range services {
		if before[i] == s.Instances {
			a.sayScaled(o, "%s has that many already: %d", s.Name, s.Instances)
			continue
		}
		if err := db.Change(ctx, s); err != nil {
			return err
		}
		a.sayScaled(o, "Scaled %s from %d to %d", s.Name, before[i], s.Instances)
	}
	return a.carryOut(ctx, request, a.newReport(request, o.json))
}

// mayScale returns an error where a copy would have the name of another service: one that is older than copies are.
func (a *App) mayScale(ctx context.Context, db *store.Store, s tend.Service, n int) error {
	definitions, err := db.Services(ctx)
	if err != nil {
		return err
	}
	for _, d := range definitions {
		if service, copy, ok := tend.ParseCopy(d.Name); ok && service == s.Name && copy < n {
			return tend.Errorf(tend.CodeConflict, "there is a service %s, so %s cannot have a copy of that name", d.Name, s.Name).About(s.Name).
				WithHint("remove it first, or have fewer copies: tend scale %s %d", typed(s.Name), max(copy, 1))
		}
	}
	return nil
}

func (a *App) sayScaled(o *sharedOptions, format string, args ...any) {
	if !o.json {
		fmt.Fprintf(a.Stdout, format+"\n", args...)
	}
}
