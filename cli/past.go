package cli

import (
	"context"
	"strconv"
	"time"

	"tend"
	"tend/store"
)

// past is what the commands need that tell what happened: the services, and the times in which nobody supervised.
type past struct {
	*survey
	db           *store.Store // nil where there is no database
	absences     []tend.Absence
	told         map[string]tend.Status // by label, what the supervisor alone knows: what has survived a stop, what is wrong with the log
	unsupervised error                  // why no supervisor could be reached that something needs
}

// remember reads the past. Supervision is seen to first, as by every command: what has ended meanwhile is known only then.
// Where that fails, what the database says is told all the same.
func (a *App) remember(ctx context.Context) (*past, error) {
	p := &past{told: map[string]tend.Status{}}
	statuses, err := a.statuses(ctx, tend.Query{Brief: true})
	p.unsupervised = err
	for _, s := range statuses {
		p.told[s.Name] = s
	}
	if p.survey, err = a.survey(ctx); err != nil {
		return nil, err
	}
	if p.unsupervised != nil {
		a.warn("", "no supervisor can be reached, so this is as it was when last written down: %s", tend.AsError(p.unsupervised).Message)
	}
	p.db = a.opened
	if p.db != nil {
		p.absences, err = p.db.Absences(ctx)
	}
	return p, err
}

// names are the services that the words mean. A word may also be the name of one that is no more, if it has a past.
func (p *past) names(ctx context.Context, words []string, all bool) (names []string, gone map[string]bool, err error) {
	targets := tend.Targets(p.services)
	known := map[string]bool{}
	for _, s := range p.services {
		known[s.Name], known[s.Label()] = true, true
	}
	gone = map[string]bool{}
	for _, word := range words {
		if p.db == nil || known[word] || gone[word] {
			continue
		}
		if gone[word], err = p.db.Remembers(ctx, word); err != nil {
			return nil, nil, err
		}
	}
	for word, remembered := range gone {
		if remembered {
			targets = append(targets, tend.Target{Name: word})
		}
	}
	names, err = tend.Select(targets, words, all)
	return names, gone, err
}

// sayGone says which of the services are no more.
func (a *App) sayGone(names []string, gone map[string]bool) {
	for _, name := range names {
		if gone[name] {
			a.notice("%s has been removed; this is what is left of its past", name)
		}
	}
}

// lines is how many lines are wanted, -1 being all of them.
func lines(c *command, text string, least int) (int, error) {
	if text == "all" {
		return -1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		return 0, misused(c, "--lines: %q is not a number of lines (%d or more, or all)", text, least)
	}
	return n, nil
}

// exactly writes a time for programs, to the millisecond.
func exactly(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z07:00")
}
