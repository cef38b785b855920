package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tend"
)

// runOnce has a service run once, as somebody would who waits for its end, and compares what he is told with what the run says
// itself.
func (c *campaign) runOnce(s *service) {
	r := c.ending(s, "run", "--once", s.name)
	rows, err := c.store.Runs(context.Background(), s.name, 1)
	if err != nil || len(rows) != 1 || rows[0].StartedAt.Before(r.begun.Add(-time.Second)) {
		c.report.violate("%s has not run (%v): %s", s.name, err, r)
		return
	}
	row := rows[0]
	rec, err := readRecord(recordPath(c.servicesDir, s.name, row.ID))
	if err != nil {
		c.report.violate("%s: %v: %s", s.name, err, r)
		return
	}
	wrong := cutOff(r, row)
	if wrong == "" && row.Exit != nil && !row.Exit.Unknown {
		wrong = waited(r, rec)
		counts, _ := readCounts(countPath(c.servicesDir, s.name, row.ID))
		if got := strings.Count(r.stdout, row.ID+" 0 "); wrong == "" && got != counts[0] && !c.mayLose(s, row, recordPath(c.servicesDir, s.name, row.ID)) {
			wrong = fmt.Sprintf("it has written %d lines, and %d were shown", counts[0], got)
		}
	}
	if wrong != "" {
		c.report.violate("%s, run %s: %s: %s", s.name, row.ID, wrong, r)
	}
}

// cutOff says what is wrong with an answer where nobody knows how the run has ended. Whether nobody can know is judged
// with all other runs.
func cutOff(r result, row tend.Run) string {
	switch {
	case row.EndedAt.IsZero() || row.Exit == nil:
		return "it has not ended"
	case row.Exit.Unknown && (r.status != 1 || !strings.Contains(r.stderr, "nobody can say how")):
		return "it ended, nobody can say how, and that was not told"
	}
	return ""
}

// waited says what is wrong with an answer where the run says itself how it has ended.
func waited(r result, rec *record) string {
	if rec.end == nil {
		return "it has not said how it ends"
	}
	want := rec.end.Code
	if rec.end.Signal != "" {
		want = 128 + int(unix.SignalNum("SIG"+rec.end.Signal))
	}
	if r.status != want {
		return fmt.Sprintf("its record says %s, so the status should be %d", rec.says(), want)
	}
	return ""
}
