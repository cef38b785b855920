package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"tend"
	"tend/api"
	"tend/logs"
	"tend/store"
)

type eventsOptions struct {
	sharedOptions
	lines  string
	since  string
	follow bool
}

func newEvents() command {
	c := command{
		name: "events", args: "[NAME…]", max: -1, complete: services,
		short: "show what happened",
		long: `One row an event, the oldest first: of all services and of tend itself if none is named, else of those services, and of tend itself what concerns them. The time is when it happened, the order is that in which it was learned of: what ended while nobody supervised comes after the row that says so.

Into a pipe go tab-separated columns: ID, AT, SERVICE (tend itself: empty), KIND, RUN, TEXT. With --json: version and events, each with id, at, service, run, kind, text, and, of tend itself, supervision: the supervisor that began and, as away, the absence before it. With -f, each event is a document of its own, on one line.`,
		examples: []example{
			{"tend events", "the last 50"},
			{"tend events -f", "and whatever happens from now on; Ctrl-C ends it"},
			{"tend events --since 2h web", "of one service, in the last two hours"},
		},
	}
	c.bind = func(a *App, f *pflag.FlagSet) action {
		o := &eventsOptions{}
		f.StringVarP(&o.lines, "lines", "n", "50", "how many events, or all; all with --since")
		f.StringVar(&o.since, "since", "", "only what happened since then: "+sinceWords)
		f.BoolVarP(&o.follow, "follow", "f", false, "go on as more happens")
		f.BoolVar(&o.all, "all", false, "every service, which is the default")
		o.flagJSON(f)
		return func(ctx context.Context, args arguments) error {
			if o.all && len(args.words) > 0 {
				return o.targets(&c, args)
			}
			if o.since != "" && !f.Changed("lines") {
				o.lines = "all"
			}
			return a.events(ctx, &c, o, args)
		}
	}
	return c
}

// happenings is the events command at work.
type happenings struct {
	*App
	*past
	options *eventsOptions
	names   []string     // the services that are meant; none: all, and tend itself
	widest  int          // of the column of names
	last    int64        // id of the last entry that was read
	own     []tend.Entry // the last one of tend itself, if it has concerned none of the services so far
}

func (a *App) events(ctx context.Context, c *command, o *eventsOptions, args arguments) error {
	n, err := lines(c, o.lines, 0)
	if err != nil {
		return err
	}
	since, err := parseTime(c, "--since", o.since, a.Now())
	if err != nil {
		return err
	}
	p, err := a.remember(ctx)
	if err != nil {
		return err
	}
	h := &happenings{App: a, past: p, options: o, widest: len("SERVICE")}
	var gone map[string]bool
	if len(args.words) > 0 {
		if h.names, gone, err = p.names(ctx, args.words, false); err != nil {
			return err
		}
	}
	a.sayGone(h.names, gone)
	if p.db == nil {
		return h.none()
	}
	var changes <-chan struct{}
	if o.follow { // before the first look, so that nothing comes between
		if changes, err = logs.Changes(ctx, p.database); err != nil {
			return err
		}
	}
	entries, err := h.lastOnes(ctx, n, since)
	if err != nil {
		return err
	}
	if err := h.begin(entries); err != nil || !o.follow {
		return err
	}
	return h.follow(ctx, changes)
}

// none is the answer where nothing ever happened.
func (h *happenings) none() error {
	if err := h.begin(nil); err != nil {
		return err
	}
	if !h.options.json {
		h.notice("nothing has happened yet")
	}
	return nil
}

// lastOnes returns the last n entries that are meant, all for -1. What follows comes after the last one that there is, whether
// it is among them or not.
func (h *happenings) lastOnes(ctx context.Context, n int, since time.Time) ([]tend.Entry, error) {
	latest, err := h.db.History(ctx, store.HistoryQuery{Last: 1})
	if err != nil || len(latest) == 0 {
		return nil, err
	}
	h.last = latest[0].ID
	q := store.HistoryQuery{Since: since}
	if n > 0 && len(h.names) == 0 { // of some services, those of tend itself are chosen among all
		q.Last = n
	}
	entries, err := h.read(ctx, q)
	if n >= 0 && len(entries) > n {
		entries = entries[len(entries)-n:]
	}
	return entries, err
}

// read returns the entries that are meant.
func (h *happenings) read(ctx context.Context, q store.HistoryQuery) ([]tend.Entry, error) {
	if len(h.names) > 0 {
		q.Services = append([]string{""}, h.names...)
	}
	entries, err := h.db.History(ctx, q)
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	h.last = entries[len(entries)-1].ID
	if len(h.names) == 0 {
		return entries, nil
	}
	entries, h.own = concerned(append(h.own, entries...))
	return entries, nil
}

