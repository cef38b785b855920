package cli

import (
	"context"
	"errors"
	"io/fs"
	"reflect"
	"slices"

	"tend"
	"tend/store"
)

// define changes definitions and tells a supervisor, if one runs.
func (a *App) define(ctx context.Context, seen []tend.Service, r store.Revision) error {
	if err := a.revise(ctx, seen, r); err != nil {
		return err
	}
	if err := a.changed(ctx); err != nil {
		a.notice("the supervisor could not be told: %v", err)
	}
	return nil
}

// revise changes definitions in the database: the one way for every command that does. seen are the definitions that the
// revision was made from; if somebody has changed one of those that it concerns since, it is refused, and the database is as it
// was.
func (a *App) revise(ctx context.Context, seen []tend.Service, r store.Revision) error {
	db, err := a.open(ctx, store.Existing)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		if err := checkTogether(nil, r); err != nil {
			return err // and make no database
		}
		db, err = a.open(ctx, store.Create)
	}
	if err != nil {
		return err
	}
	return db.Revise(ctx, func(now []tend.Service) (store.Revision, error) {
		if err := unchanged(seen, now, r); err != nil {
			return r, err
		}
		return r, checkTogether(now, r)
	})
}

// checkTogether checks what definitions say of each other, as far as the revision concerns it: what somebody has written by
// hand is no reason to refuse another change.
func checkTogether(now []tend.Service, r store.Revision) error {
	var concerned []string
	for _, s := range slices.Concat(r.Add, r.Change) {
		concerned = append(concerned, s.Name)
	}
	for _, s := range now {
		if slices.ContainsFunc(r.Remove, func(removed string) bool { return namesAnother(s, removed) }) {
			concerned = append(concerned, s.Name)
		}
	}
	if len(concerned) == 0 {
		return nil
	}
	for i, name := range concerned {
		if renamed, ok := r.Rename[name]; ok {
			concerned[i] = renamed
		}
	}
	result := r.Result(now)
	if err := checkCopies(result, concerned); err != nil {
		return err
	}
	for _, s := range result {
		if slices.Contains(concerned, s.Name) {
			if err := s.CheckDescriptors(); err != nil {
				return err
			}
		}
	}
	return tend.CheckOrder(result, concerned...)
}

// namesAnother reports whether the service needs the other.
func namesAnother(s tend.Service, other string) bool {
	return slices.Contains(slices.Concat(s.Requires, s.Wants, s.After), other)
}

// unchanged returns an error if anything that the revision replaces is not what it was when the revision was made.
func unchanged(seen, now []tend.Service, r store.Revision) error {
	concerned := slices.Clone(r.Remove)
	for _, s := range r.Change {
		concerned = append(concerned, s.Name)
	}
	for old := range r.Rename {
		concerned = append(concerned, old)
	}
	for _, name := range concerned {
		before, after := find(seen, name), find(now, name)
		switch {
		case after == nil:
			return meanwhile(name, "removed")
		case before == nil || !reflect.DeepEqual(*before, *after):
			return meanwhile(name, "changed")
		}
	}
	return nil
}

func meanwhile(name, what string) error {
	return tend.Errorf(tend.CodeBusy, "%s was %s by somebody else just now, and nothing was changed", name, what).About(name).WithHint("try again")
}

// find returns the service of the name, nil if there is none.
func find(services []tend.Service, name string) *tend.Service {
	i := slices.IndexFunc(services, func(s tend.Service) bool { return s.Name == name })
	if i < 0 {
		return nil
	}
	return &services[i]
}
