package process

import "time"

// An Alarm rings when the clock that people set says a certain time: also when it was set meanwhile, and, as soon as the host
// goes on, when it was suspended then. Go's own timers know of neither. It may ring too soon, so that whoever hears it has to
// look at the clock; until Set is called again it does not ring.
type Alarm struct {
	rings chan struct{}
	clock alarmClock
}

// Rings is where the alarm is heard.
func (a *Alarm) Rings() <-chan struct{} { return a.rings }

func (a *Alarm) ring() {
	select {
	case a.rings <- struct{}{}:
	default: // it was not heard yet
	}
}

// longestNap is how long a host without such a timer sleeps at most before it looks at the clock again.
const longestNap = 10 * time.Minute

// napper is the clock of such a host.
type napper struct{ timer *time.Timer }

func newNapper(ring func()) *napper {
	n := &napper{time.AfterFunc(longestNap, ring)}
	n.timer.Stop()
	return n
}

func (n *napper) set(at time.Time) {
	if at.IsZero() {
		n.timer.Stop()
		return
	}
	n.timer.Reset(max(0, min(longestNap, time.Until(at.Round(0)))))
}

func (n *napper) close() { n.timer.Stop() }

// Set has the alarm ring at that time, and not at the one it was set to before; a zero time: never.
func (a *Alarm) Set(at time.Time) { a.clock.set(at) }

// Close ends the alarm.
func (a *Alarm) Close() { a.clock.close() }

// alarmClock is what a host has for this.
type alarmClock interface {
	set(at time.Time)
	close()
}
