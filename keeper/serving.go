package keeper

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"time"

	"tend"
	"tend/process"
)

// Serving is a process of ours that serves a runtime directory: a keeper or a supervisor.
type Serving struct {
	tend.Identity
	Parent  int    // its pid
	Role    string // "outer keeper", "inner keeper" or "supervisor"
	Stopped bool
}

// The roles.
const (
	outerRole      = "outer keeper"
	innerRole      = "inner keeper"
	supervisorRole = "supervisor"

	allRoles = 3
)

// Find returns the living processes that serve the directory, by looking at all there are: they are of this user, lead a
// session of their own, and were started with the words by which tend starts its own.
func Find(dir string) ([]Serving, error) {
	all, err := process.All()
	if err != nil {
		return nil, err
	}
	var found []Serving
	for _, p := range all {
		if p.Session != p.PID || p.Dead() {
			continue
		}
		role := roleIn(p.PID, dir)
		if owner, err := process.Owner(p.PID); role == "" || err == nil && owner != os.Geteuid() {
			continue
		}
		if _, err := programOf(p.PID); errors.Is(err, fs.ErrNotExist) {
			continue // it has given up its memory already: it is just ending
		}
		now, err := process.ReadStat(p.PID)
		if err == nil && now.Identity == p.Identity && !now.Dead() {
			found = append(found, Serving{now.Identity, now.PPID, role, now.Stopped()})
		}
	}
	return born(found), nil
}

// born leaves out those that have not executed their program yet: until then they look like who has made them, but are
// about to be something else, and are not to be signalled. No keeper has one of its own role below it, or two of the same;
// what a supervisor makes stands below it or beside it.
func born(found []Serving) []Serving {
	return slices.DeleteFunc(slices.Clone(found), func(p Serving) bool {
		return slices.ContainsFunc(found, func(maker Serving) bool {
			below := p.Parent == maker.PID
			beside := p.Parent == maker.Parent && process.ByAge(maker.Identity, p.Identity) < 0 &&
				slices.ContainsFunc(found, func(keeper Serving) bool { return keeper.PID == p.Parent })
			return p.Role == maker.Role && (below || beside)
		})
	})
}

// Leave tells the keepers of the directory to stop every service in order, and to leave.
func Leave(dir string) error {
	found, err := Find(dir)
	if err != nil {
		return err
	}
	for _, role := range []string{outerRole, innerRole} { // the inner one is told only where there is no other
		for _, p := range found {
			if p.Role == role {
				return process.Signal(p.Identity, "TERM")
			}
		}
	}
	return nil
}

// roleIn tells by the arguments of a process what it is for the directory, "" for nothing.
func roleIn(pid int, dir string) string {
	args, err := process.CommandLine(pid)
	if err != nil || len(args) < 3 || args[0] != programName {
		return ""
	}
	c, err := ParseArgs(args[2:])
	switch {
	case err != nil || c.Dir != dir || c.Detach:
		return ""
	case args[1] == commandKeep && c.Inner:
		return innerRole
	case args[1] == commandKeep:
		return outerRole
	case args[1] == commandSupervise:
		return supervisorRole
	}
	return ""
}

// Wake has those who serve the directory go on, if somebody has stopped them.
func Wake(dir string) {
	all, err := Find(dir)
	if err != nil {
		return
	}
	for _, p := range all {
		if p.Stopped {
			_ = process.Signal(p.Identity, "CONT") // it may be gone by now
		}
	}
}

// Whoever waits for an answer longer than wakeFirst looks whether somebody has stopped those who should give it, and
// looks again ever more seldom.
const (
	wakeFirst = 300 * time.Millisecond
	wakeLast  = 10 * time.Second
)

// WakeWhile wakes whoever serves the directory and is stopped, from time to time until ctx is done.
func WakeWhile(ctx context.Context, dir string) {
	pause := wakeFirst
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
			Wake(dir)
			pause = min(2*pause, wakeLast)
		}
	}
}
