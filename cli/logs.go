package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/spf13/pflag"

	"tend"
	"tend/logs"
)

type logsOptions struct {
	sharedOptions
	lines  string
	follow bool
}

func newLogs() command {
	c := command{
		name: "logs", args: "[NAME…]", max: -1, complete: services,
		short: "show what services wrote",
		long:  `Shows the last lines of each service's output, of all services if none is named. With more than one, each line begins with the service's name. A service whose output goes to a file (-o) has its log there; if its error output has a file of its own (-e), you see both.`,
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
	n, err := lines(c, o.lines, 0)
	if err != nil {
		return err
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
		a.writeHint(firstStep)
		return nil
	}
	sources := a.sources(v, chosen)
	if len(sources) == 0 {
		return tend.Errorf(tend.CodeFailed, "%s: the output is dropped", chosen[0].Name).WithHint("its definition says --stdout /dev/null")
	}
	return a.copyLogs(ctx, sources, n, o.follow)
}

// source is one file that a service writes to, and where it is shown.
type source struct {
	name, path string
	to         io.Writer
}

// sources returns the files that the services write to. One alone is shown as it is, several with the service's name
// before each line.
func (a *App) sources(v *survey, chosen []tend.Service) []source {
	var found []source
	widest := 0
	for _, s := range chosen {
		files := outputs(s, logs.Path(v.database, s.Name))
		for _, file := range files {
			label := s.Name
			if file.stream == "stderr" && len(files) > 1 {
				label += " stderr"
			}
			found = append(found, source{name: label, path: file.path, to: a.Stdout})
			widest = max(widest, width(printable(label, false)))
		}
	}
	if len(chosen) == 1 && len(found) == 1 {
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

// output is a file that a stream of a service goes to.
type output struct{ stream, path string }

// outputs are the files that a service writes to, given its own log: none if all of it is dropped, two if its error
// output has a file of its own.
func outputs(s tend.Service, log string) []output {
	var files []output
	if path := s.Output(log); path != "" {
		files = append(files, output{"stdout", path})
	}
	if s.Stderr != "" && s.Stderr != "/dev/null" && s.Stderr != s.Output(log) {
		files = append(files, output{"stderr", s.Stderr})
	}
	return files
}

// copyLogs shows the last n lines of each file and, if they are to be followed, all that comes. Of several files one that
// cannot be read does not keep the others from being shown. Nothing here catches Ctrl-C or a closed pipe: they end the
// program as they end every reader of logs.
func (a *App) copyLogs(ctx context.Context, sources []source, n int, follow bool) error {
	var unread error
	ends := map[source]position{}
	for _, s := range sources {
		stream := logs.NewStream(s.path)
		defer stream.Close()
		next, err := copyLast(s.to, stream, n)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			if len(sources) == 1 {
				return err
			}
			a.writeFailure(s.name + ": " + tend.AsError(err).Message)
			unread = silent(tend.CodeOf(err))
			continue
		}
		if next == 0 && len(sources) == 1 && !follow {
			a.notice("%s has not written anything yet", s.name)
		}
		if flusher, ok := s.to.(*prefixer); ok && !follow {
			flusher.flush()
		}
		ends[s] = position{stream, next}
	}
	if follow {
		if err := followLogs(ctx, ends); err != nil {
			return err
		}
	}
	return unread
}

// position is how far a log was shown.
type position struct {
	stream *logs.Stream
	offset int64
}

// copyLast shows the last n lines, all if n is negative, and returns the offset after them.
func copyLast(to io.Writer, stream *logs.Stream, n int) (int64, error) {
	end, err := stream.End()
	if err != nil {
		return 0, err
	}
	start, err := stream.LastLines(stream.Start(), end, n)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(to, io.NewSectionReader(stream, start, end-start))
	return end, err
}

// followLogs shows all that comes after those offsets.
func followLogs(ctx context.Context, ends map[source]position) error {
	var group sync.WaitGroup
	failed := make(chan error, len(ends))
	for s, end := range ends {
		group.Go(func() {
			failed <- following(end.stream.Follow(ctx, end.offset, func(_ int64, text []byte) error {
				_, err := s.to.Write(text)
				return err
			}))
		})
	}
	group.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}

func following(err error) error {
	if err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("following: %w", err)
	}
	return nil
}
