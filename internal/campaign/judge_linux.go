package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"tend"
	"tend/logs"
)

// readBack is how many runs of a service are read. More than that cannot end between two checks.
const readBack = 190

// overdue is how long after its record a run may be without an end in the database while somebody supervises. It is long,
// for supervisors are killed all the time.
const overdue = 8 * time.Second

// checkService judges the runs of one service that have ended since the last check, and its log. Of what is read each
// comes before what must hold of it: records and counts, the log, the database.
func (c *campaign) checkService(s *service, records map[string]string, end bool) {
	counts := map[string][writers]int{}
	for run := range records {
		counts[run], _ = readCounts(countPath(c.servicesDir, s.name, run))
	}
	wrong, err := s.lines.follow(logs.Path(c.database, s.name))
	if err != nil {
		wrong = append(wrong, err.Error())
	}
	c.report.count(&c.report.Lines, s.lines.checked)
	s.lines.checked = 0
	rows, err := c.store.Runs(context.Background(), s.name, readBack)
	if err != nil {
		c.report.violate("%v", err)
		return
	}
	known := map[string]bool{}
	live := 0
	for _, row := range rows {
		known[row.ID] = true
		ended := !row.EndedAt.IsZero()
		if !ended {
			live++
		}
		if s.judged[row.ID] {
			continue
		}
		if ended && s.stopping == row.ID {
			continue // its main process has ended, others of its tree have not, and may write
		}
		wrong = append(wrong, c.checkRun(s, row, end)...)
		if _, began := records[row.ID]; began {
			wrong = append(wrong, s.lines.missing(row.ID, counts[row.ID], ended)...)
		}
		if ended {
			c.closeRun(s, row.ID)
		}
	}
	if live > 1 {
		wrong = append(wrong, fmt.Sprintf("%d runs live at a time", live))
	}
	for run := range records {
		if !known[run] {
			wrong = append(wrong, fmt.Sprintf("the run %s is not in the database", run))
		}
	}
	for run := range s.lines.seen {
		if !known[run] || s.judged[run] {
			wrong = append(wrong, fmt.Sprintf("the run %s is over, or is not in the database, and writes", run))
			s.lines.forget(run)
		}
	}
	for _, w := range wrong {
		c.report.violate("%s: %s", s.name, w)
	}
}

// checkRun judges one run.
func (c *campaign) checkRun(s *service, row tend.Run, end bool) (wrong []string) {
	r, err := readRecord(recordPath(c.servicesDir, s.name, row.ID))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return []string{err.Error()}
	}
	if r != nil && r.IsZero() {
		r = nil // it was killed before its first word
	}
	name := "the run " + row.ID
	if row.EndedAt.IsZero() {
		switch {
		case end, s.gone: // of what is gone there is no other check
			wrong = append(wrong, name+" has not ended")
		case r != nil && r.end != nil && time.Since(r.endedAt) > overdue && !s.late[row.ID]:
			s.late[row.ID] = true
			wrong = append(wrong, fmt.Sprintf("%s has no end in the database, and its record says %s, %s ago", name, r.says(), time.Since(r.endedAt).Round(time.Millisecond)))
		}
		return wrong
	}
	c.mu.Lock()
	h := c.history
	h.stops = s.stops
	c.mu.Unlock()
	what, unknowable := judge(s.kind, row, r, h)
	if what != "" {
		wrong = append(wrong, fmt.Sprintf("%s (%s, from %s to %s): %s", name, row.Cause, clock(row.StartedAt), clock(row.EndedAt), what))
	}
	if unknowable {
		c.report.count(&c.report.Unknowable, 1)
	}
	c.report.count(&c.report.Runs, 1)
	return wrong
}

func clock(t time.Time) string { return t.Local().Format("15:04:05.000") }

// closeRun forgets a run that has been judged, but for its id.
func (c *campaign) closeRun(s *service, run string) {
	s.judged[run] = true
	s.lines.forget(run)
	_ = os.Remove(recordPath(c.servicesDir, s.name, run))
	_ = os.Remove(countPath(c.servicesDir, s.name, run))
}

// forgetOld forgets removed services, whose runs have been judged.
func (c *campaign) forgetOld() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var kept []*service
	for _, s := range c.services {
		if !s.gone {
			kept = append(kept, s)
		}
	}
	c.services = kept
}
