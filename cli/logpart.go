package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"tend"
)

// logQuestion says which lines are asked for.
type logQuestion struct {
	lines        int // the last so many of each source; −1: all
	since, until time.Time
	run          string // the number of a run, 1 being the last, or its id
	follow       bool
	wanted       *filter
}

// part returns the part of the source's log that is asked for. stream is that log.
func (q *logQuestion) part(ctx context.Context, s *shelf, source *logSource, stream logStream, now time.Time) (p part, lost int64, err error) {
	p.from = stream.Start()
	if p.to, err = stream.End(); err != nil {
		return p, 0, err
	}
	p.limit, p.begun = p.to, p.from > 0 // archives do not end where lines do
	if q.run == "" && q.since.IsZero() && q.until.IsZero() {
		return p, 0, nil
	}
	first, end := p.from, p.to
	spans, err := s.spans(ctx, source, 0, end)
	if err != nil {
		return p, 0, err
	}
	if q.run != "" {
		run, err := chooseRun(source.service, spans, q.run)
		if err != nil {
			return p, 0, err
		}
		if q.follow && run.run.ID != spans[0].run.ID {
			return p, 0, tend.Errorf(tend.CodeUsage, "-f goes on from the last run of %s, and %s is not that", source.label, q.run).WithHint("leave -f out")
		}
		if run.gone || run.from < run.to && run.to <= first {
			return p, 0, tend.Errorf(tend.CodeFailed, "what the run %s wrote is not there any more", run.run.ID).About(source.service)
		}
		lost = max(0, first-run.from)
		p.from, p.to, p.limit = max(first, run.from), max(first, run.to), max(first, run.to)
		p.begun = lost > 0
	}
	if !q.since.IsZero() {
		t, err := s.around(source, spans, q.since, end, now)
		if err != nil {
			return p, 0, err
		}
		from, err := lineStart(stream, t.from(q.since), p.from, p.to)
		if err != nil {
			return p, 0, err
		}
		p.begun = p.begun && from == p.from
		p.from = from
	}
	if !q.until.IsZero() {
		t, err := s.around(source, spans, q.until, end, now)
		if err != nil {
			return p, 0, err
		}
		p.to = max(p.from, min(p.to, t.to(q.until, end)))
	}
	return p, lost, nil
}

// tail moves the beginning of the part to where the last lines that are asked for begin. With brief, lines that are longer
// than is shown in one piece count as several.
func (q *logQuestion) tail(stream logStream, p part, brief bool) (part, error) {
	if q.lines < 0 {
		return p, nil
	}
	least := p.from
	if brief && q.wanted == nil && q.lines < 1<<20 {
		p.from = max(least, p.to-int64(q.lines+1)*maxLine)
	}
	from, err := lastWanted(stream, p, q.wanted, q.lines)
	p.begun = from == p.from && (p.begun || from > least)
	p.from = from
	return p, err
}

// missingRun is the error for a run that there is not: another service may have it.
type missingRun struct{ error }

func (e *missingRun) Unwrap() error { return e.error }

// longestCount is how many digits a number of runs has at most: the id of a run may begin with a digit, too.
const longestCount = 4

// chooseRun finds a run among those of a service, the newest first.
func chooseRun(service string, spans []span, word string) (span, error) {
	n, err := strconv.Atoi(word)
	counted := err == nil && n > 0 && len(word) <= longestCount
	switch {
	case counted && n <= len(spans):
		return spans[n-1], nil
	case len(spans) == 0:
		return span{}, &missingRun{tend.Errorf(tend.CodeFailed, "%s has not had a run yet", service).About(service)}
	}
	var found []span
	for _, s := range spans {
		if s.run.ID == word {
			return s, nil
		}
		if !counted && strings.HasPrefix(s.run.ID, word) {
			found = append(found, s)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	hint := "tend history " + typed(service)
	switch {
	case len(found) > 1:
		return span{}, tend.Errorf(tend.CodeUsage, "--run: %q is the beginning of %d runs of %s", word, len(found), service).WithHint("write more of it")
	case counted && len(spans) == 1:
		return span{}, &missingRun{tend.Errorf(tend.CodeFailed, "--run: there is only one run of %s that tend remembers", service).WithHint("%s", hint)}
	case counted:
		return span{}, &missingRun{tend.Errorf(tend.CodeFailed, "--run: there are only %d runs of %s that tend remembers", len(spans), service).WithHint("%s", hint)}
	}
	return span{}, &missingRun{tend.Errorf(tend.CodeFailed, "--run: %s has had no run %q that tend remembers", service, word).WithHint("%s", hint)}
}
