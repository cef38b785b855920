package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"tend"
	"tend/api"
)

type setOptions struct {
	sharedOptions
	definition definition
	unset      []string
	now        bool
}

func newSet() command {
	c := command{
		name: "set", args: "NAME… [-- COMMAND]", min: 0, max: -1, complete: services, definition: true,
		short: "change some keys of services",
		long: `Changes what is given and leaves the rest of the definition as it is. Options that may be given several times add to what there is; --env changes or adds the one variable. --unset KEY puts a key back to its default; --unset environment.PORT or --unset tags.shop takes one entry away. What is unset is unset first.

Many changes take effect at once. For others a service that runs has to be restarted: it says so, or, with --now, does it.

With --json: version, steps and results, as apply --json has them.`,
		examples: []example{
			{"tend set web --restart always --env PORT=8001", ""},
			{"tend set web --unset description -- ./serve --fast", "another command"},
			{"tend set --now @shop --log-max 50MB", "all that have the tag, restarted if need be"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &setOptions{}
		o.definition.bind(f)
		f.StringArrayVar(&o.unset, "unset", nil, "a KEY to put back to its default; may be repeated")
		f.BoolVar(&o.now, "now", false, "restart what has to be restarted for it")
		o.flagAll(f)
		o.flagJSON(f)
		return func(ctx context.Context, args arguments) error { return a.set(ctx, &c, o, args) }
	}
	return c
}

func (a *App) set(ctx context.Context, c *command, o *setOptions, args arguments) error {
	names, commands := args.words, []string(nil)
	if args.dash >= 0 {
		names, commands = args.words[:args.dash], args.words[args.dash:]
	}
	switch err := o.targets(c, arguments{words: names}); {
	case err != nil:
		return err
	case len(o.definition.given)+len(o.unset)+len(commands) == 0 && args.dash < 0:
		return misused(c, "set needs an option that says what to change")
	}
	p, err := a.planSet(ctx, c, o, names, commands, args.dash >= 0)
	if err != nil {
		return err
	}
	return a.carryOutSet(ctx, p, o.now, o.json)
}

// planSet makes the new definitions of all that the names mean.
func (a *App) planSet(ctx context.Context, c *command, o *setOptions, names, words []string, command bool) (*plan, error) {
	caller, err := a.caller()
	if err != nil {
		return nil, err
	}
	v, err := a.survey(ctx)
	if err != nil {
		return nil, err
	}
	chosen, err := v.chooseDefinitions(names, o.all)
	if err != nil {
		return nil, err
	}
	if command && len(chosen) > 1 {
		return nil, misused(c, "a command is set of one service at a time, and these are %d", len(chosen))
	}
	statuses, err := a.statuses(ctx, tend.Query{Brief: true})
	if err != nil {
		return nil, err
	}
	p := &plan{seen: v.definitions()}
	for _, old := range chosen {
		s := old
		if old.Broken != nil {
			return nil, old.Broken
		}
		if err := o.changeOne(&s, caller); err != nil {
			return nil, err
		}
		if command {
			if s.CommandLine, err = commandLine(c, arguments{append([]string{s.Name}, words...), 1}, s.Shell); err != nil {
				return nil, err
			}
		}
		changed, ok := newStep(old, s, statuses)
		if !ok {
			p.Unchanged++
			if !o.json {
				fmt.Fprintf(a.Stdout, "%s is unchanged\n", printable(s.Name, false))
			}
			continue
		}
		if err := a.checkChanged(changed); err != nil {
			return nil, err
		}
		p.steps = append(p.steps, changed)
	}
	a.warnMootOf(p)
	return p, nil
}

// changeOne makes the changes to one definition.
func (o *setOptions) changeOne(s *tend.Service, caller tend.Caller) error {
	for _, word := range o.unset {
		if err := unset(s, word); err != nil {
			return err
		}
	}
	if err := o.definition.apply(s, caller); err != nil {
		return err
	}
	if s.WorkingDirectory == "" {
		return tend.Errorf(tend.CodeUsage, "--unset: a service has to have a working_directory").WithHint("give it another one: --working-directory DIR")
	}
	return nil
}

// unset puts a KEY back to its default, or takes away the entry of KEY.ENTRY.
func unset(s *tend.Service, word string) error {
	key, entry, _ := strings.Cut(word, ".")
	var keys []string
	for i := range tend.Options {
		o := &tend.Options[i]
		keys = append(keys, o.Key)
		if o.Key != key && o.Flag != key {
			continue
		}
		if entry != "" && !o.Repeat {
			return tend.Errorf(tend.CodeUsage, "--unset: %s has no entries", o.Key)
		}
		if !o.Unset(s, entry) && entry != "" {
			return tend.Errorf(tend.CodeUsage, "--unset: there is no %s in %s of %s", entry, o.Key, s.Name).About(s.Name)
		}
		return nil
	}
	e := tend.Errorf(tend.CodeUsage, "--unset: there is no key %q", word)
	if near := tend.Nearest(key, keys); near != "" {
		return e.WithHint("did you mean %s?", near)
	}
	return e.WithHint("tend help set")
}

// checkChanged checks what has changed about a definition as far as that can be before it runs.
func (a *App) checkChanged(s step) error {
	if slices.Contains(s.Keys, "command") || slices.Contains(s.Keys, "shell") {
		words, err := checkCommand(s.definition)
		if err != nil {
			return err
		}
		a.lookFor(words[0], s.definition)
	}
	for _, w := range checkHere(s.definition) {
		if slices.Contains(s.Keys, w.key) {
			return flagged(w)
		}
	}
	return nil
}

// carryOutSet changes the definitions, and restarts what that is for if that is wanted; otherwise it says what to type.
func (a *App) carryOutSet(ctx context.Context, p *plan, now, asJSON bool) error {
	if len(p.steps) > 0 {
		if err := a.defineAll(ctx, p); err != nil {
			return err
		}
	}
	for _, s := range p.steps {
		if !asJSON {
			fmt.Fprintf(a.Stdout, "Changed %s: %s%s\n", printable(s.Name, false), strings.Join(s.Keys, ", "), s.outlook(now))
		}
	}
	request := tend.Request{Command: tend.CommandRestart, Words: p.names(func(s step) bool { return s.Restart })}
	report := a.newReport(request, asJSON)
	if err := a.awaitScaled(ctx, p, report); err != nil {
		return err
	}
	if now && len(request.Words) > 0 {
		if err := a.carry(ctx, request, report); err != nil {
			return err
		}
	}
	if asJSON {
		err := a.writeJSON(struct {
			Version   int             `json:"version"`
			Steps     []step          `json:"steps"`
			Unchanged int             `json:"unchanged"`
			Results   []tend.Progress `json:"results"`
		}{api.Version, slices.Concat([]step{}, p.steps), p.Unchanged, report.all()})
		if err != nil {
			return err
		}
	}
	return report.outcome()
}

// outlook says when a change takes effect, where that is not at once.
func (s step) outlook(now bool) string {
	keys := strings.Join(s.notLive(), ", ")
	switch {
	case !s.Restart:
		return ""
	case now:
		return "; it is restarted"
	case len(s.notLive()) == len(s.Keys):
		return "; it runs as before until it is restarted: tend restart " + typed(s.Name)
	}
	return "; " + keys + " only when it is restarted: tend restart " + typed(s.Name)
}
