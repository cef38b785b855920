package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"tend"
	"tend/api"
	"tend/keeper"
	"tend/store"
)

type upgradeOptions struct{ sharedOptions }

func newUpgrade() command {
	c := command{
		name: "upgrade", max: 0,
		short: "have tend's own processes run this program, without touching a service",
		long: `Put the new program in the place of the old one, by mv rather than by cp, and type tend upgrade with it. The two keepers go on as the new program, as the same processes, and the supervisor gives way to a new one. No service is stopped or started.

If anything keeps one of them from running it, it goes on as it was, and you are told which.

With --json: version, tend (the version that runs now), processes (role and pid of those that have come to run it) and services (how many ran before and after as the same process; 0 if there was nothing to do).`,
		examples: []example{{"mv tend-new ~/bin/tend && tend upgrade", ""}},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &upgradeOptions{}
		o.flagJSON(f)
		return func(ctx context.Context, _ arguments) error { return a.upgrade(ctx, o) }
	}
	return c
}

// upgradeTime is how long an upgrade may take: mostly it is a few hundredths of a second.
const upgradeTime = 10 * time.Second

// upgraded is what came of it, as JSON has it.
type upgraded struct {
	Version   int               `json:"version"`
	Tend      string            `json:"tend"`
	Processes []upgradedProcess `json:"processes"` // those that have come to run this program
	Services  int               `json:"services"`  // how many ran before and after, as the same process
}

type upgradedProcess struct {
	Role string `json:"role"`
	PID  int    `json:"pid"`
}

func (a *App) upgrade(ctx context.Context, o *upgradeOptions) error {
	program, err := keeper.Current()
	if err != nil {
		return err
	}
	dir, err := a.runtime()
	if err != nil {
		return err
	}
	result := upgraded{Version: api.Version, Tend: versionNumber, Processes: []upgradedProcess{}}
	running, err := keeper.Find(dir)
	if err != nil {
		return tend.Errorf(tend.CodeFailed, "looking for tend's own processes: %w", err)
	}
	known := map[tend.Identity]bool{} // who runs this program already
	for _, s := range running {
		if program.RunsAs(s.PID) {
			known[s.Identity] = true
		}
	}
	if len(known) == len(running) {
		return a.nothingToUpgrade(o, result, len(running) > 0)
	}
	if _, err := a.open(ctx, store.Existing); err != nil { // what this program cannot read, its supervisor could not
		return err
	}
	before, err := a.survey(ctx) // an old supervisor need not answer: of a database that was brought up to date it knows nothing
	if err != nil {
		return err
	}
	if !o.json {
		fmt.Fprintln(a.Stdout, "Upgrading tend ...")
	}
	trying, cancel := context.WithTimeout(ctx, upgradeTime)
	defer cancel()
	after, err := a.upgradeAll(trying, dir, program, func(s keeper.Serving) {
		if known[s.Identity] {
			return
		}
		known[s.Identity] = true
		result.Processes = append(result.Processes, upgradedProcess{s.Role, s.PID})
		if !o.json {
			fmt.Fprintf(a.Stdout, "... %s, process %d\n", s.Role, s.PID)
		}
	})
	if err != nil {
		return err
	}
	result.Services = untouched(before, after)
	if o.json {
		return a.writeJSON(result)
	}
	verb := "were"
	if result.Services == 1 {
		verb = "was"
	}
	_, err = fmt.Fprintf(a.Stdout, "... tend runs %s; %s %s not touched\n", versionNumber, count(result.Services, "service"), verb)
	return err
}

// upgradeAll does it, and sees to it that a supervisor answers then: where everybody was killed meanwhile, it may be that an
// old one has started others in their place.
func (a *App) upgradeAll(ctx context.Context, dir string, program keeper.Program, taken func(keeper.Serving)) ([]tend.Status, error) {
	for {
		old, err := keeper.Upgrade(ctx, dir, program, taken)
		for _, s := range old {
			a.notice("the %s, process %d, still runs the old program", s.Role, s.PID)
		}
		if err != nil {
			return nil, err
		}
		statuses, err := a.statuses(ctx, tend.Query{Brief: true})
		if err != nil || !a.outdated() {
			return statuses, err
		}
	}
}

// follow has tend's own processes run this program, which has just changed the schema of the database: if the supervisor
// died, another of the old program could not open it.
func (a *App) follow(ctx context.Context) {
	if !a.outdated() {
		return
	}
	program, err := keeper.Current()
	if err == nil {
		var dir string
		if dir, err = a.runtime(); err == nil {
			ctx, cancel := context.WithTimeout(ctx, upgradeTime)
			defer cancel()
			_, err = keeper.Upgrade(ctx, dir, program, func(keeper.Serving) {})
		}
	}
	if err != nil {
		a.notice("tend's own processes do not run this program yet (%v): tend upgrade", err)
		return
	}
	a.notice("tend's own processes run this program now as well; no service was touched")
}

func (a *App) nothingToUpgrade(o *upgradeOptions, result upgraded, running bool) error {
	if o.json {
		return a.writeJSON(result)
	}
	words := "No supervisor is running, nothing has to be done"
	if running {
		words = "tend runs " + versionNumber + ", this very program, already"
	}
	_, err := fmt.Fprintln(a.Stdout, words)
	return err
}

// untouched is how many services run as the same process.
func untouched(before *survey, after []tend.Status) (n int) {
	for _, s := range after {
		for name, state := range before.states {
			if s.PID != 0 && s.PID == state.Main.PID && s.Name == before.label(name) {
				n++
			}
		}
	}
	return n
}
