package cli

import (
	"context"

	"github.com/spf13/pflag"

	"tend/manifest"
)

func newSchema() command {
	c := command{
		name: "schema", max: 0,
		short: "write the JSON Schema of a tend.toml",
		long:  `Editors that know it complete and explain the keys of a tend.toml, and mark what is none. It is also docs/tend.schema.json.`,
		examples: []example{
			{"tend schema > tend.schema.json", ""},
		},
	}
	c.bind = func(a *App, _ *pflag.FlagSet) action {
		return func(context.Context, arguments) error { return manifest.Schema(a.Stdout) }
	}
	return c
}
