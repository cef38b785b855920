package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tend"
)

// record is what one run says of itself, in a file of its own, one line for each thing that happens.
type record struct {
	tend.Identity
	begun   time.Time
	told    int         // to end, by SIGTERM: how often
	end     *tend.Exit  // how it is about to end, written just before; nil: it was given no time to write that
	endedAt time.Time   // when it wrote that
	kept    string      // the descriptor that tend keeps for it, by the run that first had it; empty: none
	keptAt  time.Time   // since when tend has it for certain
	alone   []unheardAt // nobody was there to hear it
}

// unheardAt is a moment at which a run could tell nobody how it is, and why.
type unheardAt struct {
	at  time.Time
	why string
}

// A service's directory has these.
func recordPath(dir, service, run string) string {
	return filepath.Join(dir, "record", service+"."+run)
}
func lockPath(dir, service string) string       { return filepath.Join(dir, "lock", service) }
func countPath(dir, service, run string) string { return filepath.Join(dir, "count", service+"."+run) }
func violationsPath(dir string) string          { return filepath.Join(dir, "violations") }

// makeServiceDirectory makes what services write into.
func makeServiceDirectory(dir string) error {
	for _, part := range []string{"record", "lock", "count"} {
		if err := os.MkdirAll(filepath.Join(dir, part), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// appendLine writes a line in one write. A file that is opened for it each time needs no descriptor in between.
func appendLine(path, format string, args ...any) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintf(f, format+"\n", args...)
	return err
}

// readRecord reads the record in the file: os.ErrNotExist where there is none.
func readRecord(path string) (*record, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &record{}
	for line := range strings.Lines(string(text)) {
		var at, n int64
		var signal, token string
		switch {
		case scan(line, "begin %d %d %d", &r.PID, &r.Start, &at):
			r.begun = time.Unix(0, at)
		case scan(line, "told %d", &at):
			r.told++
		case scan(line, "kept %s %d", &token, &at):
			r.kept, r.keptAt = token, time.Unix(0, at)
		case scan(line, "alone %d %s", &at, &token):
			r.alone = append(r.alone, unheardAt{time.Unix(0, at), token})
		case scan(line, "exit %d %d", &n, &at):
			r.end, r.endedAt = &tend.Exit{Code: int(n)}, time.Unix(0, at)
		case scan(line, "signal %s %d", &signal, &at):
			r.end, r.endedAt = &tend.Exit{Signal: signal}, time.Unix(0, at)
		default:
			return nil, fmt.Errorf("%s: %q is no line of a record", path, line)
		}
	}
	return r, nil
}

func scan(line, format string, into ...any) bool {
	n, err := fmt.Sscanf(line, format+"\n", into...)
	return err == nil && n == len(into)
}
