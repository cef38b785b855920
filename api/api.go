// Package api is how the command line and other clients talk to a running supervisor: HTTP and JSON on a unix socket
// that only its owner can reach.
package api

import (
	"context"
	"net/http"

	"tend"
)

// Version is the version of the JSON that the API and --json speak. Within one version fields are only added.
const Version = 1

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
	// Statuses tells how the services are.
	Statuses(ctx context.Context, q tend.Query) ([]tend.Status, error)
	// Do carries out the request and reports news until it is done. It goes on when ctx ends; only the reports stop.
	Do(ctx context.Context, r tend.Request, report func(tend.Progress)) error
	// Changed says that definitions were changed in the database.
	Changed(ctx context.Context) error
	// Visit says that a client is being answered, until leave is called: the supervisor does not end before that.
	Visit() (leave func())
}

// httpStatus maps the code of an error to the status of an answer.
var httpStatus = map[tend.Code]int{
	tend.CodeUsage: http.StatusBadRequest, tend.CodeNoService: http.StatusNotFound, tend.CodeConflict: http.StatusConflict,
	tend.CodeNotRunning: http.StatusConflict, tend.CodeBusy: http.StatusServiceUnavailable,
}
