package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"tend"
	"tend/store"
)

func newRun() command {
	c := command{
		name: "run", args: "NAME -- COMMAND", min: 1, max: -1, definition: true, starts: true,
		short: "add a service and start it",
		long: `Adds the service and starts it, in one. If there is one of that name already, its definition becomes the one that is given now, with all options; if the service runs and the change needs it, it is restarted.

COMMAND is everything after --, or one quoted string, which is split into words as a shell splits them. No shell runs it unless --shell is given.

With --once, the service runs once, now, and what it writes is shown as it comes; if no COMMAND is given, that of a service or job that is there already. No other run follows, and a job goes on waiting for its time. The exit status is that of the run, 128 and the number of the signal if one ended it; 1, 2, 4, 5 and 75 may also be tend's own, which then says why on standard error. Ctrl-C asks it to stop, as tend stop does; a second one leaves it running.`,
		examples: []example{
			{"tend run web -- python3 -m http.server 8000", "start it, and keep it running"},
			{"tend run --restart always --env PORT=8000 api -- ./api", "with options"},
			{"tend run --once backup", "run a job now, and wait for its end"},
			{"tend run --shell loop -- 'while sleep 60; do date; done'", "a command for /bin/sh"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &addOptions{}
		once := f.Bool("once", false, "run it once, wait for its end, and exit as it does")
		o.definition.bind(f)
		o.flagJSON(f)
		return func(ctx context.Context, args arguments) error {
			switch {
			case *once:
				return a.runOnce(ctx, &c, o, args)
			case len(args.words) < 2:
				return misused(&c, "%s needs %s", c.name, c.needs())
			}
			return a.run(ctx, &c, o, args)
		}
	}
	return c
}

func (a *App) run(ctx context.Context, c *command, o *addOptions, args arguments) error {
	old, err := a.existing(ctx, args.words[0])
	if err != nil {
		return err
	}
	s, err := a.service(c, &o.definition, args, old != nil)
	if err != nil {
		return err
	}
	if _, err := a.runtime(); err != nil {
		return err // it could be added, but not started
	}
	request := tend.Request{Command: tend.CommandStart, Words: []string{s.Name}}
	if old == nil {
		err = a.define(ctx, nil, store.Revision{Add: []tend.Service{s}})
	} else if len(differences(*old, s)) > 0 {
		request.Command, err = a.change(ctx, *old, s, o.json)
	}
	if err != nil {
		return err
	}
	if old == nil && !o.json {
		fmt.Fprintf(a.Stdout, "Added %s\n", s.Name)
	}
	report := a.newReport(request, o.json)
	if err := a.carryOut(ctx, request, report); err != nil {
		return err
	}
	if old == nil && a.terminal().err && !o.json && report.runs(s.Name) {
		fmt.Fprintf(a.Stderr, "\nSee what it writes:  tend logs -f %[1]s\nStop it:             tend stop %[1]s\n", typed(s.Name))
	}
	return nil
}

// existing returns the definition of the name, nil if there is none.
func (a *App) existing(ctx context.Context, name string) (*tend.Service, error) {
	db, err := a.open(ctx, store.Existing)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s, err := db.Service(ctx, name)
	if tend.CodeOf(err) == tend.CodeNoService {
		return nil, nil
	}
	return &s, err
}

// change writes the new definition down and returns what is to be done: a service that runs is restarted if the change needs
// it.
func (a *App) change(ctx context.Context, old, s tend.Service, quiet bool) (tend.Command, error) {
	now, err := a.statuses(ctx, tend.Query{Words: []string{s.Name}})
	if err != nil {
		return "", err
	}
	changed, _ := newStep(old, s, now)
	write, command := a.define, tend.CommandStart
	switch {
	case changed.Restart:
		command = tend.CommandRestart
	case slices.Equal(changed.Keys, []string{"instances"}) && is(now, s.Name, func(now tend.Status) bool { return now.State.Live() }):
		write, command = a.revise, tend.CommandScale // the request has the definitions read, so that it sees what begins
	}
	if err := write(ctx, []tend.Service{old}, store.Revision{Change: []tend.Service{s}}); err != nil {
		return "", err
	}
	if !quiet {
		fmt.Fprintf(a.Stdout, "Changed %s: %s%s\n", printable(s.Name, false), strings.Join(changed.Keys, ", "), changed.outlook(true))
	}
	return command, nil
}

// differences are the keys in which two definitions differ. A default that is another one because of another key is none.
func differences(old, new tend.Service) []string {
	written := func(o tend.Option) bool { return o.Get(old) != nil || o.Get(new) != nil }
	var keys []string
	if old.CommandLine != new.CommandLine {
		keys = append(keys, "command")
	}
	for _, o := range tend.Options {
		if before, after := o.Get(old.WithDefaults()), o.Get(new.WithDefaults()); written(o) && !slices.Equal(before, after) && !reflect.DeepEqual(before, after) {
			keys = append(keys, o.Key)
		}
	}
	return keys
}
