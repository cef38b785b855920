package cli

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tend/api"
)

// logObject is a line as programs get it.
type logObject struct {
	Version int        `json:"version"`
	Service string     `json:"service"`
	Stream  string     `json:"stream"`
	Run     string     `json:"run,omitempty"`
	Offset  int64      `json:"offset"`
	Time    *time.Time `json:"time,omitempty"`
	Exact   bool       `json:"time_exact"`
	Text    string     `json:"text"`
	Bytes   string     `json:"bytes,omitempty"`
	Partial bool       `json:"partial"`
}

// object shows a line, or a piece of one, as an object on a line of its own.
func (w *logWriter) object(s *logSource, line logLine, when placed, run string) error {
	o := logObject{
		Version: api.Version, Service: strings.TrimSuffix(s.label, " stderr"), Stream: s.kind, Run: run, Offset: line.offset, Exact: when.exact,
		Text: string(line.text), Partial: line.open,
	}
	if at := when.shown(); !at.IsZero() {
		at = at.UTC().Truncate(time.Millisecond)
		o.Time = &at
	}
	if !utf8.Valid(line.text) { // in text, U+FFFD stands for each byte that is no character
		o.Bytes = base64.StdEncoding.EncodeToString(line.text)
	}
	encoder := json.NewEncoder(w.out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(o); err != nil {
		return fmt.Errorf("writing a line: %w", err)
	}
	return nil
}
