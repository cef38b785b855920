package forward

import (
	"os"
	"slices"

	"tend"
	"tend/process"
)

// Target says of one log where it is sent. Its cursor's file tells it from all others.
type Target struct {
	Service string
	Error   bool   // it is the log of stderr alone
	Log     string // the file
	Cursor  string // the file that says up to where it was sent
	To      string // as tend.ParseLogTo has it

	// Of a command.
	Dir   string
	Env   []string
	Umask tend.Umask
}

// same reports whether both are sent to the same place in the same way.
func (t Target) same(other Target) bool {
	return t.Service == other.Service && t.Error == other.Error && t.Log == other.Log && t.To == other.To &&
		t.Dir == other.Dir && t.Umask == other.Umask && slices.Equal(t.Env, other.Env)
}

// Host is what forwarders need of the supervisor. None of it may make them wait for long.
type Host struct {
	Place  tend.Place
	Start  func(process.Spec) (process.Child, error)
	Note   func(service string, n Note)
	Logf   func(format string, args ...any)
	Stderr *os.File // that of commands
}

// Note is for the history of a service.
type Note struct {
	Text    string // "": nothing for the history
	Trouble bool   // it lasts
	Waiting int64  // bytes that have not been sent, in that case
	Over    bool   // the trouble does not
}

// sink is where lines go. It is for one goroutine.
type sink interface {
	// send hands on whole lines, or pieces of such as are too long, and returns how many bytes of them were taken. It waits
	// for the other side as long as the guard lets it.
	send(text []byte, g *guard) (int, error)
	close()
}
