package tend

import "time"

// Phase is where a service stands. Decide's comment tells how one leads to another.
type Phase string

// The phases. In starting, running and stopping there is a run; in the others there is none. The empty Phase of a zero
// State is as good as stopped.
const (
	PhaseStopped  Phase = "stopped"  // nothing runs, and nothing will happen by itself
	PhaseStarting Phase = "starting" // a run was begun and is not ready yet
	PhaseRunning  Phase = "running"  // the run is ready
	PhaseStopping Phase = "stopping" // the run's tree is being ended
	PhaseBackoff  Phase = "backoff"  // nothing runs; it is started again at Next
	PhaseExited   Phase = "exited"   // the last run ended well and is not to be followed by another
	PhaseFailed   Phase = "failed"   // the last run failed and is not to be followed by another
)

// Live reports whether there is a run in this phase.
func (p Phase) Live() bool { return p == PhaseStarting || p == PhaseRunning || p == PhaseStopping }

// Known reports whether there is such a phase, the empty one included.
func (p Phase) Known() bool {
	switch p {
	case "", PhaseStopped, PhaseStarting, PhaseRunning, PhaseStopping, PhaseBackoff, PhaseExited, PhaseFailed:
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
	ThenEnd   AfterStop = "end"   // the run counts as ended by itself: the main process had failed and left others behind
)

// State is all that a decision about a service depends on, besides its definition and the time. The zero State is that
// of a service that was never started. It is stored as JSON, so that a new supervisor goes on exactly here.
type State struct {
	Phase      Phase     `json:"phase"`
	Wanted     bool      `json:"wanted"`             // it should run: survives crashes, reboots and our own shutdown
	Since      time.Time `json:"since,omitzero"`     // in this phase since
	Next       time.Time `json:"next,omitzero"`      // when time alone brings the next step; zero: never
	Cause      Cause     `json:"cause,omitempty"`    // why the present or last run was started
	Run        string    `json:"run,omitempty"`      // id of the present or last run
	Main       Identity  `json:"main,omitzero"`      // the run's main process; zero before it exists and after it ended
	Begun      bool      `json:"begun,omitempty"`    // the run has, or had, a process
	Started    time.Time `json:"started,omitzero"`   // when the present or last run was started
	Failures   int       `json:"failures,omitempty"` // in a row; what ends after HealthyAfter counts as the first again
	Restarts   int       `json:"restarts,omitempty"` // by itself, since somebody last started it
	StopStep   int       `json:"stop_step,omitempty"`
	Then       AfterStop `json:"then,omitempty"`
	Exit       *Exit     `json:"exit,omitempty"`       // how the last run ended; States share it, it is never written to
	Ended      time.Time `json:"ended,omitzero"`       // when the last run's main process ended
	EndedAfter time.Time `json:"ended_after,omitzero"` // it ended at an unknown moment between this and Ended; zero: at Ended
	Reason     string    `json:"reason,omitempty"`     // in words, where the phase does not say it all
}

// NeedsSupervisor reports whether a service in this state must have a supervisor: something of it runs, or will be
// started. With rebooted, the state was written on a boot of the host, or in a pid namespace, that has ended since.
func (st State) NeedsSupervisor(rebooted bool) bool {
	switch st.Phase {
	case PhaseStarting, PhaseRunning, PhaseStopping, PhaseBackoff:
		return true
	case PhaseStopped, "":
		return st.Wanted
	case PhaseExited, PhaseFailed:
		return st.Wanted && rebooted
	}
	return false
}
