package cli

import (
	"strings"
	"time"

	"tend"
)

// renderTable lays the list out for people: aligned, coloured, and no row wider than the terminal.
func renderTable(chosen []column, statuses []tend.Status, t terminal, now time.Time) string {
	rows := [][]string{make([]string, len(chosen))}
	for i, c := range chosen {
		rows[0][i] = strings.ToUpper(c.name)
	}
	for _, s := range statuses {
		row := make([]string, len(chosen))
		for i, c := range chosen {
			value := c.raw
			if c.human != nil {
				value = c.human
			}
			if row[i] = printable(value(s, now), false); row[i] == "" {
				row[i] = "-"
			}
		}
		rows = append(rows, row)
	}
	widths := make([]int, len(chosen))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	p := palette{t.colour}
	var b strings.Builder
	for r, row := range rows {
		line := make([]string, len(row))
		for i, cell := range row {
			cell = pad(cell, widths[i], chosen[i].right, i == len(row)-1)
			switch {
			case r == 0:
				cell = p.bold(cell)
			case chosen[i].name == "state":
				cell = p.phase(statuses[r-1].State, cell)
			case strings.TrimSpace(cell) == "-":
				cell = p.faint(cell)
			}
			line[i] = cell
		}
		b.WriteString(fit(strings.Join(line, "  "), t.width))
		b.WriteByte('\n')
	}
	return b.String()
}

func pad(cell string, to int, right, last bool) string {
	blanks := strings.Repeat(" ", to-width(cell))
	switch {
	case right:
		return blanks + cell
	case last:
		return cell
	}
	return cell + blanks
}

// renderTSV lays the list out for programs.
func renderTSV(chosen []column, statuses []tend.Status, now time.Time) string {
	var g grid
	heading := make([]string, len(chosen))
	for i, c := range chosen {
		heading[i] = strings.ToUpper(c.name)
	}
	g.add(heading...)
	for _, s := range statuses {
		row := make([]string, len(chosen))
		for i, c := range chosen {
			row[i] = c.raw(s, now)
		}
		g.add(row...)
	}
	return g.tsv()
}
