package cli

import (
	"context"
	"fmt"
	"slices"
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
			{"tend scale @shop 2", "of all that have the tag"},
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

// expand puts in the place of patterns and tags the services that they mean.
func (v *survey) expand(wanted []scaling) ([]scaling, error) {
	var all []scaling
	for _, w := range wanted {
		chosen, err := v.chooseDefinitions([]string{w.name}, false)
		if err != nil {
			return nil, err
		}
		for _, s := range chosen {
			switch i := slices.IndexFunc(all, func(other scaling) bool { return other.name == s.Name }); {
			case i < 0:
				all = append(all, scaling{s.Name, w.n})
			case all[i].n != w.n:
				return nil, tend.Errorf(tend.CodeUsage, "%s is to have both %d and %d copies", s.Name, all[i].n, w.n).About(s.Name)
			}
		}
	}
	return all, nil
}

func (a *App) scale(ctx context.Context, o *sharedOptions, wanted []scaling) error {
	v, err := a.survey(ctx)
	if err != nil {
		return err
	}
	definitions := v.definitions()
	if wanted, err = v.expand(wanted); err != nil {
		return err
	}
	before := make([]int, len(wanted))
	request, r := tend.Request{Command: tend.CommandScale}, store.Revision{}
	for i, w := range wanted {
		old := find(definitions, w.name)
		if old.Broken != nil {
			return old.Broken
		}
		s := *old
		before[i], s.Instances = s.WithDefaults().Instances, w.n
		if before[i] != w.n {
			r.Change = append(r.Change, s)
		}
		request.Words = append(request.Words, w.name)
	}
	if len(r.Change) > 0 {
		if err := a.revise(ctx, definitions, r); err != nil { // the request has them read, so that it sees what begins
			return err
		}
	}
	for i, w := range wanted {
		if before[i] == w.n {
			a.sayScaled(o, "%s has that many already: %d", w.name, w.n)
		} else {
			a.sayScaled(o, "Scaled %s from %d to %d", w.name, before[i], w.n)
		}
	}
	return a.carryOut(ctx, request, a.newReport(request, o.json))
}

// checkCopies returns an error where a copy would have the name of another service: one that is older than copies are.
func checkCopies(services []tend.Service, concerned []string) error {
	for _, d := range services {
		name, copy, ok := tend.ParseCopy(d.Name)
		if !ok || !slices.Contains(concerned, name) {
			continue
		}
		if s := find(services, name); s != nil && copy < s.Instances {
			return tend.Errorf(tend.CodeConflict, "there is a service %s, so %s cannot have a copy of that name", d.Name, name).About(name).
				InKey("instances").WithHint("remove it first, or have fewer copies: tend scale %s %d", typed(name), max(copy, 1))
		}
	}
	return nil
}

// awaitScaled waits for what another number of copies has begun, where a plan has changed that.
func (a *App) awaitScaled(ctx context.Context, p *plan, r *report) error {
	if names := p.scaled(); len(names) > 0 {
		return a.carry(ctx, tend.Request{Command: tend.CommandScale, Words: names}, r)
	}
	return nil
}

// scaled are the services whose number of copies is changed.
func (p *plan) scaled() []string {
	return p.names(func(s step) bool { return s.Do == doChange && slices.Contains(s.Keys, "instances") })
}

// defineAll changes the definitions as the plan says. A supervisor is told of another number of copies only by the request that
// waits for what that begins, so that it sees all of it.
func (a *App) defineAll(ctx context.Context, p *plan) error {
	if len(p.scaled()) > 0 {
		return a.revise(ctx, p.seen, p.revision())
	}
	return a.define(ctx, p.seen, p.revision())
}

func (a *App) sayScaled(o *sharedOptions, format string, args ...any) {
	if !o.json {
		fmt.Fprintf(a.Stdout, format+"\n", args...)
	}
}
