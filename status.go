package tend

import (
	"strings"
	"time"
)

// Status is everything about one service as it is shown: by the commands, by --json, and by the API, which share this
// one shape. Its fields are only ever added to.
type Status struct {
	Name         string    `json:"name"`
	State        Phase     `json:"state"`
	Wanted       bool      `json:"wanted"`
	PID          int       `json:"pid,omitempty"`
	Run          string    `json:"run,omitempty"`
	Since        time.Time `json:"since,omitzero"`          // in this state since
	StartedAt    time.Time `json:"started_at,omitzero"`     // of the present run
	Uptime       float64   `json:"uptime_seconds"`          // of the present run, 0 when there is none
	Restarts     int       `json:"restarts"`                // by itself, since somebody last started it
	Failures     int       `json:"failures"`                // in a row, 0 once it is healthy
	NextTry      time.Time `json:"next_try,omitzero"`       // when it is started again
	NextRun      time.Time `json:"next_run,omitzero"`       // of a job: its next time
	NextRestart  time.Time `json:"next_restart,omitzero"`   // when its restart schedule has it restarted
	Expires      time.Time `json:"expires,omitzero"`        // when it is stopped by itself
	LastExit     *Exit     `json:"last_exit,omitempty"`     // how its last run ended
	LastEnd      time.Time `json:"last_end,omitzero"`       // when
	LastEndAfter time.Time `json:"last_end_after,omitzero"` // it was at an unknown moment between this and LastEnd
	Reason       string    `json:"reason,omitempty"`        // why it is in this state, in words
	Says         string    `json:"says,omitempty"`          // the present run of itself: sd_notify(3), STATUS
	Reloading    bool      `json:"reloading,omitempty"`     // it says that it reads its configuration again
	Departing    bool      `json:"departing,omitempty"`     // it says that it is about to end
	Elsewhere    string    `json:"elsewhere,omitempty"`     // the other host or container that runs it
	Left         []int     `json:"left,omitempty"`          // the processes that survived every step of a stop
	Log          string    `json:"log,omitempty"`           // the file that holds its output
	LogTrouble   string    `json:"log_trouble,omitempty"`   // what is wrong with that, in words
	Unready      string    `json:"unready,omitempty"`       // what its readiness check last got to hear, while it is starting; after that, who had its port
	Unhealthy    string    `json:"unhealthy,omitempty"`     // what its health check last got to hear, while it fails
	Listening    []string  `json:"listening,omitempty"`     // tcp:HOST:PORT, udp:HOST:PORT, unix:PATH; * is all addresses. Not of many services at once
	Troubles     []string  `json:"troubles,omitempty"`      // what else is wrong, in words

	WaitsFor []Obstacle `json:"waits_for,omitempty"` // what is in the way of its start
	HeldBy   []string   `json:"held_by,omitempty"`   // who is to end before it is stopped
	Lacks    string     `json:"lacks,omitempty"`     // the service that it has failed for want of

	Definition Service `json:"definition"` // with secrets blotted out
}

// NewStatus shows a service. log is the path of its own log.
func NewStatus(s Service, st State, log string, now time.Time) Status {
	v := newStatus(s, st, log, now)
	v.Definition = s.CopyOf(0).WithDefaults().Redacted()
	return v
}

// NewBriefStatus is NewStatus with no more of the definition than a list shows: most of what there is to say of many services
// is their definitions.
func NewBriefStatus(s Service, st State, log string, now time.Time) Status {
	v := newStatus(s, st, log, now)
	v.Definition = Service{Name: s.Service(), CommandLine: s.CommandLine, WorkingDirectory: s.WorkingDirectory,
		Settings: Settings{Description: s.Description, Tags: s.Tags}}
	return v
}

// newStatus shows all but the definition.
func newStatus(s Service, st State, log string, now time.Time) Status {
	v := Status{
		Name: s.Label(), State: st.Phase, Wanted: st.Wanted, PID: st.Main.PID, Run: st.Run, Since: st.Since,
		Lacks: lacks(st), Restarts: st.Restarts, Failures: st.Failures, LastExit: st.Exit, LastEnd: st.Ended, LastEndAfter: st.EndedAfter, Reason: st.Reason,
		Log: s.Output(log),
	}
	if v.State == "" {
		v.State = PhaseStopped
	}
	if st.Expired && v.State == PhaseStopped && v.Reason == "" {
		v.Reason = "its time was over"
	}
	if s.Broken != nil {
		v.Reason = s.Broken.Message
	}
	if st.Phase.Live() && st.Begun {
		v.StartedAt = st.Started
		v.Uptime = max(0, now.Sub(st.Started).Seconds())
	}
	if st.Phase == PhaseRunning && st.Failures > 0 && s.WithDefaults().healthy(now.Sub(st.Started)) {
		v.Failures = 0 // the State hears of it with the next failure only: no timer runs for this
	}
	if st.Phase.Live() {
		v.Says, v.Reloading, v.Departing = st.StatusText, st.Reloading, st.Departing
	}
	if st.Phase == PhaseBackoff {
		v.NextTry = st.Next
	}
	if s.IsJob() {
		v.NextRun = st.Due
	} else {
		v.NextRestart = st.Due
	}
	if st.Phase.Live() || st.Phase.Pending() {
		v.Expires = st.Expires
	}
	return v
}

