package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tend"
)

// span is a time from which to which something was so.
type span struct{ from, to time.Time }

func (s span) overlaps(from, to time.Time) bool { return !s.from.After(to) && !s.to.Before(from) }

func overlap(spans []span, from, to time.Time) bool {
	return slices.ContainsFunc(spans, func(s span) bool { return s.overlaps(from, to) })
}

// history is what the campaign has done itself, by which a run's end is judged.
type history struct {
	stops    []span      // commands under way that end runs of the service
	orphaned []time.Time // processes may have lost every keeper then: nobody waits for them any more
	away     []span      // supervision was away
	dead     []span      // no keeper was there, or so it may have been
	noStatus bool        // the kernel does not tell how a process ended that somebody else has reaped
}

// leeway is how much later than a process its traces may come about: the end after its announcement, the note of a
// keeper after the end.
const leeway = 500 * time.Millisecond

// judge says what is wrong with a run that has ended. r is its own record, nil where it made none. It also tells
// whether the exit status is one that nobody could have known.
func judge(k kind, row tend.Run, r *record, h history) (wrong string, unknowable bool) {
	exit := row.Exit
	switch {
	case exit == nil || row.EndedAt.IsZero():
		return "it has not ended", false
	case exit.Lost != "":
		return fmt.Sprintf("it %s", exit), false
	}
	stopped := overlap(h.stops, row.EndedAt.Add(-leeway), row.EndedAt)
	if r == nil {
		switch {
		case exit.Error != "" && stopped && strings.Contains(exit.Error, "before it began"):
			return "", false
		case exit.Error != "":
			return fmt.Sprintf("it %s", exit), false
		case exit.Unknown && h.unknowable(row.StartedAt, row.EndedAt):
			return "", true
		case stopped && (exit.Signal == "TERM" || exit.Signal == "KILL" && k.killed):
			return "", false // before it could say anything
		}
		return fmt.Sprintf("it %s, and has made no record", exit), false
	}
	if r.Identity != row.Identity {
		return fmt.Sprintf("it was process %d (start %d), and the database says %d (start %d)", r.PID, r.Start, row.PID, row.Start), false
	}
	if k.long && !stopped {
		return fmt.Sprintf("it %s, and nobody wanted it to end", exit), false
	}
	ended := r.endedAt
	if r.end == nil {
		ended = row.EndedAt
	}
	if exit.Unknown {
		if h.unknowable(r.begun, ended) {
			return "", true
		}
		return fmt.Sprintf("the database does not know how it ended; its record says %s", r.says()), false
	}
	if want := r.expected(k, stopped); want == nil || *want != *exit {
		return fmt.Sprintf("the database says it %s, its record says %s", exit, r.says()), false
	}
	return "", false
}

// expected is how the run must have ended.
func (r *record) expected(k kind, stopped bool) *tend.Exit {
	if r.end == nil && k.killed && stopped {
		return &tend.Exit{Signal: "KILL"}
	}
	return r.end
}

func (r *record) says() string {
	if r.end == nil {
		return fmt.Sprintf("nothing (told to end %d times)", r.told)
	}
	return fmt.Sprintf("it %s at %s", r.end, clock(r.endedAt))
}

// unknowable reports whether nobody could tell how a process ended that lived from begun to ended: every keeper above
// it had been killed, so that init reaped it, and there was no supervisor either to ask the kernel.
func (h history) unknowable(begun, ended time.Time) bool {
	lost := slices.ContainsFunc(h.orphaned, func(t time.Time) bool { return !t.Before(begun.Add(-leeway)) && !t.After(ended.Add(leeway)) })
	return lost && (h.noStatus || overlap(h.away, ended.Add(-leeway), ended.Add(leeway)))
}
