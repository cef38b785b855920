package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"tend"
)

// definition collects the options of a definition, in the order in which they were given.
type definition struct {
	given []givenOption
}

type givenOption struct {
	option *tend.Option
	value  string
}

// optionFlag makes a row of tend.Options a flag.
type optionFlag struct {
	option *tend.Option
	into   *definition
}

func (f *optionFlag) Set(value string) error {
	f.into.given = append(f.into.given, givenOption{f.option, value})
	return nil
}
func (f *optionFlag) String() string { return "" }
func (f *optionFlag) Type() string   { return f.option.Arg }

// bind defines a flag for every option of a definition.
func (d *definition) bind(f *pflag.FlagSet) {
	for i := range tend.Options {
		o := &tend.Options[i]
		flag := f.VarPF(&optionFlag{o, d}, o.Flag, o.Short, o.Help)
		if o.Arg == "" {
			flag.NoOptDefVal = "true"
		}
	}
}

// apply sets what was given.
func (d *definition) apply(s *tend.Service, caller tend.Caller) error {
	for _, g := range d.given {
		if err := g.option.Set(s, g.value, caller); err != nil {
			return tend.Errorf(tend.CodeUsage, "--%s: %w", g.option.Flag, err)
		}
	}
	return nil
}

// value returns what was last given for the key, "" if nothing was.
func (d *definition) value(key string) (value string) {
	for _, g := range d.given {
		if g.option.Key == key {
			value = g.value
		}
	}
	return value
}

// service makes the definition that the arguments describe, and checks everything about it that can be checked before
// it runs. A new name must be a good one; names that exist, from the 2008 script for instance, go on working.
func (a *App) service(c *command, d *definition, args arguments, exists bool) (tend.Service, error) {
	caller, err := a.caller()
	if err != nil {
		return tend.Service{}, err
	}
	s := caller.NewService(args.words[0], "")
	if err := tend.CheckName(s.Name); err != nil && !exists {
		return s, err
	}
	if err := d.apply(&s, caller); err != nil {
		return s, err
	}
	if s.CommandLine, err = commandLine(c, args, s.Shell); err != nil {
		return s, err
	}
	words, err := checkCommand(s)
	if err != nil {
		return s, err
	}
	if all := checkHere(s); len(all) > 0 {
		return s, flagged(all[0])
	}
	a.warnMoot(s, nil)
	a.doubt(c, d, args, s, words)
	return s, nil
}

// checkCommand returns the words of the command line that a service runs, or what is wrong with it.
func checkCommand(s tend.Service) ([]string, error) {
	if s.Shell {
		return checkShellLine(s.CommandLine)
	}
	return checkCommandLine(s.CommandLine)
}

// opened reports whether the check asks only whether a socket is open that is opened for the service.
func opened(s tend.Service, check tend.Check) bool {
	sockets, _ := s.Sockets()
	return check.Kind == tend.CheckTCP && slices.ContainsFunc(sockets, func(l tend.Listen) bool {
		return l.Network == "tcp" && strings.HasSuffix(":"+check.Target, fmt.Sprintf(":%d", l.Port))
	})
}

// doubt warns of what is allowed but probably not meant.
func (a *App) doubt(c *command, d *definition, args arguments, s tend.Service, words []string) {
	if name, value, found := strings.Cut(d.value("stderr"), "="); found && variable([]rune("$"+name)) == "$"+name {
		a.warn("", "-e is --stderr, a file; to set the variable: --env %s=%s", name, value)
	}
	if s.Stdout == "/dev/null" && (s.Stderr == "" || s.Stderr == "/dev/null") {
		for _, key := range []string{"log_max", "log_keep", "log_age", "log_format", "log_to"} {
			if value := d.value(key); value != "" {
				a.warn("leave -o /dev/null out", "what it writes is dropped, so there is no log for --%s %s", strings.ReplaceAll(key, "_", "-"), value)
				break
			}
		}
	}
	for _, check := range []struct {
		key string
		tend.Check
	}{{"ready", s.Ready}, {"health", s.Health}} {
		if opened(s, check.Check) {
			a.warn("http wants an answer; see docs/sockets.md", "--%s %s is met as soon as the socket of --listen is open, whether the service is there or not", check.key, check)
			break
		}
	}
	quoted := args.dash < 0 // the command was one string, where operators of a shell look as if one read them
	switch {
	case quoted && !s.Shell && a.suspect(s.CommandLine, words):
	case c.starts && !strings.ContainsAny(words[0], " \t"): // if the program is not there, the start will say so
	default:
		a.lookFor(words[0], s)
	}
}
