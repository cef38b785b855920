package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tend"
)

// A graphLine is one service in the drawing: what leads to it, its name, and what is to be said of it.
type graphLine struct {
	lead, name, note string
	words            string
	phase            tend.Phase
}

// draw draws what nobody depends on, each above what it depends on itself.
func (g *graphView) draw(t terminal) string {
	var lines []graphLine
	var alone []string
	drawn := map[string]bool{}
	for _, name := range slices.Backward(g.nodes) {
		switch {
		case g.order.Alone(name):
			alone = append(alone, name)
		case !slices.ContainsFunc(g.order.NeededBy(name), func(d tend.Dependency) bool { return slices.Contains(g.nodes, d.Service) }):
			lines = g.branch(lines, drawn, name, "", "", "")
		}
	}
	slices.Sort(alone)
	for _, name := range alone {
		lines = g.branch(lines, drawn, name, "", "", "")
	}
	p := palette{t.colour}
	wide := 0
	for _, l := range lines {
		wide = max(wide, width(l.lead+l.name+l.note))
	}
	if t.width > 0 {
		wide = min(wide, max(t.width-20, 20)) // a deep tree leaves the states some room
	}
	var b strings.Builder
	for _, l := range lines {
		left := p.faint(l.lead) + l.name + p.faint(l.note)
		gap := strings.Repeat(" ", max(0, wide-width(l.lead+l.name+l.note)))
		words := ""
		if l.words != "" {
			words = gap + "  " + p.phase(l.phase, l.words)
		}
		b.WriteString(fit(left+words, t.width) + "\n")
	}
	for _, d := range g.ignored() {
		b.WriteString(fit(fmt.Sprintf("%s has %s = %s, which closes a loop and does not count", printable(d.Service, false), d.Bond, printable(d.On, false)), t.width) + "\n")
	}
	return b.String()
}

// branch adds a service and, where that was not done further up, what it depends on.
func (g *graphView) branch(lines []graphLine, drawn map[string]bool, name, lead, below, note string) []graphLine {
	line := graphLine{lead: lead, name: printable(name, false), note: note}
	line.words, line.phase = g.words(name)
	needs := g.needs(name)
	if drawn[name] && len(needs) > 0 {
		line.note += " …"
	}
	lines = append(lines, line)
	if drawn[name] {
		return lines
	}
	drawn[name] = true
	for i, d := range needs {
		note := ""
		switch d.Bond {
		case tend.BondWants:
			note = " (wanted)"
		case tend.BondAfter:
			note = " (after)"
		}
		lead, further := "├─ ", "│  "
		if i == len(needs)-1 {
			lead, further = "└─ ", "   "
		}
		lines = g.branch(lines, drawn, d.On, below+lead, below+further, note)
	}
	return lines
}

// dot writes the graph in Graphviz's language: https://graphviz.org/doc/info/lang.html.
func (g *graphView) dot() string {
	colours := map[tend.Phase]string{
		tend.PhaseRunning: "palegreen", tend.PhaseFailed: "lightcoral", tend.PhaseStarting: "khaki", tend.PhaseStopping: "khaki",
		tend.PhaseWaiting: "khaki", tend.PhaseBackoff: "khaki",
	}
	styles := map[tend.Bond]string{tend.BondRequires: "solid", tend.BondWants: "dashed", tend.BondAfter: "dotted"}
	var b strings.Builder
	b.WriteString("digraph tend {\n  rankdir=LR;\n  node [shape=box, style=filled, fillcolor=white];\n")
	for _, name := range g.nodes {
		words, phase := g.words(name)
		colour := ""
		if c := colours[phase]; c != "" {
			colour = ", fillcolor=" + c
		}
		fmt.Fprintf(&b, "  %s [label=%s%s];\n", dotQuote(name), dotQuote(printable(name, false)+"\n"+words), colour)
	}
	for _, d := range g.arrows() {
		fmt.Fprintf(&b, "  %s -> %s [style=%s];\n", dotQuote(d.Service), dotQuote(d.On), styles[d.Bond])
	}
	for _, d := range g.ignored() {
		fmt.Fprintf(&b, "  %s -> %s [style=%s, color=red, constraint=false];\n", dotQuote(d.Service), dotQuote(d.On), styles[d.Bond])
	}
	b.WriteString("}\n")
	return b.String()
}

// dotQuote writes a quoted string of that language, where only the quote itself is escaped, and \n and the like mean something
// in labels.
func dotQuote(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, strconv.QuoteRuneToASCII('\ufffd')), `\`, `\\`)
	return `"` + strings.ReplaceAll(strings.ReplaceAll(text, `"`, `\"`), "\n", `\n`) + `"`
}
