package tend

import "time"

// Request asks for something to be done to services.
type Request struct {
	Command Command  `json:"command"`
	Words   []string `json:"words,omitempty"` // names, patterns, tags: see Select
	All     bool     `json:"all,omitempty"`
	Stop    bool     `json:"stop,omitempty"`  // remove: stop it first if it runs
	Start   []string `json:"start,omitempty"` // restart: besides, start these
	Here    bool     `json:"here,omitempty"`  // start: although another host is recorded as running it

	Signal  string   `json:"signal,omitempty"`  // signal: its name, without SIG
	Tree    bool     `json:"tree,omitempty"`    // signal: to every process, not only the main one
	For     Goal     `json:"for,omitempty"`     // wait: what is waited for; "": GoalReady
	Timeout Duration `json:"timeout,omitempty"` // wait: from Since on; 0: for ever

	// Since is when the user asked. A request that is sent again, because the supervisor was replaced in the middle of
	// it, keeps its time, so that what was done since then counts as its work and is not done twice.
	Since time.Time `json:"since,omitzero"`
}

// Query asks how services are.
type Query struct {
	Words []string // names, patterns, tags: see Select; none: all services
	Brief bool     // see Status.Brief
}

// Command is what a Request asks for.
type Command string

// The commands.
const (
	CommandStart   Command = "start"
	CommandStop    Command = "stop"
	CommandRestart Command = "restart"
	CommandRemove  Command = "remove"
	CommandOnce    Command = "once"  // one run, now; the answer comes when it has ended
	CommandScale   Command = "scale" // what the number of copies in the definition asks for is waited for
)

// The commands about a service that goes on running.
const (
	CommandSignal Command = "signal"
	CommandReload Command = "reload" // as its definition says
	CommandWait   Command = "wait"
)

// Goal is what `wait` waits for.
type Goal string

// The goals.
const (
	GoalReady   Goal = "ready"   // it runs and is ready
	GoalStopped Goal = "stopped" // nothing of it runs, and nothing will by itself
	GoalExited  Goal = "exited"  // its present run has ended
)

// ParseGoal reads a goal.
func ParseGoal(text string) (Goal, error) {
	switch g := Goal(text); g {
	case GoalReady, GoalStopped, GoalExited:
		return g, nil
	}
	return "", Errorf(CodeUsage, "%q is nothing to wait for (ready, stopped or exited)", text)
}

// Reached reports whether a service in this state is where the goal is. Run is the run that was there when somebody began to
// wait, "" if there was none.
func (g Goal) Reached(st State, run string) bool {
	switch g {
	case GoalStopped:
		return !st.Phase.Live() && !st.Phase.Pending()
	case GoalExited:
		return !st.Phase.Live() || st.Run != run
	}
	return st.Phase == PhaseRunning && !st.Halting
}
