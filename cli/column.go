package cli

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"tend"
)

// column is one column of a list: what it holds for programs, and where that differs, for people.
type column struct {
	name  string
	raw   func(s tend.Status, now time.Time) string
	human func(s tend.Status, now time.Time) string // nil: raw
	right bool                                      // numbers stand right
}

// columns are all that a list can show. Their names and raw values are a contract with scripts.
func columns() []column {
	return []column{
		{name: "name", raw: func(s tend.Status, _ time.Time) string { return s.Name }},
		{name: "state", raw: func(s tend.Status, _ time.Time) string { return string(s.State) }, human: stateWords},
		{name: "pid", raw: func(s tend.Status, _ time.Time) string { return number(s.PID) }, right: true},
		{name: "uptime", raw: func(s tend.Status, _ time.Time) string { return strconv.Itoa(int(s.Uptime)) }, human: uptime, right: true},
		{name: "restarts", raw: func(s tend.Status, _ time.Time) string { return strconv.Itoa(s.Restarts) }, right: true},
		{name: "failures", raw: func(s tend.Status, _ time.Time) string { return strconv.Itoa(s.Failures) }, right: true},
		{name: "wanted", raw: func(s tend.Status, _ time.Time) string { return strconv.FormatBool(s.Wanted) }},
		{name: "since", raw: func(s tend.Status, _ time.Time) string { return stamp(s.Since) },
			human: func(s tend.Status, now time.Time) string { return at(s.Since, now) }},
		{name: "next", raw: func(s tend.Status, _ time.Time) string { return stamp(nextOf(s)) }, human: nextTry},
		{name: "exit", raw: func(s tend.Status, _ time.Time) string { return exit(s.LastExit) }},
		{name: "directory", raw: func(s tend.Status, _ time.Time) string { return s.Definition.WorkingDirectory }},
		{name: "log", raw: func(s tend.Status, _ time.Time) string { return s.Log }},
		{name: "tags", raw: func(s tend.Status, _ time.Time) string { return strings.Join(s.Definition.Tags, ",") }},
		{name: "description", raw: func(s tend.Status, _ time.Time) string { return s.Definition.Description }},
		{name: "command", raw: func(s tend.Status, _ time.Time) string { return s.Definition.CommandLine }},
	}
}

var defaultColumns = []string{"name", "state", "pid", "uptime", "restarts", "command"}

func columnNames() []string {
	var names []string
	for _, c := range columns() {
		names = append(names, c.name)
	}
	return names
}

// chooseColumns returns the columns of those names, the usual ones if there are none.
func chooseColumns(names []string) ([]column, error) {
	if len(names) == 0 {
		names = defaultColumns
	}
	all := columns()
	var chosen []column
	for _, name := range names {
		name = strings.ToLower(strings.TrimSpace(name))
		i := slices.IndexFunc(all, func(c column) bool { return c.name == name })
		if i < 0 {
			err := tend.Errorf(tend.CodeUsage, "there is no column %q", name)
			if near := tend.Nearest(name, columnNames()); near != "" {
				return nil, err.WithHint("did you mean %s?", near)
			}
			return nil, err.WithHint("there are %s", strings.Join(columnNames(), ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func at(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return tend.Moment(t, now)
}

func uptime(s tend.Status, _ time.Time) string {
	if s.StartedAt.IsZero() {
		return ""
	}
	return tend.Span(time.Duration(s.Uptime * float64(time.Second)))
}

func nextTry(s tend.Status, now time.Time) string {
	t := nextOf(s)
	if t.IsZero() {
		return ""
	}
	return tend.Soon(t.Sub(now))
}

// nextOf is when it is started again by itself.
func nextOf(s tend.Status) time.Time {
	if s.NextTry.IsZero() {
		return s.NextRun
	}
	return s.NextTry
}

// exit writes how a run ended in one word: the exit status, or the signal.
func exit(e *tend.Exit) string {
	switch {
	case e == nil:
		return ""
	case e.Error != "":
		return "error"
	case e.Lost != "":
		return e.Lost
	case e.Unknown:
		return "unknown"
	case e.Signal != "":
		return signalled(e.Signal)
	}
	return strconv.Itoa(e.Code)
}
