package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"tend"
	"tend/api"
)

func newWhy() command {
	c := command{
		name: "why", args: "NAME…", max: -1, complete: services,
		short: "say why a service is in the state it is in",
		long: `Says in sentences what happened, what tend waits for, what happens next and when, and what to type. If the service is in trouble, the last lines it wrote follow. The exit status is 0 whatever the state is, and 4 if there is no such service.

With --json: version and services, each with name, sentences, status (as tend status has it), runs (the last ones, as tend history has them) and absences (from, exact, to, cause: when nobody supervised, and why; exact is false if it began some time after from).`,
		examples: []example{{"tend why web", ""}, {"tend why --all", "of each service"}, {"tend why --json web", "for programs"}},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &sharedOptions{}
		return o.forServices(&c, f, func(ctx context.Context, args arguments) error {
			return a.why(ctx, o, args)
		})
	}
	return c
}

// reason is one service in the answer to why --json.
type reason struct {
	Name      string         `json:"name"`
	Sentences []string       `json:"sentences"`
	Status    tend.Status    `json:"status"`
	Runs      []pastRun      `json:"runs"`
	Absences  []tend.Absence `json:"absences"`
	lines     []string
}

// lookedAt is how many of the last runs are looked at, and told for why --json.
const (
	lookedAt = 1000 // more than are kept
	toldRuns = 10
)

func (a *App) why(ctx context.Context, o *sharedOptions, args arguments) error {
	p, err := a.remember(ctx)
	if err != nil {
		return err
	}
	chosen, err := p.choose(args.words, o.all)
	if err != nil {
		return err
	}
	reasons := []reason{}
	for _, s := range chosen {
		r, err := a.explain(ctx, p, s)
		if err != nil {
			return err
		}
		reasons = append(reasons, r)
	}
	if o.json {
		return a.writeJSON(struct {
			Version  int      `json:"version"`
			Services []reason `json:"services"`
		}{api.Version, reasons})
	}
	if len(reasons) == 0 {
		_, err = fmt.Fprintln(a.Stdout, "No processes")
		return err
	}
	for i, r := range reasons {
		if i > 0 {
			fmt.Fprintln(a.Stdout)
		}
		a.writeReason(r, len(reasons) > 1)
	}
	return nil
}

func (a *App) explain(ctx context.Context, p *past, s tend.Service) (reason, error) {
	status := a.status(p.survey, s)
	told := p.told[s.Label()]
	status.Left, status.LogTrouble, status.Unready, status.Unhealthy, status.Troubles = told.Left, told.LogTrouble, told.Unready, told.Unhealthy, told.Troubles
	runs, err := p.db.Runs(ctx, s.Name, lookedAt)
	if err != nil {
		return reason{}, err
	}
	account := tend.Account{
		Service: s, State: p.states[s.Name].State, Damage: p.states[s.Name].Damage, Elsewhere: status.Elsewhere, Left: status.Left,
		WaitsFor: status.WaitsFor, HeldBy: status.HeldBy,
		LogTrouble: status.LogTrouble, Unready: status.Unready, Unhealthy: status.Unhealthy, Troubles: status.Troubles,
		Runs: runs, Absences: p.absences, Unsupervised: p.unsupervised != nil,
	}
	r := reason{Name: s.Label(), Sentences: tend.Explain(account, a.Now()), Status: status, Runs: []pastRun{}, Absences: []tend.Absence{}}
	for _, run := range runs[:min(len(runs), toldRuns)] {
		told := p.tell(run, a.Now())
		r.Runs = append(r.Runs, told)
		if told.Away != nil && !slices.Contains(r.Absences, *told.Away) {
			r.Absences = append(r.Absences, *told.Away)
		}
	}
	r.lines = a.lastLines(status)
	return r, nil
}

func (a *App) writeReason(r reason, several bool) {
	t := a.terminal()
	palette := palette{t.colour}
	indent := ""
	if several {
		fmt.Fprintln(a.Stdout, palette.bold(printable(r.Name, false)))
		indent = "  "
	}
	for _, sentence := range r.Sentences {
		for i, line := range wrap(printable(sentence, false), t.inner(len(indent)+2)) {
			if i > 0 {
				line = "  " + line
			}
			fmt.Fprintln(a.Stdout, indent+line)
		}
	}
	if len(r.lines) == 0 {
		return
	}
	fmt.Fprintln(a.Stdout, indent+palette.faint("Its last lines:"))
	var b strings.Builder
	for _, line := range r.lines {
		b.WriteString(fit(indent+"  "+palette.faint("| ")+printable(line, false), t.width) + "\n")
	}
	io.WriteString(a.Stdout, b.String())
	fmt.Fprintf(a.Stdout, "%sMore: tend logs %s\n", indent, typed(r.Name))
}
