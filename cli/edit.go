package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"tend"
	"tend/manifest"
)

type editOptions struct{ now bool }

func newEdit() command {
	c := command{
		name: "edit", args: "NAME", min: 1, max: 1, complete: services,
		short: "change a service in your editor",
		long: `Shows the definition as it would stand in a tend.toml to $VISUAL, $EDITOR or vi, and takes what that leaves behind. If it is not right, it says where, and at a terminal offers to edit it again; nothing is changed until it is right.

If the service runs and has to be restarted for the change, it says so, or, with --now, does it.`,
		examples: []example{
			{"tend edit web", ""},
			{"EDITOR='sed -i s/8000/8001/' tend edit --now web", "any program that changes a file"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &editOptions{}
		f.BoolVar(&o.now, "now", false, "restart it if it has to be restarted")
		return func(ctx context.Context, args arguments) error { return a.edit(ctx, o, args.words[0]) }
	}
	return c
}

func (a *App) edit(ctx context.Context, o *editOptions, name string) error {
	v, err := a.survey(ctx)
	if err != nil {
		return err
	}
	old := find(v.definitions(), name)
	if old == nil {
		_, err := v.chooseDefinitions([]string{name}, false)
		if err == nil {
			err = tend.Errorf(tend.CodeUsage, "edit takes the name of one service, not a pattern or a tag")
		}
		return err
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "# Save and leave to change %s. The keys are explained by: tend help add\n", printable(name, false))
	if err := manifest.Write(&text, []tend.Service{*old}); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tend-edit-") // 0700
	if err != nil {
		return fmt.Errorf("making a file to edit: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "tend.toml")
	if err := os.WriteFile(path, text.Bytes(), 0o600); err != nil {
		return fmt.Errorf("making a file to edit: %w", err)
	}
	for {
		if err := a.runEditor(path); err != nil {
			return err
		}
		p, err := a.planEdit(ctx, v, *old, path)
		if err == nil {
			if len(p.steps) == 0 {
				fmt.Fprintf(a.Stdout, "%s is unchanged\n", printable(name, false))
				return nil
			}
			return a.carryOutSet(ctx, p, o.now, false)
		}
		if !a.terminal().in {
			return err
		}
		a.fail(err)
		if answer := strings.ToLower(a.ask("Edit it again? [Y/n]")); answer != "" && answer != "y" && answer != "yes" {
			return tend.Errorf(tend.CodeUsage, "%s was not changed", name)
		}
	}
}

// planEdit reads what the editor has left behind.
func (a *App) planEdit(ctx context.Context, v *survey, old tend.Service, path string) (*plan, error) {
	caller, err := a.caller()
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, tend.Errorf(tend.CodeUsage, "the editor has left no file behind: %w", cause(err))
	}
	file, err := manifest.Read("tend.toml", text, manifest.Origin{Caller: caller, Existing: byName(v.definitions())})
	if err != nil {
		return nil, err
	}
	for _, s := range file.Services {
		if s.Name != old.Name {
			file.Refuse(s.Name, "", "there is to be %s and nothing else; another name gives it: tend rename", old.Name)
		}
	}
	if err := file.Err(); err != nil {
		return nil, err
	}
	if len(file.Services) == 0 {
		return nil, tend.Errorf(tend.CodeUsage, "%s is not in the file any more", old.Name).WithHint("tend remove %s", typed(old.Name))
	}
	statuses, err := a.statuses(ctx, tend.Query{Brief: true})
	if err != nil {
		return nil, err
	}
	p := newPlan(file.Services, v.definitions(), statuses, false)
	if err := p.check(file); err != nil {
		return nil, err
	}
	a.warnMootOf(p)
	return p, nil
}

// runEditor has the user change the file. Ctrl-C is the editor's affair meanwhile.
func (a *App) runEditor(path string) error {
	editor := a.getenv("VISUAL")
	if editor == "" {
		editor = a.getenv("EDITOR")
	}
	if editor == "" {
		editor = "vi"
	}
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	ends := []*os.File{os.Stdin, os.Stdout, os.Stderr}
	for i, end := range []any{a.Stdin, a.Stdout, a.Stderr} {
		if file, ok := end.(*os.File); ok {
			ends[i] = file
		}
	}
	// It may have words of its own, which a shell splits, as everywhere.
	child, err := os.StartProcess("/bin/sh", []string{"sh", "-c", editor + ` "$1"`, "sh", path}, &os.ProcAttr{Env: a.Environ, Files: ends})
	if err != nil {
		return fmt.Errorf("starting the editor: %w", err)
	}
	state, err := child.Wait()
	if err != nil {
		return fmt.Errorf("waiting for the editor: %w", err)
	}
	if !state.Success() {
		return tend.Errorf(tend.CodeFailed, "the editor failed (%s), and nothing was changed", state).WithHint("which editor it is says $VISUAL or $EDITOR: %s", editor)
	}
	return nil
}