// concerned leaves out the entries of tend itself but for those that tell of an absence in which one of the others happened.
// An end that nobody saw was in the last absence before it. The last one that is left out may yet concern what comes.
func concerned(entries []tend.Entry) (kept, last []tend.Entry) {
	for i, e := range entries {
		if e.Service == "" {
			last = entries[i : i+1]
			if e.Supervision == nil || e.Supervision.Away == nil || !concerns(*e.Supervision.Away, entries[i+1:]) {
				continue
			}
			last = nil
		}
		kept = append(kept, e)
	}
	return kept, last
}

func concerns(away tend.Absence, later []tend.Entry) bool {
	last := true // absence of those that the entries come after
	for _, e := range later {
		switch {
		case away.Cause.OnPurpose():
			return false
		case e.Service == "":
			last = false
		case away.Contains(e.At), e.Unseen() && last:
			return true
		}
	}
	return false
}

func (h *happenings) begin(entries []tend.Entry) error {
	if h.options.json && !h.options.follow {
		if entries == nil {
			entries = []tend.Entry{}
		}
		for i := range entries {
			entries[i].Service = h.label(entries[i].Service)
		}
		return h.writeJSON(struct {
			Version int          `json:"version"`
			Events  []tend.Entry `json:"events"`
		}{api.Version, entries})
	}
	if !h.options.json && !h.terminal().out {
		if _, err := io.WriteString(h.Stdout, tsvLine([]string{"ID", "AT", "SERVICE", "KIND", "RUN", "TEXT"})); err != nil {
			return err
		}
	}
	for _, s := range h.services {
		h.widest = max(h.widest, width(printable(s.Label(), false)))
	}
	return h.write(entries)
}

// write shows entries, each as a line.
func (h *happenings) write(entries []tend.Entry) error {
	t := h.terminal()
	p := palette{t.colour}
	now := h.Now()
	var b strings.Builder
	for _, e := range entries {
		e.Service = h.label(e.Service)
		switch {
		case h.options.json:
			line, err := json.Marshal(e)
			if err != nil {
				return fmt.Errorf("writing an event: %w", err)
			}
			b.Write(append(line, '\n'))
		case t.out:
			name := printable(e.Service, false)
			if e.Service == "" {
				name = "tend"
			}
			name = pad(name, max(h.widest, width(name)), false, false)
			head := tend.Moment(e.At, now) + "  " + name + "  "
			for i, line := range wrap(printable(h.text(e, now), false), t.inner(width(head))) {
				if i == 0 {
					line = p.faint(tend.Moment(e.At, now)) + "  " + p.bold(name) + "  " + line
				} else {
					line = strings.Repeat(" ", width(head)) + line
				}
				b.WriteString(line + "\n")
			}
		default:
			b.WriteString(tsvLine([]string{fmt.Sprint(e.ID), exactly(e.At), e.Service, string(e.Kind), e.Run, e.Text}))
		}
	}
	_, err := io.WriteString(h.Stdout, b.String())
	return err
}

// text is what an entry says to people: of an absence also from when to when it was.
func (h *happenings) text(e tend.Entry, now time.Time) string {
	if e.Supervision == nil || e.Supervision.Away == nil {
		return e.Text
	}
	away := *e.Supervision.Away
	if away.Cause.OnPurpose() {
		return "supervision begins again; the supervisor before " + away.Why() + " at " + tend.Moment(away.From, now)
	}
	return "supervision was " + away.When(now)
}

// settling is how long after the last write to the database it is looked at once more. A commit counts from the moment at
// which it is entered into the index of the write-ahead log, which is memory: the kernel tells of the write before that, and
// of that never. Nor does it tell when a lock is given back that has kept us from reading.
const settling = 200 * time.Millisecond

// follow shows what is added to the history, until ctx ends.
func (h *happenings) follow(ctx context.Context, changes <-chan struct{}) error {
	var settled <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changes:
			settled = time.After(settling)
		case <-settled:
			settled = nil
		}
		if err := h.db.InPlace(); errors.Is(err, store.ErrReplaced) {
			return fmt.Errorf("following: %w", err)
		}
		entries, err := h.read(ctx, store.HistoryQuery{After: h.last})
		if ctx.Err() != nil { // Ctrl-C
			return nil
		}
		if tend.CodeOf(err) == tend.CodeBusy {
			settled = time.After(settling)
			continue
		}
		if err != nil {
			return err
		}
		if err := h.write(entries); err != nil {
			return err
		}
	}
}
