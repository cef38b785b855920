// Package api is how the command line and other clients talk to a running supervisor: HTTP and JSON on a unix socket
// that only its owner can reach.
package api

import (
	"context"
	"net/http"
	"time"

	"tend"
)

// Version is the version of the JSON that the API and --json speak. Within one version fields are only added.
const Version = 1

// Request asks for something to be done to services.
type Request struct {
	Command Command  `json:"command"`
	Words   []string `json:"words,omitempty"` // names, globs, tags: see tend.Select
	All     bool     `json:"all,omitempty"`
	Stop    bool     `json:"stop,omitempty"` // remove: stop it first if it runs
	Here    bool     `json:"here,omitempty"` // start: although another host or container is recorded as running it

	// Since is when the user asked. A request that is sent again, because the supervisor was replaced in the middle of
	// it, keeps its time, so that what was done since then counts as its work and is not done twice.
	Since time.Time `json:"since,omitzero"`
}

// Command is what a Request asks for.
type Command string

// The commands.
const (
	Start   Command = "start"
	Stop    Command = "stop"
	Restart Command = "restart"
	Remove  Command = "remove"
)

// List is the answer to a question for services, and the shape of --json.
type List struct {
	Version  int           `json:"version"`
	Services []tend.Status `json:"services"`
}

// line is one line of the answer to a Request: news, or at the very end either Done or Error. An answer without
// such an end was cut off.
type line struct {
	Progress *tend.Progress `json:"progress,omitempty"`
	Error    *tend.Error    `json:"error,omitempty"`
	Done     bool           `json:"done,omitempty"`
}

// Supervisor is what the server needs of a supervisor.
type Supervisor interface {
	// Statuses returns the services that the words mean, all of them where there are no words.
	Statuses(ctx context.Context, words []string) ([]tend.Status, error)
	// Do carries out the request and reports news until it is done. It goes on when ctx ends; only the reports stop.
	Do(ctx context.Context, r Request, report func(tend.Progress)) error
	// Changed says that definitions were changed in the database.
	Changed(ctx context.Context) error
}

// httpStatus maps the code of an error to the status of an answer.
var httpStatus = map[tend.Code]int{
	tend.CodeUsage: http.StatusBadRequest, tend.CodeNoService: http.StatusNotFound, tend.CodeConflict: http.StatusConflict,
	tend.CodeNotRunning: http.StatusConflict, tend.CodeBusy: http.StatusServiceUnavailable,
}
