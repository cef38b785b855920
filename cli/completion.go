package cli

import (
	"context"
	_ "embed" // of the script for bash
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tend"
)

func newCompletion() command {
	c := command{
		name: "completion", args: "SHELL", min: 1, max: 1, values: []string{"bash", "zsh", "fish"},
		short: "write the completion script of a shell",
		long:  `With it, the Tab key completes commands, options and the names of your services. SHELL is bash, zsh or fish.`,
		examples: []example{
			{"source <(tend completion bash)", "in ~/.bashrc"},
			{"source <(tend completion zsh)", "in ~/.zshrc, after compinit"},
			{"tend completion fish | source", "in ~/.config/fish/config.fish"},
		},
	}
	c.bind = func(a *App, _ *pflag.FlagSet) action {
		return func(_ context.Context, args arguments) error { return a.completion(&c, args.words[0]) }
	}
	return c
}

// bashCompletion is our own, because the one that cobra writes wants functions of the package bash-completion.
//
//go:embed completion.bash
var bashCompletion string

func (a *App) completion(c *command, shell string) error {
	switch shell {
	case "bash":
		_, err := io.WriteString(a.Stdout, bashCompletion)
		return err
	case "zsh":
		return a.root(commands()).GenZshCompletion(a.Stdout)
	case "fish":
		return a.root(commands()).GenFishCompletion(a.Stdout, true)
	}
	return misused(c, "there is no completion for %q (bash, zsh, fish)", shell)
}

// completer offers what the arguments of the command may be.
func (a *App) completer(c *command) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		switch {
		case len(c.first) > 0 && len(args) == 0:
			return c.first, cobra.ShellCompDirectiveNoFileComp
		case c.complete == words:
			var names []string
			for _, other := range visible(commands()) {
				names = append(names, other.name+"\t"+other.short)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		case c.complete == files:
			return nil, cobra.ShellCompDirectiveDefault
		case c.complete != nothing:
			return a.completeNames(c.complete, args, begun), cobra.ShellCompDirectiveNoFileComp
		case c.definition && len(args) > 0:
			return nil, cobra.ShellCompDirectiveDefault // the words of a command
		}
		return c.values, cobra.ShellCompDirectiveNoFileComp
	}
}

// patience is how long the Tab key may take.
const patience = 500 * time.Millisecond

// completeNames offers the services that are meant and not named yet, from the supervisor or else the database; after @
// it offers tags. Whatever goes wrong, it is silent.
func (a *App) completeNames(k kind, named []string, begun string) []string {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	known := a.known(ctx)
	if strings.HasPrefix(begun, "@") {
		return tags(known)
	}
	var fitting, all []string
	for _, s := range withServices(known) {
		if slices.Contains(named, s.Name) || !strings.HasPrefix(s.Name, begun) {
			continue
		}
		entry := s.Name + "\t" + string(s.State)
		all = append(all, entry)
		runs := s.State.Live() || s.State.Pending()
		if k == services || k == live && runs || k == resting && !runs {
			fitting = append(fitting, entry)
		}
	}
	if len(fitting) == 0 {
		return all
	}
	return fitting
}

// withServices adds to the copies of services the services themselves, as whose state that of the first copy counts.
func withServices(known []tend.Status) (all []tend.Status) {
	for _, s := range known {
		if service := s.Definition.Name; s.Name != service && !slices.ContainsFunc(all, func(o tend.Status) bool { return o.Name == service }) {
			whole := s
			whole.Name = service
			all = append(all, whole)
		}
		all = append(all, s)
	}
	return all
}

// tags are the tags of the services, as one types them.
func tags(known []tend.Status) []string {
	var found []string
	for _, s := range known {
		for _, tag := range s.Definition.Tags {
			found = append(found, "@"+tag)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// known returns the services without starting anything.
func (a *App) known(ctx context.Context) []tend.Status {
	if client, err := a.client(); err == nil {
		if found, err := client.Statuses(ctx, tend.Query{Brief: true}); err == nil {
			return found
		}
	}
	v, err := a.survey(ctx)
	if err != nil {
		return nil
	}
	var found []tend.Status
	for _, s := range v.services {
		found = append(found, a.status(v, s))
	}
	return found
}

// completeFlags offers values for the options of a definition, and files and directories where those are meant.
func (a *App) completeFlags(cc *cobra.Command) {
	cc.Flags().VisitAll(func(f *pflag.Flag) {
		offer := cobra.FixedCompletions(nil, cobra.ShellCompDirectiveNoFileComp)
		if o, ok := f.Value.(*optionFlag); ok {
			switch {
			case o.option.Complete == "directory":
				offer = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs)
			case o.option.Complete == "service":
				offer = a.completeServices
			case o.option.Complete == "file":
				offer = cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)
			case len(o.option.Values) > 0:
				offer = cobra.FixedCompletions(o.option.Values, cobra.ShellCompDirectiveNoFileComp)
			}
		} else if f.Name == "columns" {
			offer = completeColumns
		} else if f.Name == "unset" {
			offer = cobra.FixedCompletions(optionKeys(), cobra.ShellCompDirectiveNoFileComp)
		} else if f.Name == "for" {
			offer = cobra.FixedCompletions([]string{string(tend.GoalReady), string(tend.GoalStopped), string(tend.GoalExited)}, cobra.ShellCompDirectiveNoFileComp)
		}
		if f.Value.Type() != "bool" && f.Value.Type() != "" {
			_ = cc.RegisterFlagCompletionFunc(f.Name, offer) // fails only for a flag that is not there
		}
	})
}

func optionKeys() []string {
	var keys []string
	for _, o := range tend.Options {
		keys = append(keys, o.Key)
	}
	return keys
}

// completeColumns offers the columns that are not in the list of columns yet.
func completeColumns(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	given := begun[:strings.LastIndex(begun, ",")+1]
	var offered []string
	for _, name := range columnNames() {
		if !slices.Contains(strings.Split(given, ","), name) {
			offered = append(offered, given+name)
		}
	}
	return offered, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
