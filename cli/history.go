package cli

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"tend"
	"tend/api"
)

type historyOptions struct {
	sharedOptions
	lines string
	wide  bool
}

func newHistory() command {
	c := command{
		name: "history", args: "NAME…", max: -1, complete: services,
		short: "show every run of a service: when, how it ended, and why it was started",
		long: `One row a run, the newest first; an end without a date was on the day of the start. Of a run that ended while none of tend's own processes was there to see it, only is known between which times that was. A service that has been removed still has a history; some 200 runs of each service are kept.

Into a pipe go tab-separated columns: SERVICE, RUN, STARTED, READY, ENDED_AFTER, ENDED, SECONDS, EXIT, HOW, CAUSE, PID, NOTE. If ENDED_AFTER is not empty, the run ended at an unknown moment between that and ENDED. With --json: version and runs, each with id, service, cause, started_at, ready_at, ended_after, ended_at, exit, ran_seconds, pid, host, log_offset, how and why (in words), note, and away, the absence in which it ended.`,
		examples: []example{
			{"tend history web", "the last 20 runs"},
			{"tend history -n all web db", "all that are kept, of two services"},
			{"tend history --json web", "for programs"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &historyOptions{}
		f.StringVarP(&o.lines, "lines", "n", "20", "how many runs of each service, or all")
		f.BoolVar(&o.wide, "wide", false, "cut nothing off at the edge of the terminal")
		return o.forServices(&c, f, func(ctx context.Context, args arguments) error {
			return a.history(ctx, &c, o, args)
		})
	}
	return c
}

// pastRun is a run as history shows it.
type pastRun struct {
	tend.Run
	PID  int           `json:"pid,omitempty"`
	Host string        `json:"host,omitempty"`
	Took float64       `json:"ran_seconds"` // at least so long, where ended_after is there
	How  string        `json:"how"`         // it ended, in words
	Why  string        `json:"why"`         // it was started, in words
	Note string        `json:"note,omitempty"`
	Away *tend.Absence `json:"away,omitempty"` // it ended while nobody supervised
}

func (a *App) history(ctx context.Context, c *command, o *historyOptions, args arguments) error {
	n, err := lines(c, o.lines, 1)
	if err != nil {
		return err
	}
	p, err := a.remember(ctx)
	if err != nil {
		return err
	}
	names, gone, err := p.names(ctx, args.words, o.all)
	if err != nil {
		return err
	}
	now := a.Now()
	told := []pastRun{}
	for _, name := range names {
		runs, err := p.db.Runs(ctx, name, n)
		if err != nil {
			return err
		}
		for _, run := range runs {
			past := p.tell(run, now)
			past.Service = p.label(name)
			told = append(told, past)
		}
	}
	a.sayGone(names, gone)
	if o.json {
		return a.writeJSON(struct {
			Version int       `json:"version"`
			Runs    []pastRun `json:"runs"`
		}{api.Version, told})
	}
	t := a.terminal()
	if !t.out {
		_, err = io.WriteString(a.Stdout, historyTSV(told))
		return err
	}
	if len(told) == 0 {
		a.notice("there has been no run yet")
		return nil
	}
	if o.wide {
		t.width = 0
	}
	_, err = io.WriteString(a.Stdout, historyGrid(told, len(names) > 1, now).render(t))
	return err
}

// tell says what there is to say of a run.
func (p *past) tell(run tend.Run, now time.Time) pastRun {
	t := pastRun{Run: run, PID: run.PID, Host: run.Host, Why: causeWords(run.Cause)}
	switch {
	case run.EndedAt.IsZero():
		t.Took = max(0, now.Sub(run.StartedAt).Seconds())
		t.How = p.living(run)
		return t
	case run.EndedAfter.IsZero():
		t.Took = run.EndedAt.Sub(run.StartedAt).Seconds()
	default:
		t.Took = run.EndedAfter.Sub(run.StartedAt).Seconds()
		t.Note = "it ended between " + tend.Moment(run.EndedAfter, now) + " and " + tend.Moment(run.EndedAt, now)
	}
	t.Took = max(0, t.Took)
	if run.Exit != nil {
		t.How = run.Exit.Account()
	}
	if away, found := tend.AwayAt(p.absences, run.EndedAfter, run.EndedAt); found {
		t.Away = &away
		if t.Note != "" {
			t.Note += "; "
		}
		t.Note += "supervision was " + away.When(now)
	}
	return t
}

// living says how a run is that has no end yet, as far as that is known.
func (p *past) living(run tend.Run) string {
	st, known := p.states[run.Service]
	switch {
	case !known || st.Run != run.ID || !st.Phase.Live():
		return "nobody knows what became of it"
	case p.elsewhere(run.Service) != "":
		return string(st.Phase) + " on " + p.elsewhere(run.Service)
	case p.unsupervised != nil:
		return "was " + string(st.Phase) + " when last seen"
	}
	return string(st.Phase)
}

func causeWords(cause tend.Cause) string {
	switch cause {
	case tend.CauseStart:
		return "a command"
	case tend.CauseRestart:
		return "a restart by command"
	case tend.CauseFailure:
		return "the run before failed"
	case tend.CauseEnd:
		return "the run before ended"
	case tend.CauseResume:
		return "it is wanted"
	case tend.CauseSchedule:
		return "its time had come"
	case tend.CauseOnce:
		return "a command, for one run"
	case tend.CauseTakeover:
		return "taken over from the script"
	}
	return string(cause)
}

// starter is causeWords in as few of them as a column has room for.
func starter(cause tend.Cause) string {
	switch cause {
	case tend.CauseStart:
		return "a command"
	case tend.CauseRestart:
		return "a restart"
	case tend.CauseFailure:
		return "a failure"
	case tend.CauseEnd:
		return "an end"
	case tend.CauseResume:
		return "supervision"
	case tend.CauseSchedule:
		return "its schedule"
	case tend.CauseOnce:
		return "run --once"
	case tend.CauseTakeover:
		return "the script"
	}
	return string(cause)
}

func historyTSV(runs []pastRun) string {
	var g grid
	g.add("SERVICE", "RUN", "STARTED", "READY", "ENDED_AFTER", "ENDED", "SECONDS", "EXIT", "HOW", "CAUSE", "PID", "NOTE")
	for _, r := range runs {
		g.add(r.Service, r.ID, exactly(r.StartedAt), exactly(r.ReadyAt), exactly(r.EndedAfter), exactly(r.EndedAt),
			strconv.FormatFloat(r.Took, 'f', 3, 64), exit(r.Exit), r.How, string(r.Cause), number(r.PID), r.Note)
	}
	return g.tsv()
}

func historyGrid(runs []pastRun, several bool, now time.Time) *grid {
	g := &grid{right: []bool{2: true, 5: true}}
	row := func(service string, cells ...string) {
		if several {
			cells = append([]string{service}, cells...)
		}
		g.add(cells...)
	}
	if several {
		g.right = append([]bool{false}, g.right...)
	}
	row("SERVICE", "STARTED", "ENDED", "RAN FOR", "HOW", "STARTED BY", "PID")
	for _, r := range runs {
		took := tend.Brief(time.Duration(r.Took * float64(time.Second)))
		ended := at(r.EndedAt, r.StartedAt.In(now.Location())) // without the date, if that is the same
		if !r.EndedAfter.IsZero() {
			took, ended = "≥ "+took, "?"
		}
		row(r.Service, at(r.StartedAt, now), ended, took, r.How, starter(r.Cause), number(r.PID))
		g.note(r.Note)
	}
	return g
}
