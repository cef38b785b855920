package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"tend"
	"tend/internal/fault"
	"tend/logs"
	"tend/store"
)

func newRename() command {
	c := command{
		name: "rename", args: "OLD NEW", min: 2, max: 2, complete: services,
		short:    "give a service another name",
		long:     `Its state, its history and its log go with it, and services that name it in requires, wants or after name it by the new name. A service that runs, or is about to be started by itself, is refused: stop it first.`,
		examples: []example{{"tend rename web shop", ""}},
	}
	c.bind = func(a *App, _ *pflag.FlagSet) action {
		return func(ctx context.Context, args arguments) error { return a.rename(ctx, args.words[0], args.words[1]) }
	}
	return c
}

func (a *App) rename(ctx context.Context, old, new string) error {
	if err := tend.CheckName(new); err != nil {
		return err
	}
	v, err := a.survey(ctx)
	if err != nil {
		return err
	}
	s := find(v.definitions(), old)
	switch {
	case s == nil:
		if _, err := v.chooseDefinitions([]string{old}, false); err != nil {
			return err
		}
		return tend.Errorf(tend.CodeUsage, "rename takes the name of one service, not a pattern or a tag")
	case old == new:
		return tend.Errorf(tend.CodeUsage, "%s is called so already", old).About(old)
	case find(v.definitions(), new) != nil:
		return tend.Errorf(tend.CodeConflict, "there is a service %s already", new).About(new).WithHint("choose another name; that one says: tend status %s", typed(new))
	}
	if err := a.resting(ctx, old); err != nil {
		return err
	}
	r := store.Revision{Rename: map[string]string{old: new}, Change: renamedIn(v.definitions(), old, new)}
	var undo []func()
	r.Last = func() (err error) {
		undo, err = moveLogs(v.database, *s, new)
		fault.At(fault.CommandRenaming)
		return err
	}
	if err := a.define(ctx, v.definitions(), r); err != nil {
		for _, back := range undo {
			back()
		}
		return err
	}
	fmt.Fprintf(a.Stdout, "Renamed %s to %s\n", printable(old, false), printable(new, false))
	for _, other := range r.Change {
		if other.Name != old {
			fmt.Fprintf(a.Stdout, "Changed %s, which names it\n", printable(other.Name, false))
		}
	}
	return nil
}

// resting returns an error unless nothing will happen to the service that nobody asks for.
func (a *App) resting(ctx context.Context, name string) error {
	statuses, err := a.statuses(ctx, tend.Query{Words: []string{name}})
	if err != nil {
		return err
	}
	for _, s := range statuses {
		if !slices.Contains([]tend.Phase{tend.PhaseStopped, tend.PhaseExited, tend.PhaseFailed}, s.State) {
			return tend.Errorf(tend.CodeConflict, "%s is %s", name, stateWords(s, a.Now())).About(name).WithHint("tend stop %s", typed(name))
		}
	}
	return nil
}

// renamedIn returns the definitions that name the service, with its new name.
func renamedIn(services []tend.Service, old, new string) (changed []tend.Service) {
	for _, s := range services {
		before := s
		for _, key := range []string{"requires", "wants", "after"} {
			o := tend.FindOption(key)
			if o == nil || s.Broken != nil {
				continue
			}
			names := o.Get(s)
			if !slices.Contains(names, old) || !o.Unset(&s, "") {
				continue
			}
			for _, name := range names {
				if name == old {
					name = new
				}
				_ = o.Set(&s, name, tend.Caller{}) // each was taken before, and the new one is checked
			}
		}
		if len(differences(before, s)) > 0 {
			changed = append(changed, s)
		}
	}
	return changed
}

// moveLogs moves the log of the service, and those of its copies, and returns what moves them back.
func moveLogs(database string, s tend.Service, new string) (undo []func(), err error) {
	back, err := logs.Rename(database, s.Name, new, s.Stdout, s.Stderr)
	if errors.Is(err, logs.ErrTaken) {
		return nil, tend.Errorf(tend.CodeConflict, "an earlier service %s has left its log behind, which would be mixed with that of %s: %w", new, s.Name, err).
			About(new).WithHint("move it away, or choose another name")
	}
	if err != nil {
		return nil, err
	}
	undo = append(undo, back)
	names, err := logs.Names(database)
	if err != nil {
		return undo, err
	}
	for _, name := range names {
		if n, copied := strings.CutPrefix(name, s.Name+"@"); copied && n != "" && strings.Trim(n, "0123456789") == "" {
			back, err := logs.Rename(database, name, new+"@"+n)
			if err != nil {
				return undo, err
			}
			undo = append(undo, back)
		}
	}
	return undo, nil
}
