package cli

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"tend"
	"tend/logs"
	"tend/store"
)

type addOptions struct {
	sharedOptions
	definition definition
}

func newAdd() command {
	c := command{
		name: "add", args: "NAME COMMAND", min: 2, max: -1, definition: true,
		short: "add a service without starting it",
		long: `COMMAND is one quoted string, split into words as a shell splits them, or everything after --. No shell runs it unless --shell is given.

The definition takes the working directory, the umask and a few environment variables from where it is made; nothing else comes in later. What cannot work, a directory or a file that is missing for instance, is refused and nothing is added.`,
		examples: []example{
			{"tend add web 'python3 -m http.server 8000'", "the command as one string"},
			{"tend add web -- python3 -m http.server 8000", "or as words after --"},
			{"tend add -w ~/site -o ~/site/log --restart always web -- ./serve", "in a directory, with a log file, restarted whatever happens"},
			{"tend add --shell backup -- 'while sleep 3600; do ./backup; done'", "a command for /bin/sh"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &addOptions{}
		o.definition.bind(f)
		o.flagJSON(f)
		return func(ctx context.Context, args arguments) error { return a.add(ctx, &c, o, args) }
	}
	return c
}

func (a *App) add(ctx context.Context, c *command, o *addOptions, args arguments) error {
	s, err := a.service(c, &o.definition, args, false)
	if err != nil {
		return err
	}
	if _, err := a.client(); err != nil {
		return err // it could be added, but never started
	}
	if err := a.define(ctx, nil, store.Revision{Add: []tend.Service{s}}); err != nil {
		if known := tend.AsError(err); known.Code == tend.CodeConflict && known.Service == s.Name {
			return tend.Errorf(tend.CodeConflict, "there is a service %s already", s.Name).About(s.Name).
				WithHint("to change it: tend run %s -- COMMAND; to take it away: tend remove %s", typed(s.Name), typed(s.Name))
		}
		return err
	}
	if o.json {
		return a.writeAdded(s)
	}
	fmt.Fprintf(a.Stdout, "Added %s\n", s.Name)
	return nil
}

func (a *App) writeAdded(s tend.Service) error {
	database, err := a.database()
	if err != nil {
		return err
	}
	status := tend.NewStatus(s, tend.State{}, logs.Path(database, s.Name), a.Now())
	return a.writeServices([]tend.Status{status})
}
