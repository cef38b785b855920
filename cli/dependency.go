package cli

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/spf13/cobra"

	"tend"
	"tend/store"
)

// checkOrder refuses a definition whose dependencies cannot be met, or would make a loop with those that there are. It
// makes no database where there is none.
func (a *App) checkOrder(ctx context.Context, s tend.Service) error {
	if !s.Depends() {
		return nil
	}
	var services []tend.Service
	db, err := a.open(ctx, store.Existing)
	if err == nil {
		services, err = db.Services(ctx)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	services = slices.DeleteFunc(services, func(other tend.Service) bool { return other.Name == s.Name })
	return tend.CheckOrder(append(services, s), s.Name)
}

// completeServices offers the names of services as values of an option.
func (a *App) completeServices(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	return a.completeNames(services, args, begun), cobra.ShellCompDirectiveNoFileComp
}
