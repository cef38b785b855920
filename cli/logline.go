package cli

import (
	"bufio"
	"bytes"
	"io"

	"time"

	"tend"
)

// logForm is how lines are shown.
type logForm struct {
	named    bool // each with the name of its source
	times    bool // each with its time
	raw      bool // bytes as they are
	json     bool
	terminal bool // to a person: nothing that acts on the terminal passes
	colours  bool
	now      time.Time // the day that is today
}

// plain reports whether lines are shown as they are, nothing before them and nothing changed.
func (f logForm) plain() bool { return !f.named && !f.times && !f.json && !f.terminal }

// logWriter shows lines of several sources, one at a time. It is not for concurrent use.
type logWriter struct {
	form    logForm
	wanted  *filter // what is marked in the lines
	out     *bufio.Writer
	widest  int  // of the labels
	timed   bool // there is a source that is shown with times, so all are: else they would not stand in columns
	screens map[*logSource]*screen
	open    *logSource // whose line stands unfinished at the end of what was written; nil: none does
	buffer  []byte
}

func newLogWriter(to io.Writer, form logForm, wanted *filter) *logWriter {
	return &logWriter{form: form, wanted: wanted, out: bufio.NewWriterSize(to, 64<<10), screens: map[*logSource]*screen{}}
}

// admit makes room for the labels of sources.
func (w *logWriter) admit(sources []*logSource) {
	for _, s := range sources {
		w.widest = max(w.widest, width(printable(s.label, false)))
		w.timed = w.timed || s.timed
	}
}

// write shows a line of a source, or a piece of one, and run is what wrote it, where that is known.
func (w *logWriter) write(s *logSource, line logLine, when placed, run string) error {
	if w.form.json {
		return w.object(s, line, when, run)
	}
	b := w.buffer[:0]
	goesOn := w.open == s && line.begun
	if w.open != nil && !goesOn {
		b = append(w.endOf(b, w.open), '\n')
	}
	if !goesOn {
		b = w.head(b, s, line.begun, when)
		if w.form.terminal {
			b = w.screen(s).begin(b)
		}
	}
	if w.form.terminal {
		text := line.text
		if !line.open {
			text = bytes.TrimSuffix(text, []byte("\r"))
		}
		b = w.screen(s).show(b, text, w.wanted.matches(text))
	} else {
		b = append(b, line.text...)
	}
	if w.open = s; !line.open {
		b = append(w.endOf(b, s), '\n')
		w.open = nil
	}
	w.buffer = b
	_, err := w.out.Write(b)
	return err
}

// head appends what stands before a line. Before one that goes on from a piece it says so.
func (w *logWriter) head(b []byte, s *logSource, begun bool, when placed) []byte {
	if w.form.raw {
		return b
	}
	p := palette{w.form.colours}
	if w.times() {
		b = append(b, p.faint(w.moment(when))...)
		b = append(b, ' ')
	}
	separator := " | "
	if begun {
		separator = " … "
	}
	switch {
	case w.form.named:
		return append(b, p.nth(s.number, pad(printable(s.label, false), w.widest, false, false)+separator)...)
	case begun && w.times():
		return append(b, separator[1:]...)
	}
	return b
}

// times reports whether lines are shown with their time.
func (w *logWriter) times() bool { return w.form.times || w.timed && !w.form.raw }

// moment is the time before a line: for people that of the clock, for programs to the millisecond in UTC.
func (w *logWriter) moment(when placed) string {
	at := when.shown()
	switch {
	case at.IsZero():
		return "-"
	case !w.form.terminal:
		return exactly(at)
	case when.exact:
		return tend.Moment(at, w.form.now) + at.Format(".000")
	case w.timed:
		return tend.Moment(at, w.form.now) + "    "
	}
	return tend.Moment(at, w.form.now)
}

func (w *logWriter) screen(s *logSource) *screen {
	if w.screens[s] == nil {
		w.screens[s] = &screen{colours: w.form.colours}
	}
	return w.screens[s]
}

func (w *logWriter) endOf(b []byte, s *logSource) []byte {
	if w.form.terminal {
		return w.screen(s).end(b)
	}
	return b
}

// finish ends a line that is still unfinished, unless lines are shown as they are.
func (w *logWriter) finish() error {
	if w.open != nil && !w.form.plain() && !(w.form.raw && !w.form.terminal) {
		w.out.Write(append(w.endOf(nil, w.open), '\n')) // an error comes back from Flush
	}
	w.open = nil
	return w.out.Flush()
}
