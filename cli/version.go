package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"

	"github.com/spf13/pflag"

	"tend/api"
	"tend/keeper"
)

// versionNumber is that of this tend.
const versionNumber = "0.1.0"

type versionOptions struct{ sharedOptions }

func newVersion() command {
	c := command{
		name: "version", max: 0,
		short:    "show the version",
		examples: []example{{"tend version", ""}, {"tend --version", "the same"}},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &versionOptions{}
		o.flagJSON(f)
		return func(context.Context, arguments) error {
			if err := a.version(o); err != nil {
				return err
			}
			if !o.json && a.outdated() {
				a.notice("what supervises the services is another program than this one; to have it run this one: tend upgrade")
			}
			return nil
		}
	}
	return c
}

func (a *App) version(o *versionOptions) error {
	platform, commit := runtime.GOOS+"/"+runtime.GOARCH, builtFrom()
	if o.json {
		return a.writeJSON(struct {
			Version  int    `json:"version"`
			Tend     string `json:"tend"`
			Go       string `json:"go"`
			Platform string `json:"platform"`
			Commit   string `json:"commit,omitempty"`
		}{api.Version, versionNumber, runtime.Version(), platform, commit})
	}
	if commit != "" {
		commit = ", commit " + commit
	}
	_, err := fmt.Fprintf(a.Stdout, "tend %s (%s, %s%s)\n", versionNumber, runtime.Version(), platform, commit)
	return err
}

// outdated reports whether any of tend's own processes runs another program than this one.
func (a *App) outdated() bool {
	dir, err := a.runtime()
	if err != nil {
		return false
	}
	own, err := keeper.Current()
	if err != nil {
		return false
	}
	running, _ := keeper.Find(dir)
	return slices.ContainsFunc(running, func(s keeper.Serving) bool { return !own.RunsAs(s.PID) })
}

// builtFrom is the commit that the program was built from, "" if the build does not say.
func builtFrom() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	commit, changed := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(len(s.Value), 12)]
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = " and changes"
		}
	}
	if commit == "" {
		return ""
	}
	return commit + changed
}
