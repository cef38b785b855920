package tend

import "time"

// Phase is where a service stands. Decide's comment tells how one leads to another.
type Phase string

// The phases. In starting, running and stopping there is a run; in the others there is none. The empty Phase of a zero
// State is as good as stopped.
const (
	PhaseStopped   Phase = "stopped"   // nothing runs, and nothing will happen by itself
	PhaseStarting  Phase = "starting"  // a run was begun and is not ready yet
	PhaseRunning   Phase = "running"   // the run is ready
	PhaseStopping  Phase = "stopping"  // the run's tree is being ended
	PhaseWaiting   Phase = "waiting"   // nothing runs; it is started as soon as what it depends on is ready
	PhaseScheduled Phase = "scheduled" // nothing runs; it is started at Due
	PhaseBackoff   Phase = "backoff"   // nothing runs; it is started again at Next
	PhaseExited    Phase = "exited"    // the last run ended well and is not to be followed by another
	PhaseFailed    Phase = "failed"    // the last run failed and is not to be followed by another
)

// Live reports whether there is a run in this phase.
func (p Phase) Live() bool { return p == PhaseStarting || p == PhaseRunning || p == PhaseStopping }

// Pending reports whether nothing runs in this phase, and a run will be begun without anybody asking.
func (p Phase) Pending() bool {
	return p == PhaseWaiting || p == PhaseScheduled || p == PhaseBackoff
}

// Known reports whether there is such a phase, the empty one included.
func (p Phase) Known() bool {
	switch p {
	case "", PhaseStopped, PhaseStarting, PhaseRunning, PhaseStopping, PhaseWaiting, PhaseScheduled, PhaseBackoff, PhaseExited, PhaseFailed:
		return true
	}
	return false
}

// AfterStop is what follows when a tree that is being stopped has ended.
type AfterStop string

// What follows a stop.
const (
	ThenStop  AfterStop = ""      // nothing: stopped
	ThenStart AfterStop = "start" // the service is started again: restart
	ThenEnd   AfterStop = "end"   // the run counts as ended by itself: it had failed and left others behind, or has a Fault
	ThenFail  AfterStop = "fail"  // the service has failed, for its Fault, and is not started again
)

// State is all that a decision about a service depends on, besides its definition and the time. The zero State is that
// of a service that was never started. It is stored as JSON, so that a new supervisor goes on exactly here.
type State struct {
	Phase      Phase     `json:"phase"`
	Wanted     bool      `json:"wanted"`             // it should run: survives crashes, reboots and our own shutdown
	Since      time.Time `json:"since,omitzero"`     // in this phase since
	Next       time.Time `json:"next,omitzero"`      // when time alone brings the next step; zero: never
	Due        time.Time `json:"due,omitzero"`       // when the calendar does: schedule, restart_schedule; zero: never
	Calendar   string    `json:"calendar,omitempty"` // what Due was found by: schedule and time zone
	Expires    time.Time `json:"expires,omitzero"`   // when it is stopped by itself; zero: never
	Extended   Duration  `json:"extended,omitempty"` // with Next: the run has asked for that much time
	Expired    bool      `json:"expired,omitempty"`  // that is what stopped it, or is stopping it
	Cause      Cause     `json:"cause,omitempty"`    // why the present or last run was started
	Run        string    `json:"run,omitempty"`      // id of the present or last run
	Main       Identity  `json:"main,omitzero"`      // the run's main process; zero before it exists and after it ended
	Begun      bool      `json:"begun,omitempty"`    // the run has, or had, a process
	Started    time.Time `json:"started,omitzero"`   // when the present or last run was started
	ReadyAt    time.Time `json:"ready_at,omitzero"`  // when the present or last run was ready; zero: it never was
	Failures   int       `json:"failures,omitempty"` // in a row; what ends after HealthyAfter counts as the first again
	Restarts   int       `json:"restarts,omitempty"` // by itself, since somebody last started it
	StopStep   int       `json:"stop_step,omitempty"`
	Then       AfterStop `json:"then,omitempty"`        // what follows the stop that goes on, or that it waits for: see Halting
	ThenCause  Cause     `json:"then_cause,omitempty"`  // with ThenStart: of the run that follows; "": CauseRestart
	Halting    bool      `json:"halting,omitempty"`     // it is to be stopped as soon as those that need it have ended
	Fault      string    `json:"fault,omitempty"`       // why the run is ended although nobody asked; however it ends, it has failed
	Lacks      string    `json:"lacks,omitempty"`       // the service that it has failed for want of
	Once       bool      `json:"once,omitempty"`        // the run was asked for by RunRequested: no other follows it
	Queued     bool      `json:"queued,omitempty"`      // a time of its schedule came while it ran: it runs again
	StatusText string    `json:"status_text,omitempty"` // what the run says of itself: sd_notify(3), STATUS
	Reloading  bool      `json:"reloading,omitempty"`   // the run says that it reads its configuration again
	Departing  bool      `json:"departing,omitempty"`   // the run says that it is about to end
	Complaint  string    `json:"complaint,omitempty"`   // what the run says that it has failed of
	Exit       *Exit     `json:"exit,omitempty"`        // how the last run ended; States share it, it is never written to
	Ended      time.Time `json:"ended,omitzero"`        // when the last run's main process ended
	EndedAfter time.Time `json:"ended_after,omitzero"`  // it ended at an unknown moment between this and Ended; zero: at Ended
	Reason     string    `json:"reason,omitempty"`      // in words, where the phase does not say it all
}

// Wake is when time brings something: the earliest of Next, Due and Expires; zero: never.
func (st State) Wake() time.Time {
	var wake time.Time
	for _, t := range []time.Time{st.Next, st.Due, st.Expires} {
		if !t.IsZero() && (wake.IsZero() || t.Before(wake)) {
			wake = t
		}
	}
	return wake
}

// NeedsSupervisor reports whether a service in this state must have a supervisor: something of it runs, or will be
// started. With rebooted, the state was written on a boot of the host, or in a pid namespace, that has ended since.
func (st State) NeedsSupervisor(rebooted bool) bool {
	switch st.Phase {
	case PhaseStarting, PhaseRunning, PhaseStopping, PhaseWaiting, PhaseScheduled, PhaseBackoff:
		return true
	case PhaseStopped, "":
		return st.Wanted
	case PhaseExited, PhaseFailed:
		return st.Wanted && rebooted
	}
	return false
}
