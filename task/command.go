package task

import (
	"fmt"
	"strings"
	"time"

	"tend"
)

// Command is what is to be run.
type Command struct {
	Line    string // for /bin/sh -c
	Dir     string // absolute; "" is /
	Env     []string
	Umask   tend.Umask
	Stdin   []byte        // nil: /dev/null
	Timeout time.Duration // it is ended after that; 0: never
	Grace   time.Duration // between the SIGTERM and the SIGKILL that end it; 0: SIGKILL at once
	Keep    int           // how much of what it writes is kept at most, bytes from the end; 0: KeepDefault
}

// KeepDefault is how much is kept of what a command writes, bytes.
const KeepDefault = 4 << 10

// Result is what became of a command.
type Result struct {
	Exit     tend.Exit
	Output   string // the end of what it wrote to stdout and stderr
	Took     time.Duration
	TimedOut time.Duration // it was ended after so long, its Timeout; 0: it was not
}

// OK reports whether the command ended well.
func (r Result) OK() bool { return r.TimedOut == 0 && r.Exit == tend.Exit{} }

// String says in words what became of it: "exited with status 1: cannot connect". Of what it wrote that has the last line.
func (r Result) String() string {
	text := r.Exit.String()
	if r.TimedOut > 0 {
		text = fmt.Sprintf("did not end within %s", tend.Duration(r.TimedOut))
	}
	if last := r.LastLine(); last != "" {
		text += ": " + last
	}
	return text
}

// LastLine is the last line that the command wrote, "" if there is none.
func (r Result) LastLine() string {
	text := strings.TrimSpace(r.Output)
	return strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}
