package cli

import (
	"context"
	"fmt"
	"strconv"
	"syscall"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"tend"
)

type signalOptions struct {
	sharedOptions
	tree bool
}

func newSignal() command {
	c := command{
		name: "signal", args: "SIGNAL NAME…", min: 1, max: -1, complete: live, first: tend.Signals(),
		short: "send a signal to services",
		long: `SIGNAL is its name, USR1, SIGUSR1 or usr1, or its number here, and may also come last. It goes to the main process, or with --tree to every process of the service. tend does not take it for a stop: what ends by it has ended by itself, and is started again as its restart policy says. Of the services that a pattern, a tag or --all means, those that do not run are left out.

A process is told from another that has come by its PID meanwhile; that one is never sent anything.`,
		examples: []example{{"tend signal USR1 web", ""}, {"tend signal 10 web", "the same by its number, on Linux"}, {"tend signal --tree STOP web", "all its processes"}},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &signalOptions{}
		f.BoolVar(&o.tree, "tree", false, "to all of its processes")
		o.flagAll(f)
		o.flagJSON(f)
		return func(ctx context.Context, args arguments) error {
			name, err := o.takeSignal(&args)
			if err != nil {
				return err
			}
			if err := o.targets(&c, args); err != nil {
				return err
			}
			return a.control(ctx, tend.Request{Command: tend.CommandSignal, Words: args.words, All: o.all, Signal: name, Tree: o.tree}, o.json)
		}
	}
	return c
}

// takeSignal takes the signal out of the words: the first of them, or the last if only that is one.
func (o *signalOptions) takeSignal(args *arguments) (string, error) {
	last := len(args.words) - 1
	name, err := parseSignal(args.words[0])
	if err == nil {
		args.words = args.words[1:]
		return name, nil
	}
	if name, e := parseSignal(args.words[last]); e == nil {
		args.words = args.words[:last]
		return name, nil
	}
	return "", tend.Errorf(tend.CodeUsage, "%w", err)
}

// parseSignal reads the name of a signal, or its number here.
func parseSignal(word string) (string, error) {
	number, err := strconv.Atoi(word)
	if err != nil {
		return tend.ParseSignal(word)
	}
	if name, err := tend.ParseSignal(unix.SignalName(syscall.Signal(number))); err == nil {
		return name, nil
	}
	return "", fmt.Errorf("%s is not the number of a signal that tend sends (for example %d for TERM, %d for HUP)", word, unix.SIGTERM, unix.SIGHUP)
}
