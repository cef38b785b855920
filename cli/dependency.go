package cli

import "github.com/spf13/cobra"

// completeServices offers the names of services as values of an option.
func (a *App) completeServices(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	return a.completeNames(services, args, begun), cobra.ShellCompDirectiveNoFileComp
}
