package cli

import (
	"context"
	"time"

	"github.com/spf13/pflag"

	"tend"
)

type logsOptions struct {
	sharedOptions
	lines        string
	follow       bool
	since, until string
	grep         string
	ignoreCase   bool
	run          string
	times        bool
	raw          bool
}

func newLogs() command {
	c := command{
		name: "logs", args: "[NAME…]", max: -1, complete: services,
		short: "show what services wrote",
		long: `Shows the last lines of each service's output, of all services if none is named. Those of several are merged by the time at which they were written, and each begins with the service's name. A service whose output goes to a file (-o) has its log there; if its error output has a file of its own (-e), you see both. Archives are read like the rest. The log of a service that was removed can be shown by its name as long as it is there, and all logs can be without a supervisor, or a database.

With --since, --until, --grep or --run, all lines are shown that fit; with -n, the last so many of them. On a terminal, a line that is longer than 64 KiB counts as several.

When a line was written is known to the millisecond where the service has --log-format time. Else it was between two looks at the log, which are about two seconds apart while it grows, and the later one counts; without a supervisor nobody looks.

A terminal gets colours and nothing else that would act on it: other control characters, and bytes that are not UTF-8, are shown as \x1b. Into a pipe the bytes go as they are.

With --json, each line is an object on a line of its own: version; service; stream (stdout, stderr, or output where both go to one file); run, its id where that is known; offset, of its first byte among all that was ever written to that log, which no rotation changes; time, and time_exact, whether it is known to a hundredth of a second; text; bytes, the line in base64, if it is not UTF-8 (in text, U+FFFD stands for what is not); partial: the line has no end, and goes on in the next object of that stream if there is one. A line of more than 64 KiB comes in such parts.`,
		examples: []example{
			{"tend logs web", "the last 15 lines"},
			{"tend logs -n all web", "everything"},
			{"tend logs -f", "of all services, as they write, also of those that are added later; Ctrl-C ends it"},
			{"tend logs --since 1h --grep 'error|warn' -i", "what matches, of the last hour"},
			{"tend logs --run 2 web", "what the run before this one wrote"},
			{"tend logs --json -f web | jq .text", "for programs"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &logsOptions{}
		f.StringVarP(&o.lines, "lines", "n", "15", "how many `lines` of each service, or all; all that fit with --since, --until, --grep or --run")
		f.BoolVarP(&o.follow, "follow", "f", false, "go on as more is written")
		f.StringVar(&o.since, "since", "", "only what was written since then: "+sinceWords)
		f.StringVar(&o.until, "until", "", "only what was written until then")
		f.StringVar(&o.grep, "grep", "", "only lines that match this regular expression (RE2)")
		f.BoolVarP(&o.ignoreCase, "ignore-case", "i", false, "with --grep: upper and lower case are the same")
		f.StringVar(&o.run, "run", "", "only what this `run` wrote: 1 is the last one, 2 the one before, or its id")
		f.BoolVarP(&o.times, "timestamps", "t", false, "begin each line with its time; always so where one of the services has --log-format time")
		f.BoolVar(&o.raw, "raw", false, "the bytes as they are, without names, times and colours")
		f.BoolVar(&o.all, "all", false, "every service, which is the default")
		o.flagJSON(f)
		return func(ctx context.Context, args arguments) error {
			if o.all && len(args.words) > 0 {
				return o.targets(&c, args)
			}
			if !f.Changed("lines") && (o.since != "" || o.until != "" || f.Changed("grep") || o.run != "") {
				o.lines = "all"
			}
			q, err := a.logQuestion(&c, o, f.Changed("grep"))
			if err != nil {
				return err
			}
			return a.logs(ctx, o, q, args.words)
		}
	}
	return c
}

// logQuestion reads the options.
func (a *App) logQuestion(c *command, o *logsOptions, grep bool) (*logQuestion, error) {
	q := &logQuestion{run: o.run, follow: o.follow}
	var err error
	if q.lines, err = lines(c, o.lines, 0); err != nil {
		return nil, err
	}
	now := a.Now()
	if q.since, err = parseTime(c, "--since", o.since, now); err != nil {
		return nil, err
	}
	if q.until, err = parseTime(c, "--until", o.until, now); err != nil {
		return nil, err
	}
	if grep {
		if q.wanted, err = newFilter(c, o.grep, o.ignoreCase); err != nil {
			return nil, err
		}
	}
	switch {
	case !q.since.IsZero() && !q.until.IsZero() && q.since.After(q.until):
		return nil, misused(c, "--since %s is later than --until %s", tend.Moment(q.since, now), tend.Moment(q.until, now))
	case o.follow && o.until != "":
		return nil, misused(c, "-f goes on for ever, and --until ends: leave one of them out")
	case o.raw && o.json:
		return nil, misused(c, "logs takes either --raw or --json, not both")
	case o.raw && o.times:
		return nil, misused(c, "logs takes either --raw or --timestamps, not both")
	case o.ignoreCase && !grep:
		return nil, misused(c, "--ignore-case goes with --grep")
	}
	return q, nil
}

// logView is the logs command at work.
type logView struct {
	*App
	*shelf
	options  *logsOptions
	question *logQuestion
	every    bool // no service is named: those that are added later are meant as well
	sources  []*logSource
	writer   *logWriter
	now      time.Time
	status   error // of the command, where something went wrong that did not keep the rest from being shown
}

func (a *App) logs(ctx context.Context, o *logsOptions, q *logQuestion, words []string) error {
	s, err := a.openShelf(ctx)
	if err != nil {
		return err
	}
	v := &logView{App: a, shelf: s, options: o, question: q, every: len(words) == 0, now: a.Now()}
	chosen, gone, err := s.choose(words)
	if err != nil {
		return v.unknown(err)
	}
	if s.unread != nil {
		a.warn("", "the database cannot be read, so only logs are found that are beside it: %s", tend.AsError(s.unread).Message)
	}
	for _, name := range gone {
		a.notice("%s has been removed; this is what is left of its log", name)
	}
	for _, service := range chosen {
		v.add(a.logSources(s.database, service)...)
	}
	switch {
	case len(chosen) == 0:
		a.notice("there is no service yet")
		a.writeHint(firstStep)
	case len(v.sources) == 0:
		return tend.Errorf(tend.CodeFailed, "%s: the output is dropped", chosen[0].Name).WithHint("its definition says --stdout /dev/null")
	}
	v.begin()
	if !o.follow {
		_, err = v.show(ctx)
		return v.end(err)
	}
	return v.end(v.follow(ctx))
}

// unknown is the error for a name that is not found: if the database cannot be read, that is why.
func (v *logView) unknown(err error) error {
	if v.unread != nil {
		return v.unread
	}
	return err
}

// add takes in more sources.
func (v *logView) add(sources ...*logSource) {
	for _, s := range sources {
		s.number = len(v.sources)
		v.sources = append(v.sources, s)
	}
	if v.writer != nil {
		v.writer.admit(sources)
	}
}

// begin settles how lines are shown.
func (v *logView) begin() {
	t := v.terminal()
	o := v.options
	form := logForm{
		named: !o.raw && !o.json && (len(v.sources) > 1 || v.every && o.follow),
		times: o.times, raw: o.raw, json: o.json, now: v.now,
		terminal: t.out && !o.raw && !o.json, colours: t.colour && !o.raw && !o.json,
	}
	v.writer = newLogWriter(v.Stdout, form, v.question.wanted)
	v.writer.admit(v.sources)
}

// end is the end of the command, of which err is the error if it has one.
func (v *logView) end(err error) error {
	if finished := v.writer.finish(); err == nil {
		err = finished
	}
	if err == nil {
		err = v.status
	}
	return err
}
