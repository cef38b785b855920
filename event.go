package tend

import "time"

// Event is something that happened to a service; Decide turns it into the next State and Actions.
type Event interface{ event() }

// The events.
type (
	// StartRequested: somebody wants it to run.
	StartRequested struct{}
	// StopRequested: somebody wants it not to run. With KeepWanted it is only the supervisor that wants to leave: what
	// is wanted stays wanted, for whoever supervises next.
	StopRequested struct{ KeepWanted bool }
	// RestartRequested: somebody wants a new run, with today's definition.
	RestartRequested struct{}
	// Resumed: supervision began anew. It comes once, after whatever was found out about the last run.
	Resumed struct{ Rebooted bool }
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
	// Tick: time has passed.
	Tick struct{}
)

func (StartRequested) event()   {}
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
	// Follow makes another process of the tree the main process: the program went to the background by itself.
	Follow struct{ Main Identity }
	// Note writes the event into the history of the service. At is when it happened; zero: now.
	Note struct {
		Kind NoteKind
		Text string
		At   time.Time
	}
)

func (Spawn) action()  {}
func (Signal) action() {}
func (Follow) action() {}
func (Note) action()   {}

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
)
