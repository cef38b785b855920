package supervisor

import (
	"fmt"
	"time"

	"tend"
)

// A watchdog waits for signs of life. Those are received, and their time is noted, without the loop: it looks at them when
// one would be overdue, so that they cost it one look in each period, however many come.
type watchdog struct {
	every time.Duration // 0: none is awaited
	from  time.Time     // the last one, or when the counting began
}

func (w watchdog) due() time.Time {
	if w.every == 0 {
		return time.Time{}
	}
	return w.from.Add(w.every)
}

// watchdogFrom has the watchdog of a service count from now on, if it has one: it is ready, says itself how often it
// will give a sign, or was supervised by another supervisor until now.
func (s *Supervisor) watchdogFrom(sv *service) {
	sv.watchdog = watchdog{}
	if ch, found := s.channels.find(sv.state.Run); found && sv.state.Phase == tend.PhaseRunning {
		sv.watchdog = watchdog{every: ch.watchdog, from: s.now}
	}
}

// How much later than a sign of life is due it is missed. By as much as we come too late ourselves, we were not there to see it:
// stopped, or the whole machine was.
const (
	watchdogPause = 100 * time.Millisecond
	watchdogSlack = time.Second
)

// lookAtWatchdog ends a run of which a sign of life is overdue.
func (s *Supervisor) lookAtWatchdog(sv *service) {
	w := &sv.watchdog
	due := w.due()
	if due.IsZero() || s.now.Before(due) {
		return
	}
	if sv.definition.Health.Kind != tend.CheckNotify { // not any more
		w.every = 0
		return
	}
	last, unread := s.channels.server.Pinged(socketKey(sv.state.Run))
	switch {
	case last.After(w.from):
		w.from = last
	case unread: // it may be there, behind what is being taken in
		w.from = s.now.Add(watchdogPause - w.every)
	case s.now.Sub(due) > max(watchdogSlack, w.every/2):
		w.from = s.now
	default:
		every := w.every
		w.every = 0
		s.apply(sv, tend.Faulted{Run: sv.state.Run, Why: fmt.Sprintf("has given no sign of life (WATCHDOG=1) for %s", tend.Duration(every))})
	}
}
