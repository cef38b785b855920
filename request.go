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
