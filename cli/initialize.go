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

type initializeOptions struct{ yes bool }

func newInitialize() command {
	c := command{
		name: "initialize", max: 0,
		short: "make an empty service database",
		long: `You need not call it: add and run make the database if there is none. It is $SERVER_FILE, or else server.sqlite in your home directory.

Where there are services already, they are forgotten: it asks first, or wants --yes, and keeps a copy of the database beside it. As long as any service runs it refuses.`,
		examples: []example{
			{"tend initialize", ""},
			{"SERVER_FILE=~/other.sqlite tend initialize", "another database"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &initializeOptions{}
		f.BoolVar(&o.yes, "yes", false, "forget the services that there are")
		return func(ctx context.Context, _ arguments) error { return a.initialize(ctx, o) }
	}
	return c
}

func (a *App) initialize(ctx context.Context, o *initializeOptions) error {
	statuses, err := a.statuses(ctx, tend.Query{Brief: true})
	if err != nil {
		return err
	}
	if err := a.mayForget(statuses, o); err != nil {
		return err
	}
	db, err := a.open(ctx, store.Create)
	if err != nil {
		return err
	}
	kept, err := db.Initialize(ctx)
	if err != nil {
		return err
	}
	if err := a.changed(ctx); err != nil {
		a.notice("the supervisor could not be told: %v", err)
	}
	if kept != "" {
		a.notice("the database as it was is kept as %s", kept)
	}
	fmt.Fprintln(a.Stdout, "Service database initialized")
	return nil
}

// mayForget returns an error unless the services may be forgotten: none runs, and the user knows what is lost.
func (a *App) mayForget(statuses []tend.Status, o *initializeOptions) error {
	var running, names []string
	for _, s := range statuses {
		if !slices.Contains(names, s.Definition.Name) {
			names = append(names, s.Definition.Name)
		}
		if s.State.Live() || s.State.Pending() {
			running = append(running, s.Name)
		}
	}
	switch {
	case len(running) > 0:
		verb := "run"
		if len(running) == 1 {
			verb = "runs"
		}
		return tend.Errorf(tend.CodeConflict, "%s %s, and nothing that runs is forgotten", some(running), verb).WithHint("tend stop --all")
	case len(names) == 0 || o.yes:
		return nil
	case !a.terminal().in:
		return tend.Errorf(tend.CodeConflict, "the database holds %s, which would be forgotten: %s", count(len(names), "service"), some(names)).
			WithHint("tend initialize --yes")
	}
	question := fmt.Sprintf("The database holds %s: %s.\nForget all? [y/N]", count(len(names), "service"), some(names))
	if answer := strings.ToLower(a.ask(question)); answer != "y" && answer != "yes" {
		return tend.Errorf(tend.CodeFailed, "nothing was changed")
	}
	return nil
}

// some lists the first few of the names.
func some(names []string) string {
	const few = 5
	if len(names) <= few {
		return printable(strings.Join(names, ", "), false)
	}
	return printable(strings.Join(names[:few], ", "), false) + fmt.Sprintf(" and %d more", len(names)-few)
}
