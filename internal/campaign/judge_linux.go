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
	wrong, err := c.followLines(s, counts)
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
		if ended && s.kind.timed && !s.moved(row.ID, end) {
			continue // what they wrote last may be on its way
		}
		wrong = append(wrong, c.checkRun(s, row, end)...)
		if path, began := records[row.ID]; began && !(s.kind.timed && ended && c.mayLose(s, row, path)) {
			wrong = append(wrong, s.lines.missing(row.ID, counts[row.ID], ended)...)
		}
		if ended {
			c.closeRun(s, row.ID)
		}
	}
	if s.kind.job {
		wrong = append(wrong, s.checkTimes(rows)...)
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

// followLines takes in what was written to the log. What goes there through a pipe may need a moment.
func (c *campaign) followLines(s *service, counts map[string][writers]int) (wrong []string, err error) {
	const moment = 2 * time.Second
	for end := time.Now().Add(moment); ; time.Sleep(time.Millisecond) {
		more, err := s.lines.follow(logs.Path(c.database, s.name))
		wrong = append(wrong, more...)
		if err != nil || !s.kind.timed || time.Now().After(end) {
			return wrong, err
		}
		waits := false
		for run, count := range counts {
			waits = waits || len(s.lines.missing(run, count, false)) > 0
		}
		if !waits {
			return wrong, nil
		}
	}
}

// moved reports whether a run that writes through a pipe ended so long ago that all of it is in the log.
func (s *service) moved(run string, end bool) bool {
	const moment = time.Second
	if s.overAt[run].IsZero() {
		s.overAt[run] = time.Now()
	}
	return end || time.Since(s.overAt[run]) > moment
}

// mayLose reports whether what a run wrote last into its pipe may be lost: it and all of tend's processes were dead at the same
// time.
func (c *campaign) mayLose(s *service, row tend.Run, record string) bool {
	r, err := readRecord(record)
	if err != nil || r.IsZero() {
		return true
	}
	ended := r.endedAt
	if r.end == nil {
		ended = row.EndedAt
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.history
	h.noStatus = false
	return h.unknowable(r.begun, ended)
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
		case end, s.gone, s.absent: // of what is gone there is no other check
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
	wrong = append(wrong, unheard(r, h)...)
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
	delete(s.overAt, run)
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
