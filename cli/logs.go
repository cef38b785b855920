package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"sync"

	"github.com/spf13/pflag"

	"tend"
	"tend/logs"
)

type logsOptions struct {
	common
	lines  string
	follow bool
}

func newLogs() command {
	c := command{
		name: "logs", args: "[NAME…]", max: -1, complete: services,
		short: "show what services wrote",
		long:  `Shows the last lines of each service's output, of all services if none is named. With more than one, each line begins with the service's name. A service whose output goes to a file (-o) has its log there.`,
		examples: []example{
			{"tend logs web", "the last 15 lines"},
			{"tend logs -n all web", "everything"},
			{"tend logs -f web db", "these two, as they write; Ctrl-C ends it"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &logsOptions{}
		f.StringVarP(&o.lines, "lines", "n", "15", "how many `lines`, or all")
		f.BoolVarP(&o.follow, "follow", "f", false, "go on as more is written")
		f.BoolVar(&o.all, "all", false, "every service, which is the default")
		return func(ctx context.Context, args arguments) error {
			if o.all && len(args.words) > 0 {
				return o.targets(&c, args)
			}
			return a.logs(ctx, &c, o, args)
		}
	}
	return c
}

func (a *App) logs(ctx context.Context, c *command, o *logsOptions, args arguments) error {
	n, err := strconv.Atoi(o.lines)
	if o.lines == "all" {
		n, err = -1, nil
	} else if err != nil || n < 0 {
		return misused(c, "--lines: %q is not a number of lines (0 or more, or all)", o.lines)
	}
	v, err := a.survey(ctx)
	if err != nil {
		return err
	}
	chosen, err := v.choose(args.words, len(args.words) == 0)
	if err != nil {
		return err
	}
	if len(chosen) == 0 {
		a.notice("there is no service yet")
		return nil
	}
	sources := a.sources(v, chosen)
	if len(sources) == 0 {
		return tend.Errorf(tend.CodeFailed, "%s: the output is dropped", chosen[0].Name).WithHint("its definition says --stdout /dev/null")
	}
	return a.copyLogs(ctx, sources, n, o.follow)
}

// source is the log of one service and where it is shown.
type source struct {
	name, path string
	to         io.Writer
}

// sources returns the logs of the services whose output is not dropped. One alone is shown as it is, several with
// their names before each line.
func (a *App) sources(v *survey, chosen []tend.Service) []source {
	var found []source
	widest := 0
	for _, s := range chosen {
		if path := s.Output(logs.Path(v.database, s.Name)); path != "" {
			found = append(found, source{name: s.Name, path: path, to: a.Stdout})
			widest = max(widest, width(printable(s.Name, false)))
		}
	}
	if len(chosen) == 1 {
		return found
	}
	p := palette{a.terminal().colour}
	var lock sync.Mutex // of standard output: one line at a time
	for i := range found {
		prefix := p.nth(i, pad(printable(found[i].name, false), widest, false, false)+" | ")
		found[i].to = &prefixer{to: a.Stdout, lock: &lock, prefix: prefix}
	}
	return found
}

// copyLogs shows the last n lines of each log and, if they are to be followed, all that comes. Nothing here catches
// Ctrl-C or a closed pipe: they end the program as they end every reader of logs.
func (a *App) copyLogs(ctx context.Context, sources []source, n int, follow bool) error {
	ends := make([]int64, len(sources))
	for i, s := range sources {
		next, err := logs.Copy(s.to, s.path, n)
		if errors.Is(err, fs.ErrNotExist) {
			if len(sources) == 1 && !follow {
				a.notice("%s has not written anything yet", s.name)
			}
		} else if err != nil {
			return err
		}
		if flusher, ok := s.to.(*prefixer); ok && !follow {
			flusher.flush()
		}
		ends[i] = next
	}
	if !follow {
		return nil
	}
	var group sync.WaitGroup
	failed := make([]error, len(sources))
	for i, s := range sources {
		group.Go(func() { failed[i] = logs.Follow(ctx, s.to, s.path, ends[i]) })
	}
	group.Wait()
	if err := errors.Join(failed...); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("following: %w", err)
	}
	return nil
}
