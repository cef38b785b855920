// Package supervisor keeps services running: events come in, tend.Decide says what to do, and it is done.
//
// One goroutine, the loop, owns the state of all services. Everything slow or blocking happens elsewhere and comes back
// to it: making processes (one worker, since the umask is set on its thread), looking at all of /proc, serving clients.
// Each turn of the loop takes in what has happened, decides, writes all decisions in one transaction and only then
// lets them take effect. So a supervisor may be killed at any moment: what the next one reads in the database is at
// most one step behind the processes, and recover.go closes that gap.
package supervisor

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"tend"
	"tend/forward"
	"tend/hook"
	"tend/internal/fault"
	"tend/keeper"
	"tend/logs"
	"tend/probe"
	"tend/process"
	"tend/store"
	"tend/task"
	"tend/watch"
)

// Door is where clients come in. Close lets nobody in any more, and Open does again; HandOver leaves the place to the
// next supervisor.
type Door interface {
	Open() error
	Close()
	HandOver()
	InPlace() bool // whoever looks for the door comes here
}

// NewDoor makes the door at the socket: what comes in there asks the supervisor.
type NewDoor func(socket string, s *Supervisor) Door

// Supervisor supervises the services of one database.
type Supervisor struct {
	ctx      context.Context
	database string
	dir      string // runtime directory
	place    tend.Place
	self     int
	parent   tend.Identity // the inner keeper
	above    tend.Identity // its parent: the outer keeper, which services of a keeper that was lost have fallen to
	caller   tend.Caller   // what we were started with
	locks    *locks
	began    time.Time // when we had what we need, and began to look
	log      io.Writer

	store    *store.Store
	watcher  *process.Watcher
	spawner  *process.Spawner
	shelf    *keeper.Shelf // nil: these keepers have none
	pipes    *pipes
	sockets  *sockets
	alarm    *process.Alarm // for what waits for the calendar
	channels *channels
	stored   *stored
	cgroups  *process.Cgroups
	scales   *scales
	forwards *forward.Set
	tasks    *task.Runner
	prober   *probe.Prober
	checker  *probe.Checker
	journal  *journal
	told     *told
	door     Door
	newDoor  NewDoor

	filesWatched *watch.Set
	hooks        *hook.Set

	minder   *minder // nil until whoever was supervised is let in
	logTurns *turns
	starting *logs.Rotator // of logs that runs begin to write into

	// Owned by the loop.
	now          time.Time // of the present turn
	clock        clock
	alarmed      time.Time // what the alarm is set to
	rang         bool      // it has to be set again
	services     map[string]*service
	mains        map[tend.Identity]*service // living main processes
	members      map[tend.Identity]*service // other living processes of trees that are being ended
	strays       map[tend.Identity]bool     // that were told of
	operations   map[*operation]bool
	rolls        map[string][]*roll // by service; the first is under way
	near         *tend.Neighbours
	copies       map[string][]*service // of the services in near.Order, by their names
	pending      *pending
	dataVersion  int64
	leaving      bool // everything is being stopped, what is wanted stays
	replaced     bool // another supervisor is to take over
	replacedFor  tend.AbsenceCause
	orphan       bool              // because our keeper is gone
	own          *tend.Supervision // see supervision
	resumed      bool              // it is known what the last supervisor left
	announced    bool              // that we have begun is written down, or is about to be
	awaited      bool              // somebody waits for us to begin
	restoreAfter time.Time         // when the runtime directory is seen to again; zero: it is in order
	doorAfter    time.Time         // when the door, which could not be opened, is tried again; zero: it is open
	leaveAfter   time.Time         // not before then, when there is nothing to do
	retryAt      time.Time         // when a database that has refused is asked again
	refusedSince time.Time         // the database has refused since then
	lastTick     time.Time
	unwatched    unwatched
	rewatch      bool            // watchFiles is to be done
	settling     int             // ends of which is not known yet what they left behind
	later        []func()        // calls that wait for what unsettled speaks of
	answers      []chan struct{} // of calls, given when what was decided before them is written down
	settledBy    time.Time       // but not longer
	commitError  error           // why it refused, nil when it did not
	scanning     bool
	scanWanted   []func(process.Snapshot)
	scanAfter    time.Time // not before then, since the last look failed

	// Ways into the loop.
	calls   *mailbox[func()]
	spawns  *mailbox[spawnJob]
	spawned *mailbox[spawnResult]
	scans   chan scanned
	notices keeper.Notices // of what happens in the runtime directory
	signals chan os.Signal
	busy    atomic.Int64 // requests being answered
}

