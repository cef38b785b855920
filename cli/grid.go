package cli

import "strings"

// grid is a table of texts, the first row being its heading.
type grid struct {
	rows  [][]string
	right []bool                                    // which columns are numbers, and stand right
	paint func(row, column int, cell string) string // colours a cell below the heading; nil: there is nothing to colour
	notes map[int]string
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// note adds a text of any length, which people find below the last row.
func (g *grid) note(text string) {
	if g.notes == nil {
		g.notes = map[int]string{}
	}
	g.notes[len(g.rows)-1] = text
}

// render lays the grid out for people, no row wider than the terminal.
func (g *grid) render(t terminal) string {
	widths := make([]int, len(g.rows[0]))
	for _, row := range g.rows {
		for i, cell := range row {
			if row[i] = printable(cell, false); row[i] == "" {
				row[i] = "-"
			}
			widths[i] = max(widths[i], width(row[i]))
		}
	}
	p := palette{t.colour}
	var b strings.Builder
	for r, row := range g.rows {
		for i, cell := range row {
			last := i == len(row)-1
			right := i < len(g.right) && g.right[i]
			padded := pad(cell, widths[i], right, last)
			switch {
			case r == 0:
				padded = p.bold(padded)
			case cell == "-":
				padded = p.faint(padded)
			case g.paint != nil:
				padded = g.paint(r-1, i, padded)
			}
			row[i] = padded
		}
		b.WriteString(fit(strings.Join(row, "  "), t.width))
		b.WriteByte('\n')
		if text := printable(g.notes[r], false); text != "" {
			for _, line := range wrap(text, t.inner(2)) {
				b.WriteString("  " + p.faint(line) + "\n")
			}
		}
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

// tsv lays the grid out for programs.
func (g *grid) tsv() string {
	var b strings.Builder
	for _, row := range g.rows {
		b.WriteString(tsvLine(row))
	}
	return b.String()
}

// tsvLine is one line for programs: columns separated by tabs, and no other tab or line break.
func tsvLine(cells []string) string {
	escape := strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)
	escaped := make([]string, len(cells))
	for i, cell := range cells {
		escaped[i] = escape.Replace(cell)
	}
	return strings.Join(escaped, "\t") + "\n"
}