// lacks: the name stays where it is until the next run.
func lacks(st State) string {
	if st.Phase != PhaseFailed {
		return ""
	}
	return st.Lacks
}

// Output is the file that holds the standard output of the service, given the path of its own log; "" if it is dropped.
func (s Service) Output(log string) string {
	switch s.Stdout {
	case "":
		return log
	case "/dev/null":
		return ""
	}
	return s.Stdout
}

// secretWords mark names of environment variables whose values are not shown.
var secretWords = []string{"PASS", "_PWD", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "AUTH", "PRIVATE", "COOKIE", "DSN", "DATABASE_URL"}

// secret reports whether the value of a variable is better not shown: its name says so, or it is an address with a
// password in it.
func secret(name, value string) bool {
	for _, word := range secretWords {
		if strings.Contains(strings.ToUpper(name), word) {
			return true
		}
	}
	_, rest, isURL := strings.Cut(value, "://")
	authority, _, _ := strings.Cut(rest, "/")
	user, _, hasUser := strings.Cut(authority, "@")
	return isURL && hasUser && strings.Contains(user, ":")
}

// Blot stands for a value that is not shown.
const Blot = "***"

// Redacted returns the definition with what looks like a secret replaced by Blot: values of variables, and passwords in the
// addresses of checks and hooks.
func (s Service) Redacted() Service {
	env := make(map[string]string, len(s.Environment))
	for name, value := range s.Environment {
		if secret(name, value) {
			value = Blot
		}
		env[name] = value
	}
	if len(env) > 0 {
		s.Environment = env
	}
	var hooks []string
	for _, hook := range s.OnEvent {
		hooks = append(hooks, BlotHook(hook))
	}
	s.OnEvent = hooks
	s.Ready, s.Health = s.Ready.Redacted(), s.Health.Redacted()
	return s
}

// Progress is one line of news about a command that is being carried out on one service. The last one about a service
// has Done set.
type Progress struct {
	Service   string       `json:"service"`
	Kind      ProgressKind `json:"kind"`
	PID       int          `json:"pid,omitempty"`
	Run       string       `json:"run,omitempty"`
	Exit      *Exit        `json:"exit,omitempty"`
	Signal    string       `json:"signal,omitempty"`
	Done      bool         `json:"done,omitempty"`
	Error     *Error       `json:"error,omitempty"`        // with Done: it did not work
	Status    *Status      `json:"status,omitempty"`       // with Done: how it stands now
	Ready     string       `json:"ready,omitempty"`        // with Done: the check that says that it is ready …
	Took      float64      `json:"took_seconds,omitempty"` // … and how long that took
	Listening []string     `json:"listening,omitempty"`    // with Done: as in Status
	Output    []string     `json:"output,omitempty"`       // with Done, where a start failed: the last lines it wrote
	Left      []int        `json:"left,omitempty"`         // with Done, where a stop failed: the processes that live on
}

// ProgressKind says what happened.
type ProgressKind string

// The kinds of progress.
const (
	ProgressStarting   ProgressKind = "starting"
	ProgressStarted    ProgressKind = "started"         // done: it is ready
	ProgressRunning    ProgressKind = "already_running" // done: nothing had to be done
	ProgressScheduled  ProgressKind = "scheduled"       // done: a job that waits for its time
	ProgressBegun      ProgressKind = "begun"           // the one run that was asked for has a process
	ProgressEnded      ProgressKind = "ended"           // done: it has ended, see Exit
	ProgressExited     ProgressKind = "exited"          // done: it ended well before it was ready, and that is that
	ProgressStopping   ProgressKind = "stopping"
	ProgressSignal     ProgressKind = "signal"
	ProgressStopped    ProgressKind = "stopped"         // done
	ProgressNotRunning ProgressKind = "already_stopped" // done: nothing had to be done
	ProgressRemoved    ProgressKind = "removed"         // done
	ProgressUntouched  ProgressKind = "untouched"       // done: a rolling restart did not come to this copy
	ProgressFailed     ProgressKind = "failed"          // done: see Error
)

// The kinds of progress of what is done to a service that goes on running.
const (
	ProgressStopCommand ProgressKind = "stop_command" // of a stop: its stop command runs
	ProgressSent        ProgressKind = "sent"         // a signal was sent to one of its processes; done, where it was the last
	ProgressReloading   ProgressKind = "reloading"
	ProgressReloaded    ProgressKind = "reloaded" // done
	ProgressLeftOut     ProgressKind = "left_out" // done: it does not run, and was not meant by its name alone
	ProgressReached     ProgressKind = "reached"  // done: it is as was waited for
)
