package cli

import (
	"context"
	"os"
	"reflect"

	"github.com/spf13/pflag"

	"tend"
	"tend/manifest"
)

func newExport() command {
	c := command{
		name: "export", args: "[NAME…]", max: -1, complete: services,
		short: "write definitions as a tend.toml",
		long:  `Writes all services, or those that are named, so that tend apply makes the same of it anywhere. It says everything of each, values of secrets too: if it goes to a file that others may read, a note says so.`,
		examples: []example{
			{"tend export > tend.toml", ""},
			{"tend export web @shop", "some of them"},
		},
	}
	c.bind = func(a *App, _ *pflag.FlagSet) action {
		return func(ctx context.Context, args arguments) error { return a.export(ctx, args.words) }
	}
	return c
}

func (a *App) export(ctx context.Context, words []string) error {
	v, err := a.survey(ctx)
	if err != nil {
		return err
	}
	chosen, err := v.chooseDefinitions(words, len(words) == 0)
	if err != nil {
		return err
	}
	if err := manifest.Write(a.Stdout, chosen); err != nil {
		return err
	}
	file, ok := a.Stdout.(*os.File)
	if !ok || !holdsSecrets(chosen) {
		return nil
	}
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		a.notice("there are secrets in it, and others may read the file: chmod 600")
	}
	return nil
}

// holdsSecrets reports whether list and status would blot anything out.
func holdsSecrets(services []tend.Service) bool {
	for _, s := range services {
		if !reflect.DeepEqual(s.Environment, s.Redacted().Environment) {
			return true
		}
	}
	return false
}
