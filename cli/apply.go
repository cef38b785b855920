package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"tend"
	"tend/api"
	"tend/manifest"
)

type applyOptions struct {
	sharedOptions
	dryRun, prune, yes, noStart bool
}

func newApply() command {
	c := command{
		name: "apply", args: "FILE", min: 1, max: 1, complete: files,
		short: "make the services what a tend.toml says",
		long: `Shows what would change, asks, and does it: all of it or, on an error, nothing. What does not change is not touched. FILE may be - for standard input; then, and wherever there is no terminal to ask at, it wants --yes.

New services are started, and those that run are restarted if the change needs it. What the file does not name is left alone, unless --prune is given: then it is stopped and removed.

The file is described in docs/toml.md, and its keys below and in docs/tend.schema.json; tend export writes one.

With --json: version, steps (name, do: add, change or remove, keys, and whether it is to restart, start or stop), unchanged (how many), applied, and results (how restarts and starts ended, as start --json has it).`,
		examples: []example{
			{"tend apply tend.toml", ""},
			{"tend apply --dry-run tend.toml", "only show what would change"},
			{"tend export | ssh other tend apply --yes -", "the same services on another machine"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &applyOptions{}
		f.BoolVar(&o.dryRun, "dry-run", false, "show the plan and change nothing")
		f.BoolVar(&o.prune, "prune", false, "stop and remove services that are not in the file")
		f.BoolVar(&o.yes, "yes", false, "do not ask")
		f.BoolVar(&o.noStart, "no-start", false, "do not start new services")
		o.flagJSON(f)
		return func(ctx context.Context, args arguments) error { return a.apply(ctx, o, args.words[0]) }
	}
	return c
}

func (a *App) apply(ctx context.Context, o *applyOptions, path string) error {
	p, err := a.planFile(ctx, o, path)
	if err != nil {
		return err
	}
	if !o.json {
		p.write(a.Stdout, palette{a.terminal().colour})
	}
	if len(p.steps) == 0 || o.dryRun {
		if len(p.steps) == 0 && p.Unchanged == 0 && !o.json {
			fmt.Fprintln(a.Stdout, "No services")
		}
		return a.writeApplied(o, p, nil)
	}
	if err := a.mayApply(o, path); err != nil {
		return err
	}
	return a.carryOutPlan(ctx, o, p)
}

// planFile reads the file and finds what it would change.
func (a *App) planFile(ctx context.Context, o *applyOptions, path string) (*plan, error) {
	caller, err := a.caller()
	if err != nil {
		return nil, err
	}
	text, err := a.readFile(path, &caller)
	if err != nil {
		return nil, err
	}
	v, err := a.survey(ctx)
	if err != nil {
		return nil, err
	}
	file, err := manifest.Read(path, text, manifest.Origin{Caller: caller, Existing: byName(v.definitions())})
	if err != nil {
		return nil, err
	}
	statuses, err := a.statuses(ctx, tend.Query{Brief: true})
	if err != nil {
		return nil, err
	}
	p := newPlan(file.Services, v.definitions(), statuses, o.prune).sorted()
	for i := range p.steps {
		if s := &p.steps[i]; s.Do == doAdd && o.noStart {
			s.Start = false
		}
	}
	if err := p.check(file); err != nil {
		return nil, err
	}
	a.warnMootOf(p)
	return p, nil
}

// readFile reads what is to be applied, and sets from where its relative paths are seen.
func (a *App) readFile(path string, caller *tend.Caller) ([]byte, error) {
	if path == "-" {
		text, err := io.ReadAll(a.Stdin)
		if err != nil {
			return nil, fmt.Errorf("reading standard input: %w", err)
		}
		return text, nil
	}
	file := caller.Absolute(path)
	text, err := os.ReadFile(file)
	if err != nil {
		e := tend.Errorf(tend.CodeUsage, "%s cannot be read: %w", path, cause(err))
		if errors.Is(err, fs.ErrNotExist) {
			return nil, e.WithHint("to make one of the services that there are: tend export > %s", typed(path))
		}
		return nil, e
	}
	caller.Directory = filepath.Dir(file)
	return text, nil
}

func byName(services []tend.Service) map[string]tend.Service {
	m := map[string]tend.Service{}
	for _, s := range services {
		m[s.Name] = s
	}
	return m
}

// check checks what is new in the plan as far as that can be before it runs, and says where in the file it is wrong.
func (p *plan) check(file *manifest.File) error {
	for _, s := range p.steps {
		if s.Do == doRemove {
			continue
		}
		for _, w := range checkHere(s.definition) {
			file.Refuse(s.Name, w.key, "%s", w.err.Message)
		}
	}
	if err := file.Err(); err != nil {
		return err
	}
	if err := checkTogether(p.seen, p.revision()); err != nil {
		e := tend.AsError(err)
		if !slices.ContainsFunc(file.Services, func(s tend.Service) bool { return s.Name == e.Service }) {
			return err
		}
		file.Refuse(e.Service, e.Key, "%s", err)
	}
	return file.Err()
}

// words are those options that say what is to be done.
func (o *applyOptions) words() (words string) {
	if o.prune {
		words += "--prune "
	}
	if o.noStart {
		words += "--no-start "
	}
	return words
}

// mayApply asks, where there is somebody to ask.
func (a *App) mayApply(o *applyOptions, path string) error {
	switch {
	case o.yes:
		return nil
	case path == "-" || !a.terminal().in || o.json:
		return tend.Errorf(tend.CodeUsage, "there is nobody to ask, so nothing was changed").WithHint("tend apply --yes %s%s", o.words(), typed(path))
	}
	if answer := strings.ToLower(a.ask("Apply this? [y/N]")); answer != "y" && answer != "yes" {
		return tend.Errorf(tend.CodeFailed, "nothing was changed")
	}
	return nil
}

// carryOutPlan stops what is to go, changes all definitions at once, and then restarts and starts what that is for. If the
// definitions cannot be changed, what was stopped is started again.
func (a *App) carryOutPlan(ctx context.Context, o *applyOptions, p *plan) error {
	stops := p.names(func(s step) bool { return s.Stop })
	if len(stops) > 0 {
		request := tend.Request{Command: tend.CommandStop, Words: stops}
		report := a.newReport(request, o.json)
		if err := a.carry(ctx, request, report); err != nil {
			return err
		}
		if err := report.outcome(); err != nil {
			return a.undo(ctx, o, stops, err)
		}
	}
	if err := a.defineAll(ctx, p); err != nil {
		if tend.CodeOf(err) == tend.CodeConflict { // added since the plan was made
			err = meanwhile(tend.AsError(err).Service, "added")
		}
		return a.undo(ctx, o, stops, err)
	}
	if !o.json {
		p.writeDone(a.Stdout)
	}
	request := tend.Request{
		Command: tend.CommandRestart, Words: p.names(func(s step) bool { return s.Restart }), Start: p.names(func(s step) bool { return s.Start }),
	}
	report := a.newReport(request, o.json)
	if err := a.awaitScaled(ctx, p, report); err != nil {
		return err
	}
	if len(request.Words)+len(request.Start) > 0 {
		if err := a.carry(ctx, request, report); err != nil {
			return err
		}
	}
	if err := a.writeApplied(o, p, report); err != nil {
		return err
	}
	return report.outcome()
}

// undo starts again what was stopped for a change that was not made.
func (a *App) undo(ctx context.Context, o *applyOptions, stopped []string, failure error) error {
	if len(stopped) == 0 {
		return failure
	}
	request := tend.Request{Command: tend.CommandStart, Words: stopped}
	if err := a.carry(ctx, request, a.newReport(request, o.json)); err != nil {
		a.notice("what was stopped could not be started again: %v", err)
	}
	return failure
}

// writeDone says what has become of the definitions.
func (p *plan) writeDone(to io.Writer) {
	for _, s := range p.steps {
		switch name := printable(s.Name, false); s.Do {
		case doAdd:
			fmt.Fprintf(to, "Added %s\n", name)
		case doChange:
			fmt.Fprintf(to, "Changed %s: %s\n", name, strings.Join(s.Keys, ", "))
		case doRemove:
			fmt.Fprintf(to, "Removed %s from the service list\n", name)
		}
	}
}

// writeApplied answers with the plan in JSON, if that is wanted, and with how it went if it was carried out.
func (a *App) writeApplied(o *applyOptions, p *plan, r *report) error {
	if !o.json {
		return nil
	}
	answer := struct {
		Version   int             `json:"version"`
		Steps     []step          `json:"steps"`
		Unchanged int             `json:"unchanged"`
		Applied   bool            `json:"applied"`
		Results   []tend.Progress `json:"results"`
	}{api.Version, slices.Concat([]step{}, p.steps), p.Unchanged, r != nil, []tend.Progress{}}
	if answer.Steps == nil {
		answer.Steps = []step{}
	}
	if r != nil {
		answer.Results = r.all()
	}
	return a.writeJSON(answer)
}
