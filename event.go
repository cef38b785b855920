package tend

import "time"

// Event is something that happened to a service; Decide turns it into the next State and Actions.
type Event interface{ event() }

// The events.
type (
	// StartRequested: somebody wants it to run.
	StartRequested struct{}
	// RunRequested: somebody wants one run, now. No other follows it, whatever the restart policy says.
	RunRequested struct{}
	// StopRequested: somebody wants it not to run. With KeepWanted it is only the supervisor that wants to leave: what
	// is wanted stays wanted, for whoever supervises next. With Hold, others need it that have to end first: see Released.
	StopRequested struct{ KeepWanted, Hold bool }
	// RestartRequested: somebody wants a new run, with today's definition. Hold is as in StopRequested.
	RestartRequested struct{ Hold bool }
	// Renewed: there is a reason for a new run, but nobody has asked: it is given one if it is wanted.
	Renewed struct {
		Cause Cause
		Why   string
	}
	// Spared: it was to be renewed in its turn, and that is not to be, for what came of those before it.
	Spared struct{ Why string }
	// Cleared: nothing that it depends on is in the way of a start any more.
	Cleared struct{}
	// Lacking: what it requires has failed, or is not there. Hold is as in StopRequested.
	Lacking struct {
		Name, Why string
		Hold      bool
	}
	// Released: those that need it have ended, so a service that is halting is stopped now.
	Released struct{}
	// Resumed: supervision began anew. It comes once, after whatever was found out about the last run. Hold is as in
	// StopRequested.
	Resumed struct{ Rebooted, Hold bool }
	// Spawned: the process of a run exists and has executed the command. Also: a new supervisor found it so, of a run
	// that had none when it was last written down.
	Spawned struct {
		Run  string
		Main Identity
	}
	// SpawnFailed: the run never began. Temporary is for what may pass by itself (too many processes, no memory).
	SpawnFailed struct {
		Run       string
		Message   string
		Temporary bool
	}
	// Ended: the main process of the run ended; once for each that is followed. At is when somebody saw it end, which
	// may be long before it is told of; zero: just now or, where After is not zero, at an unknown moment since then. Left
	// are the processes of its tree that live on, eldest first, and so never the one that ended.
	Ended struct {
		Run   string
		Exit  Exit
		At    time.Time
		After time.Time
		Left  []Identity
	}
	// TreeEnded: the main process of a run that is being stopped has ended, and nothing of its tree lives any more.
	TreeEnded struct{ Run string }
	// Ready: the readiness check of the run has succeeded.
	Ready struct{ Run string }
	// Faulted: the run does not do what it should, and is to be ended. That is a failure, after which it is started again or
	// not as after any other; with Stop it is not. Kind is that of the note of it; "": NoteUnhealthy.
	Faulted struct {
		Run, Why string
		Stop     bool
		Kind     NoteKind
	}
	// Extended: the run asks that its start, or its stop, be given that much time from now: sd_notify(3).
	Extended struct {
		Run string
		By  time.Duration
	}
	// MainChanged: the run says that another process of its tree is its main process.
	MainChanged struct {
		Run  string
		Main Identity
	}
	// Told: what the run says of itself, each time as a whole.
	Told struct {
		Run       string
		Status    string
		Failure   string
		Reloading bool
		Stopping  bool
	}
	// Forgiven: the run asks that the failures before it count no more.
	Forgiven struct{ Run string }
	// StopCommandEnded: the answer to StopCommand.
	StopCommandEnded struct{ Run string }
	// Tick: time has passed. Hold is as in StopRequested. Unready is what a readiness check that has not succeeded has last
	// got to hear; "": nothing.
	Tick struct {
		Hold    bool
		Unready string
	}
)

func (StartRequested) event()   {}
func (RunRequested) event()     {}
func (Renewed) event()          {}
func (Spared) event()           {}
func (Cleared) event()          {}
func (Lacking) event()          {}
func (Released) event()         {}
func (Ready) event()            {}
func (Faulted) event()          {}
func (Extended) event()         {}
func (MainChanged) event()      {}
func (Told) event()             {}
func (Forgiven) event()         {}
func (StopCommandEnded) event() {}
func (StopRequested) event()    {}
func (RestartRequested) event() {}
func (Resumed) event()          {}
func (Spawned) event()          {}
func (SpawnFailed) event()      {}
func (Ended) event()            {}
func (TreeEnded) event()        {}
func (Tick) event()             {}

// Action is something to be done, as Decide decided.
type Action interface{ action() }

// The actions.
type (
	// Spawn begins a new run: a run id is made, put into State.Run, written down, and the command executed. Answer:
	// Spawned or SpawnFailed.
	Spawn struct{ Cause Cause }
	// Signal sends the signal to every process of the run's tree, once to each, and to those found later as well.
	// When the last one is gone, the answer is TreeEnded.
	Signal struct{ Signal string }
	// StopCommand runs the stop command of the service. When it has ended, the answer is StopCommandEnded.
	StopCommand struct{}
	// Follow makes another process of the tree the main process: the program went to the background by itself.
	Follow struct{ Main Identity }
	// Note writes the event into the history of the service. At is when it happened; zero: now.
	Note struct {
		Kind NoteKind
		Text string
		At   time.Time
	}
)

func (Spawn) action()       {}
func (Signal) action()      {}
func (StopCommand) action() {}
func (Follow) action()      {}
func (Note) action()        {}

// NoteKind is the kind of an entry in the history of a service.
type NoteKind string

// The kinds of history entries.
const (
	NoteStarting   NoteKind = "starting"
	NoteStarted    NoteKind = "started" // a process exists
	NoteReady      NoteKind = "ready"
	NoteFollowed   NoteKind = "followed"
	NoteStopping   NoteKind = "stopping"
	NoteSignal     NoteKind = "signal"
	NoteEnded      NoteKind = "ended"
	NoteStopped    NoteKind = "stopped"
	NoteBackoff    NoteKind = "backoff"
	NoteFailed     NoteKind = "failed"
	NoteSupervised NoteKind = "supervised" // of tend itself: a supervisor has begun
	NoteSurvived   NoteKind = "survived"   // a stop schedule is over and something still lives
	NoteLog        NoteKind = "log"        // something is wrong with its log, or is so no more
	NoteUnhealthy  NoteKind = "unhealthy"  // its health check fails, or it is ended for a fault
	NoteHealthy    NoteKind = "healthy"    // its health check succeeds again
	NoteMemory     NoteKind = "memory"     // it takes more memory than it may
	NoteScheduled  NoteKind = "scheduled"  // a job begins to wait for its times
	NoteSkipped    NoteKind = "skipped"    // a time of its schedule came while it ran
	NoteMissed     NoteKind = "missed"     // a time of its schedule came while nobody was there to start it
	NoteExpired    NoteKind = "expired"
	NoteReloaded   NoteKind = "reloaded"
	NoteWatched    NoteKind = "watched" // a file that it is restarted for has changed
	NoteHook       NoteKind = "hook"    // something is wrong with what is told of its events
)
