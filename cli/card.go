package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tend"
)

// card is everything about one service, in two columns.
type card struct {
	rows [][2]string // a row with an empty label goes on from the one above
}

func (c *card) add(label string, values ...string) {
	for i, v := range values {
		if i > 0 {
			label = ""
		}
		c.rows = append(c.rows, [2]string{label, v})
	}
}

// renderCard lays out the card of a service. lines are the last ones it wrote, if it is in trouble.
func renderCard(s tend.Status, lines []string, t terminal, now time.Time) string {
	var c card
	c.addState(s, now)
	c.addDefinition(s)
	p := palette{t.colour}
	labels := 0
	for _, row := range c.rows {
		labels = max(labels, width(row[0]))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", p.bold(printable(s.Name, false)))
	for _, row := range c.rows {
		value := printable(row[1], false)
		if row[0] == "state" {
			value = p.phase(s.State, value)
		}
		for i, line := range fill(value, t.inner(labels+4)) {
			if i > 0 {
				row[0] = ""
			}
			b.WriteString("  " + p.faint(pad(row[0], labels, false, false)) + "  " + line + "\n")
		}
	}
	if len(lines) > 0 {
		b.WriteString("  " + p.faint("its last lines") + "\n")
		for _, line := range lines {
			b.WriteString(fit("    "+p.faint("| ")+printable(line, false), t.width) + "\n")
		}
		fmt.Fprintf(&b, "  more: tend logs %s\n", typed(s.Name))
	}
	return b.String()
}

func (c *card) addState(s tend.Status, now time.Time) {
	state := string(s.State)
	if s.Elsewhere != "" {
		state += " on " + s.Elsewhere
	}
	if !s.Since.IsZero() {
		state += fmt.Sprintf(" for %s (since %s)", tend.Span(now.Sub(s.Since)), tend.Moment(s.Since, now))
	}
	c.add("state", state)
	switch {
	case s.Departing:
		c.add("says", "it is about to end")
	case s.Reloading:
		c.add("says", "it reads its configuration again")
	}
	if s.Says != "" {
		c.add("says", s.Says)
	}
	if s.Reason != "" && (s.LastExit == nil || s.Reason != s.LastExit.String() && s.Reason != s.LastExit.Fault) {
		c.add("reason", s.Reason)
	}
	if !s.NextTry.IsZero() {
		c.add("next try", tend.Soon(s.NextTry.Sub(now)))
	}
	if !s.NextRun.IsZero() {
		c.add("next run", nextTime(s.NextRun, now))
	}
	if !s.NextRestart.IsZero() {
		c.add("next restart", nextTime(s.NextRestart, now))
	}
	if !s.Expires.IsZero() {
		c.add("stops", nextTime(s.Expires, now))
	}
	if s.Wanted != (s.State.Live() || s.State.Pending()) {
		c.add("wanted", map[bool]string{true: "yes: it is started again after a reboot", false: "no"}[s.Wanted])
	}
	if s.PID != 0 {
		c.add("pid", number(s.PID))
	}
	if !s.StartedAt.IsZero() && s.State != tend.PhaseRunning {
		c.add("uptime", tend.Span(time.Duration(s.Uptime*float64(time.Second))))
	}
	if s.Restarts > 0 {
		c.add("restarts", number(s.Restarts))
	}
	if s.Failures > 0 {
		c.add("failures", number(s.Failures)+" in a row")
	}
	if s.LastExit != nil {
		last := "it " + s.LastExit.Account()
		if !s.LastEnd.IsZero() {
			last += ", " + tend.Span(now.Sub(s.LastEnd)) + " ago"
		}
		c.add("last exit", last)
	}
}

func (c *card) addDefinition(s tend.Status) {
	d := s.Definition
	if d.Description != "" {
		c.add("description", d.Description)
	}
	c.add("command", d.CommandLine)
	c.add("directory", d.WorkingDirectory)
	if s.Log == "" {
		c.add("output", "dropped")
	} else {
		c.add("output", s.Log)
	}
	if s.LogTrouble != "" {
		c.add("but", s.LogTrouble)
	}
	c.addChecks(s)
	c.add("but", s.Troubles...)
	usual := tend.Service{Settings: tend.Settings{Schedule: d.Schedule}}.WithDefaults()
	usual.Schedule = ""
	for _, o := range tend.Options {
		switch o.Key {
		case "working_directory", "stdout", "description", "environment":
			continue
		}
		values := o.Get(d)
		if slices.Equal(values, o.Get(usual)) || len(values) == 0 {
			continue
		}
		c.add(strings.ReplaceAll(o.Key, "_", " "), strings.Join(values, ", "))
	}
	for _, o := range tend.Options {
		if o.Key == "environment" {
			c.add("environment", o.Get(d)...)
		}
	}
}

// addChecks says what the checks of a service have got to hear, and on what it listens.
func (c *card) addChecks(s tend.Status) {
	if s.Unready != "" {
		c.add("not ready", s.Unready)
	}
	if s.Unhealthy != "" {
		c.add("unhealthy", s.Unhealthy)
	}
	if len(s.Listening) > 0 {
		c.add("listening", tend.Ports(s.Listening))
	}
}