// logf writes a line to tend's own log, for what concerns no service or nobody who waits.
func (s *Supervisor) logf(format string, args ...any) {
	fmt.Fprintf(s.log, "%s supervisor %d: %s\n", time.Now().Format(time.RFC3339), s.self, fmt.Sprintf(format, args...))
}

// call runs f in the loop; as long as f says so, it is run again later. It returns when what was decided before f has been
// written down as well, unless the database refuses: whoever asks may go on to read there.
func (s *Supervisor) call(ctx context.Context, f func() (later bool)) error {
	done := make(chan struct{})
	var run func()
	run = func() {
		if f() {
			s.later = append(s.later, run)
			return
		}
		s.answers = append(s.answers, done)
	}
	s.calls.put(run)
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// leftOnPurpose is the status with which a supervisor leaves so that its keepers leave as well.
const leftOnPurpose = 0

// loop runs until the supervisor may leave and returns the status to leave with.
func (s *Supervisor) loop() int {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		s.turn()
		s.flush()
		for _, answered := range s.answers {
			close(answered)
		}
		s.answers = nil
		if s.replaced {
			return keeper.ExitReplace
		}
		idle := s.idle()
		if idle && (s.leaving || !s.now.Before(s.leaveAfter)) {
			if !s.sent() {
				idle = false // until that is done
			} else if s.leave() {
				return leftOnPurpose
			}
		}
		s.arm(timer, idle)
		select {
		case <-s.calls.ready:
		case <-s.spawned.ready:
		case gone := <-s.watcher.Exits():
			s.turn()
			s.gone(s.moreGone(gone))
		case <-s.notices.Journal:
			s.turn()
			s.recorded()
		case <-s.notices.Gone:
			s.turn()
			s.restore()
		case r := <-s.scans:
			s.turn()
			s.seen(r)
		case signal := <-s.signals:
			s.turn()
			s.signalled(signal)
		case <-timer.C:
			s.turn()
			s.tick()
		case <-s.alarm.Rings():
			s.rang = true
			s.turn()
			s.tick()
		}
		s.turn()
		s.begun(s.spawned.take())
		later := s.later
		s.later = nil
		for _, f := range append(later, s.calls.take()...) {
			f()
		}
	}
}

// moreGone adds what has ended at the same moment, so that it is settled together.
func (s *Supervisor) moreGone(first process.Gone) []process.Gone {
	gone := []process.Gone{first}
	for {
		select {
		case g := <-s.watcher.Exits():
			gone = append(gone, g)
		default:
			return gone
		}
	}
}

// tickSlack is the shortest time between two turns for timers: services that were started together share them.
const tickSlack = 20 * time.Millisecond

// How long a supervisor with nothing to do waits before it leaves. Whoever has launched it is on the way to the door,
// however slow the machine; after that, commands often come in pairs.
const (
	firstLinger = 5 * time.Second
	linger      = 500 * time.Millisecond
)

// arm sets the one timer to whatever comes next, and the one alarm to the next time of the calendar.
func (s *Supervisor) arm(timer *time.Timer, idle bool) {
	next := s.retryAt // the next flush comes with it
	sooner := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	sooner(s.unwatched.next)
	sooner(s.doorAfter)
	sooner(s.restoreAfter)
	if len(s.later) > 0 {
		sooner(s.settledBy)
	}
	if !s.scanning && len(s.scanWanted) > 0 {
		sooner(s.scanAfter)
	}
	if idle {
		sooner(s.leaveAfter)
	}
	for _, sv := range s.services {
		if s.elsewhere(sv) != "" {
			continue
		}
		if next := sv.state.Next; !next.IsZero() && !sv.held() {
			sooner(s.now.Add(next.Sub(s.wall())))
		}
		if sv.hunt != nil {
			sooner(sv.hunt.again)
		}
		sooner(sv.watchdog.due())
		sooner(sv.said.due())
		if due := sv.damping.due; !due.IsZero() {
			sooner(s.now.Add(due.Sub(s.wall())))
		}
	}
	s.setAlarm()
	if next.IsZero() {
		timer.Stop()
		return
	}
	if earliest := s.lastTick.Add(tickSlack); next.Before(earliest) {
		next = earliest
	}
	timer.Reset(max(0, next.Sub(s.now)))
}

