package cli

import (
	"strings"
	"time"

	"tend"
)

// renderTable lays the list out for people.
func renderTable(chosen []column, statuses []tend.Status, t terminal, now time.Time) string {
	g := tabulate(chosen, statuses, func(c column, s tend.Status) string {
		if c.human != nil {
			return c.human(s, now)
		}
		return c.raw(s, now)
	})
	p := palette{t.colour}
	for _, c := range chosen {
		g.right = append(g.right, c.right)
	}
	g.paint = func(row, i int, cell string) string {
		if chosen[i].name == "state" {
			return p.phase(statuses[row].State, cell)
		}
		return cell
	}
	return g.render(t)
}

// renderTSV lays the list out for programs.
func renderTSV(chosen []column, statuses []tend.Status, now time.Time) string {
	return tabulate(chosen, statuses, func(c column, s tend.Status) string { return c.raw(s, now) }).tsv()
}

// tabulate makes the grid of a list: a row a service, with the values of the columns.
func tabulate(chosen []column, statuses []tend.Status, value func(column, tend.Status) string) *grid {
	heading := make([]string, len(chosen))
	for i, c := range chosen {
		heading[i] = strings.ToUpper(c.name)
	}
	g := &grid{}
	g.add(heading...)
	for _, s := range statuses {
		row := make([]string, len(chosen))
		for i, c := range chosen {
			row[i] = value(c, s)
		}
		g.add(row...)
	}
	return g
}
