package cli

import (
	"github.com/charmbracelet/x/ansi"

	"tend"
)

// palette colours text, or leaves it alone where colours are not wanted.
type palette struct{ on bool }

func (p palette) paint(s ansi.Style, text string) string {
	if !p.on || text == "" {
		return text
	}
	return s.Styled(text)
}

func (p palette) bold(text string) string  { return p.paint(ansi.NewStyle().Bold(), text) }
func (p palette) faint(text string) string { return p.paint(ansi.NewStyle().Faint(), text) }

// phase colours text by the state that a service is in.
func (p palette) phase(phase tend.Phase, text string) string {
	switch phase {
	case tend.PhaseRunning:
		return p.colour(ansi.Green, text)
	case tend.PhaseStarting, tend.PhaseStopping, tend.PhaseWaiting, tend.PhaseBackoff:
		return p.colour(ansi.Yellow, text)
	case tend.PhaseFailed:
		return p.colour(ansi.Red, text)
	}
	return p.faint(text)
}

func (p palette) colour(c ansi.BasicColor, text string) string {
	return p.paint(ansi.NewStyle().ForegroundColor(c), text)
}

// nth returns one of a few colours that can be told apart, the same for the same n.
func (p palette) nth(n int, text string) string {
	colours := [...]ansi.BasicColor{ansi.Cyan, ansi.Magenta, ansi.Green, ansi.Yellow, ansi.Blue, ansi.Red}
	return p.colour(colours[n%len(colours)], text)
}
