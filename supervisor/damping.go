package supervisor

import (
	"fmt"
	"time"

	"tend"
)

// A service may itself change a file that it is restarted for, in every run. So a change that comes soon after such a restart
// has to wait, if there were several in a row, as after failures: but never longer than a run takes to count as healthy, since
// it may be somebody who saves often.
//
// It is known to this process alone. The next supervisor sees a change that waits as one that came while nobody supervised, and
// counts anew.
type damping struct {
	last time.Time // when it was restarted for a change
	soon int       // changes in a row that came soon, each after the restart for the one before
	run  string    // in which the last of them came
	due  time.Time // when it is restarted for what waits; zero: nothing does
	what string    // has changed
}

// mostSoon is how many changes may come soon in a row before one has to wait.
const mostSoon = 3

// dampened takes in a change that came in the present run, and reports whether it has to wait.
func (s *Supervisor) dampened(sv *service, what string, at time.Time) bool {
	d, st := &sv.damping, sv.state
	if !d.due.IsZero() {
		return true
	}
	settled := time.Duration(sv.definition.WithDefaults().HealthyAfter)
	switch {
	case st.Cause == tend.CauseStart || st.Cause == tend.CauseRestart || at.Sub(d.last) >= settled:
		*d = damping{}
	case d.run != st.Run:
		d.soon, d.run = d.soon+1, st.Run
	}
	pause := min(settled, tend.Pause(sv.definition, d.soon-mostSoon+1))
	if due := st.Started.Add(pause); s.wall().Before(due) {
		d.due, d.what = due, what
	}
	return !d.due.IsZero()
}

// endDamping restarts the service for the change that waits, if its time has come.
func (s *Supervisor) endDamping(sv *service) {
	d := &sv.damping
	if d.due.IsZero() || s.wall().Before(d.due) {
		return
	}
	what := d.what
	d.due, d.what = time.Time{}, ""
	if s.renewable(sv) {
		s.renewFor(sv, what)
	}
}

// trouble is what is to be said of that.
func (d damping) trouble() string {
	if d.due.IsZero() {
		return ""
	}
	return fmt.Sprintf("%s, as after each of its last %d starts: perhaps it changes its own files; it is restarted in a while", d.what, d.soon)
}