// setAlarm has the alarm ring at the next time of the calendar that a service waits for.
func (s *Supervisor) setAlarm() {
	var next time.Time
	for _, sv := range s.services {
		if s.elsewhere(sv) != "" || sv.held() {
			continue
		}
		due := sv.state.Due
		if s.awaitsTurn(sv) {
			due = time.Time{}
		}
		for _, t := range []time.Time{due, sv.state.Expires} {
			if !t.IsZero() && (next.IsZero() || t.Before(next)) {
				next = t
			}
		}
	}
	if s.rang || !next.Equal(s.alarmed) {
		s.alarm.Set(next)
		s.alarmed, s.rang = next, false
	}
}

// tick lets the time that has passed do its work.
func (s *Supervisor) tick() {
	s.lastTick = s.now
	if !s.doorAfter.IsZero() && !s.now.Before(s.doorAfter) {
		_ = s.openDoor()
	}
	if !s.restoreAfter.IsZero() && !s.now.Before(s.restoreAfter) {
		s.restore()
	}
	s.startScan()
	s.lookAtUnwatched()
	for _, sv := range s.services {
		if s.elsewhere(sv) != "" {
			continue
		}
		if next := sv.state.Wake(); !next.IsZero() && !sv.held() && !s.wall().Before(next) && !s.renewsInTurn(sv) {
			s.apply(sv, tend.Tick{Hold: s.expiring(sv), Unready: sv.unready()})
		}
		s.lookAtWatchdog(sv)
		s.endDamping(sv)
		if due := sv.said.due(); !due.IsZero() && !s.now.Before(due) {
			s.saySaid(sv)
		}
		if h := sv.hunt; h != nil && !h.again.IsZero() && !s.now.Before(h.again) {
			s.huntOn(sv)
		}
	}
}

// idle reports whether there is nothing to do and nothing to wait for.
func (s *Supervisor) idle() bool {
	given := s.leaving && s.commitError != nil // a database that refuses is not waited for
	if !s.pending.empty() && !given || s.scanning || len(s.scanWanted) > 0 || s.busy.Load() > 0 {
		return false
	}
	if s.hooks.Busy() && !given {
		return false
	}
	if s.pipes.pump.Busy() && !s.leaving { // somebody may write into it whose service has ended
		return false
	}
	for _, sv := range s.services {
		if s.leaving && sv.spent() { // nothing more can be done about what survived everything
			continue
		}
		if sv.hunt != nil || len(sv.wishes) > 0 {
			return false
		}
		if s.elsewhere(sv) == "" && (sv.state.Phase.Live() || sv.state.Phase.Pending()) || s.watches(sv) && !s.leaving {
			return false
		}
	}
	return true
}

// openDoor lets clients in. Where that cannot be, services are supervised all the same, and it is tried again.
func (s *Supervisor) openDoor() error {
	err := keeper.WithRoomHint(s.door.Open(), s.dir)
	switch {
	case err != nil && s.doorAfter.IsZero():
		s.logf("nobody can be let in, will try again: %v", err)
	case err == nil && !s.doorAfter.IsZero():
		s.logf("commands are let in again")
	}
	s.doorAfter = time.Time{}
	if err != nil {
		s.doorAfter = time.Now().Add(retryBegin)
	}
	return err
}

// leave closes the door and reports whether nobody came in meanwhile. Whoever was turned away starts a new chain.
func (s *Supervisor) leave() bool {
	s.door.Close()
	fault.At(fault.SupervisorLeaving)
	if s.busy.Load() == 0 && len(s.calls.ready) == 0 {
		return true
	}
	_ = s.openDoor()
	return false
}

// Visit notes that a client is being answered, until leave is called: we do not end before that.
func (s *Supervisor) Visit() (leave func()) {
	s.busy.Add(1)
	return func() {
		s.busy.Add(-1)
		s.calls.put(func() { s.leaveAfter = s.now.Add(linger) }) // the loop looks again whether it is idle
	}
}
