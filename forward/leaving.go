package forward

import (
	"time"

	"tend"
	"tend/process"
)

// leaving is a command that has all it will get, and is to end: by itself, or by SIGTERM, or by SIGKILL.
type leaving struct {
	id    tend.Identity
	steps []step // still to come
	due   time.Time
	next  time.Time // when to look again
}

type step struct {
	signal string
	wait   time.Duration // afterwards
}

const (
	leaveTime = 5 * time.Second        // for reading what is left
	termTime  = 2 * time.Second        // after SIGTERM
	killTime  = 5 * time.Second        // after SIGKILL: then nobody can end it
	leaveLook = 100 * time.Millisecond // between looks whether one has ended that nobody tells of
)

func newLeaving(id tend.Identity, now time.Time) *leaving {
	return &leaving{id: id, steps: []step{{"TERM", termTime}, {"KILL", killTime}}, due: now.Add(leaveTime), next: now}
}

// over reports whether it has ended, or nothing helps, and otherwise does what is due.
func (l *leaving) over(now time.Time) bool {
	if now.Before(l.next) {
		return false
	}
	if process.Ended(l.id) {
		process.Unreaped(l.id) // it may be ours to reap
		return true
	}
	if !now.Before(l.due) {
		if len(l.steps) == 0 {
			return true
		}
		process.SignalDescendants(l.id, l.steps[0].signal)
		l.due = now.Add(l.steps[0].wait)
		l.steps = l.steps[1:]
	}
	l.next = now.Add(leaveLook)
	return false
}
