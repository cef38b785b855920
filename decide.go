package tend

import (
	"fmt"
	"slices"
	"time"
)

// The life of a service.
//
// A service rests in one of three phases in which nothing happens by itself: stopped (nobody wants it), exited (it ended
// well and its policy is content) and failed (it ended badly and its policy gives up, or could not be executed at all).
// In three others there is no process either, but a run will follow: waiting (for what it depends on), scheduled (a job,
// for its time) and backoff (for the end of a pause). A wish to run leads from each of them to starting, through
// waiting if it depends on others. Whoever knows the others says when nothing is in the way (Cleared), or that there is
// no hope (Lacking).
//
// In starting, a run was decided on. First it has no process (Main is zero: the id of the run is written down before
// the process is made, so that a crash of ours in between loses nothing), then Spawned gives it one, and when its
// readiness check succeeds, or it has simply lived until Next, it is running. Both phases are left in three ways. When the
// main process ends and takes its tree with it, ended() consults the policy. When somebody wants it stopped, it is
// stopping. When it has a fault (it is not ready in time, not healthy, takes too much memory), it is stopped, and
// then ended() consults the policy as after a failure.
//
// The main process may also end and leave others behind. Ended well, it is a program that went to the background by
// itself: the eldest of those left becomes the main process and the run goes on. Ended badly, what it left is stopped
// first, because a second copy must never run beside remains of the first, and then ended() consults the policy.
//
// Where others need the service, they are stopped first: meanwhile it is halting, which is no phase: it starts and runs as
// before, until it is released.
//
// In stopping, first the stop command, if there is one, and then the steps of the stop schedule follow each other by time
// until the tree has ended. After the last step nothing more can be done by itself: the phase stays, without Next, until
// the end of the tree is seen after all or somebody asks again, which begins the schedule anew. What comes after the end
// is in Then: a stop, a start (restart, or somebody changed their mind), the consultation above, or a failure for good.
//
// Some states wait for the outside world without a Next: waiting, a run without a process (for Spawned or SpawnFailed),
// one whose readiness has no time limit, and a spent stop schedule (for the end of the tree).
//
// A job is a service with a schedule. To start one is to have it wait for its time; when its run has ended, it waits for
// the next time. See decide_job.go.
//
// An event that names another run than the present one is late news and changes nothing; neither does one that the
// present run has heard before.

// Decide is what the supervisor does on an event. It is pure: the same arguments give the same answer.
func Decide(s Service, st State, e Event, now time.Time) (State, []Action) {
	d := decision{service: s.WithDefaults(), State: st, now: now}
	if d.Phase == "" {
		d.Phase = PhaseStopped
	}
	if d.Phase == PhaseRunning && d.ReadyAt.IsZero() { // written down by a version that knew only of the phase
		d.ReadyAt = d.Since
	}
	d.plan() // its definition may have changed
	d.limitStart()
	switch e := e.(type) {
	case StartRequested:
		d.startRequested(CauseStart)
	case RunRequested:
		d.runRequested()
	case RestartRequested:
		d.restartRequested(e.Hold)
	case Renewed:
		d.renewed(e)
	case Spared:
		d.spared(e)
	case StopRequested:
		d.stopRequested(e.KeepWanted, e.Hold)
	case Cleared:
		d.cleared()
	case Lacking:
		d.lacking(e)
	case Released:
		d.released()
	case Resumed:
		d.resumed(e.Rebooted, e.Hold)
	case Spawned:
		if d.current(e.Run) {
			d.spawned(e.Main)
		}
	case SpawnFailed:
		if d.current(e.Run) && !d.Begun {
			d.spawnFailed(e)
		}
	case Ended:
		if d.current(e.Run) && !slices.Contains(e.Left, d.Main) {
			d.mainEnded(e)
		}
	case TreeEnded:
		if d.current(e.Run) && d.Begun && d.Phase == PhaseStopping {
			d.mainEnded(Ended{Exit: Exit{Unknown: true}})
		}
	case Ready:
		if d.current(e.Run) && d.Begun && d.Phase == PhaseStarting {
			d.ready()
		}
	case Faulted:
		if d.current(e.Run) {
			d.faulted(e)
		}
	case Extended:
		if d.current(e.Run) {
			d.extended(e.By)
		}
	case MainChanged:
		if d.current(e.Run) {
			d.mainChanged(e.Main)
		}
	case Told:
		if d.current(e.Run) {
			d.StatusText, d.Complaint, d.Reloading, d.Departing = e.Status, e.Failure, e.Reloading, e.Stopping
		}
	case Forgiven:
		if d.current(e.Run) {
			d.Failures, d.Restarts = 0, 0
		}
	case StopCommandEnded:
		if d.current(e.Run) {
			d.stopCommandEnded()
		}
	case Tick:
		d.tick(e)
	}
	d.plan()
	d.limitStart()
	return d.State, d.actions
}

// decision is a State on its way to the next one.
type decision struct {
	service Service
	State
	now     time.Time
	actions []Action
}

func (d *decision) do(a Action) { d.actions = append(d.actions, a) }

func (d *decision) note(kind NoteKind, format string, args ...any) {
	d.do(Note{Kind: kind, Text: fmt.Sprintf(format, args...)})
}

// enter changes the phase; next is the time until the phase's own step, negative for none.
func (d *decision) enter(p Phase, next time.Duration) {
	d.Phase, d.Since, d.Next, d.Reason, d.Extended = p, d.now, time.Time{}, "", 0
	if next >= 0 {
		d.Next = d.now.Add(next)
	}
	if !p.Live() {
		d.Main, d.StopStep, d.Then, d.ThenCause, d.Halting = Identity{}, 0, ThenStop, "", false
	}
	if p == PhaseStopped {
		d.Fault = ""
	}
	if !p.Live() && !p.Pending() {
		d.Once, d.Queued = false, false
		if !d.Wanted {
			d.Expires = time.Time{}
		}
	}
}

const never = -1 * time.Second

// current reports whether the run is the present one.
func (d *decision) current(run string) bool { return run != "" && d.Run == run && d.Phase.Live() }

func (d *decision) tick(e Tick) {
	passed := func(t time.Time) bool { return !t.IsZero() && !d.now.Before(t) }
	if d.expired(e.Hold) {
		return
	}
	if passed(d.Due) {
		d.due()
	}
	if d.Phase == PhaseScheduled && !d.service.IsJob() { // any more
		d.start(CauseStart)
	}
	if !passed(d.Next) {
		return
	}
	switch d.Phase {
	case PhaseStarting:
		d.readyTimeOver(e.Unready)
	case PhaseBackoff:
		d.start(d.causeAfter())
	case PhaseStopping:
		if d.StopStep < 0 {
			d.stopCommandEnded()
			return
		}
		d.StopStep++
		d.signal()
	}
}
