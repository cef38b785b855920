package main

import (
	"fmt"
	"time"
)

// checkKept checks that what a run has had kept is there after a restart, unless both keepers were dead in between.
func (c *campaign) checkKept(s *service, before, now *steady) {
	old, err := readRecord(recordPath(c.servicesDir, s.name, before.run))
	if err != nil {
		c.report.violate("%s: %v", s.name, err)
		return
	}
	fresh, err := readRecord(recordPath(c.servicesDir, s.name, now.run))
	if err != nil {
		c.report.violate("%s: %v", s.name, err)
		return
	}
	c.mu.Lock()
	dead := overlap(c.history.dead, old.begun.Add(-leeway), time.Now())
	c.mu.Unlock()
	if wrong := lost(old, fresh, now.run, dead); wrong != "" {
		c.report.violate("%s, run %s after %s: %s", s.name, now.run, before.run, wrong)
	}
}

// lost says what is wrong with what a run has been handed, if something is.
func lost(old, fresh *record, run string, dead bool) string {
	own := fresh.kept == run || fresh.kept == "" // it was handed nothing
	switch {
	case own && old.kept != "" && old.keptAt.Before(fresh.begun) && !dead:
		return fmt.Sprintf("the descriptor of the run %s is not there any more", old.kept)
	case !own && fresh.kept != old.kept && old.kept != "":
		return fmt.Sprintf("it has the descriptor of the run %s, and the one before it had that of %s", fresh.kept, old.kept)
	}
	return ""
}

// checkNothingKept checks that nothing is left of before a stop.
func (c *campaign) checkNothingKept(s *service, now *steady) {
	r, err := readRecord(recordPath(c.servicesDir, s.name, now.run))
	if err != nil {
		c.report.violate("%s: %v", s.name, err)
	} else if r.kept != "" && r.kept != now.run {
		c.report.violate("%s was stopped, and its next run %s was handed the descriptor of %s", s.name, now.run, r.kept)
	}
}

// unheard says when a run could tell nobody how it is, although a keeper lived.
func unheard(r *record, h history) (wrong []string) {
	if r == nil {
		return nil
	}
	for _, u := range r.alone {
		if !overlap(h.dead, u.at.Add(-2*time.Second), u.at) { // it looks only now and then
			wrong = append(wrong, fmt.Sprintf("nobody has heard it at %s, or what it had said was lost: %s", clock(u.at), u.why))
		}
	}
	return wrong
}
