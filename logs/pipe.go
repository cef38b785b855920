package logs

import (
	"errors"
	"os"
)

// Source is a pipe that a service writes its output into, instead of into the log itself.
type Source struct {
	Name  string      // no other has it
	Run   string      // whose output it is
	Path  string      // the log, absolute
	Perm  os.FileMode // of the log, where it has to be made
	Own   bool        // the log is the service's own: its directory is made where it is missing
	Marks string      // file for its marks; see Marker
}

// ErrNoPump says that output cannot go through a pipe here: the system, or the file system, cannot move it without copying,
// or somebody else writes into the log.
var ErrNoPump = errors.New("output cannot go through a pipe here")
