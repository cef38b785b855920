package notify

import (
	"errors"
	"os"
)

// News is what one message, or one line in a pipe, has to say. Files are the receiver's to close. Nothing more comes from there
// before Done is said of it, unless by Next.
type News struct {
	Key     string // under which the socket or pipe was added
	Message        // Ready is all that a line in a pipe says
	PID     int    // of the sender; 0 where it is in another pid namespace
	Err     error  // what of it was not understood, or why all of it is ignored
	Files   []*os.File

	source int32 // a key may be given again
	serial int
	end    int // where in all that has ever come from there it ends; see source.taken
}

// Close closes what came along.
func (n News) Close() {
	for _, f := range n.Files {
		f.Close()
	}
}

// Events is what a server tells of. Its goroutine waits until they return.
type Events struct {
	News   func(News)
	HungUp func(key string) // what was added by AddHeld is good for nothing any more
}

// ErrUnsupported: this system has no sockets that tell who has sent something.
var ErrUnsupported = errors.New("services cannot speak to tend on this system: there is no NOTIFY_SOCKET")
