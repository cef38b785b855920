package cli

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"tend"
	"tend/logs"
)

func newStatus() command {
	c := command{
		name: "status", aliases: []string{"st"}, args: "NAME…", max: -1, complete: services,
		short: "show everything about services",
		long:  `The exit status is 0 if all of them run and are ready, 3 if one does not, and 4 if there is no such service. Values of environment variables whose names look secret are blotted out.`,
		examples: []example{
			{"tend status web", ""},
			{"tend status web >/dev/null && echo up", "in a script"},
			{"tend status --json web", "for programs"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &sharedOptions{}
		return o.forServices(&c, f, func(ctx context.Context, args arguments) error {
			return a.showStatus(ctx, o, args)
		})
	}
	return c
}

func (a *App) showStatus(ctx context.Context, o *sharedOptions, args arguments) error {
	statuses, err := a.statuses(ctx, tend.Query{Words: args.words})
	if err != nil {
		return err
	}
	switch {
	case o.json:
		err = a.writeServices(statuses)
	case len(statuses) == 0:
		_, err = fmt.Fprintln(a.Stdout, "No processes")
	}
	if err != nil {
		return err
	}
	running := true
	for i, s := range statuses {
		running = running && s.State == tend.PhaseRunning && s.Elsewhere == ""
		if o.json {
			continue
		}
		if i > 0 {
			fmt.Fprintln(a.Stdout)
		}
		fmt.Fprint(a.Stdout, renderCard(s, a.lastLines(s), a.terminal(), a.Now()))
	}
	if !running {
		return silent(tend.CodeNotRunning)
	}
	return nil
}

// lastLines are the last lines that a service wrote which is in trouble.
func (a *App) lastLines(s tend.Status) []string {
	files := outputs(s.Definition, s.Log)
	if len(files) == 0 || s.State != tend.PhaseFailed && s.State != tend.PhaseBackoff {
		return nil
	}
	lines, err := logs.Last(files[len(files)-1].path, 0, 3) // its error output, where that has a file of its own
	if err != nil {
		return nil // it wrote nothing, or it is not for us to read: the card is about the service
	}
	return lines
}
