// Package fault lets tests end a process of tend at a chosen point of its work, as a crash there would.
//
// The environment variable TEND_FAULT names a directory. A file in it that has the name of a [Point] arms that point: the
// first process to come there removes the file, and gets the signal that is written in it, SIGKILL where nothing is. So a
// point strikes once for each file, whichever process comes first, and can be armed at any time. Without the variable a
// point costs one comparison and does nothing.
package fault

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Variable names the environment variable.
const Variable = "TEND_FAULT"

// Point is a place in the work of a process, "ROLE.WHEN".
type Point string

// The points, by the process that comes there.
const (
	OuterStarted   Point = "outer.started"  // the outer keeper has started its child
	OuterRecorded  Point = "outer.recorded" // it has written an exit down, and not reaped
	OuterReaped    Point = "outer.reaped"   // it has reaped
	InnerStarted   Point = "inner.started"
	InnerRecorded  Point = "inner.recorded"
	InnerReaped    Point = "inner.reaped"
	InnerPromoting Point = "inner.promoting" // the outer keeper is gone, and the inner one is about to take its place
	InnerPromoted  Point = "inner.promoted"  // it has taken it, and its supervisor has not given way yet

	OuterUpgrading Point = "outer.upgrading" // it is about to execute another program in its place
	OuterUpgraded  Point = "outer.upgraded"  // it runs that, and has not told its child
	InnerUpgrading Point = "inner.upgrading"
	InnerUpgraded  Point = "inner.upgraded"

	SupervisorLocked     Point = "supervisor.locked"     // it is the only one, and has read nothing
	SupervisorResumed    Point = "supervisor.resumed"    // it knows what became of everything, and has written nothing
	SupervisorListening  Point = "supervisor.listening"  // it can be reached, and has not told who waits for that
	SupervisorCommitting Point = "supervisor.committing" // it has decided, and written nothing
	SupervisorCommitted  Point = "supervisor.committed"  // it has written what it decided, and done nothing of it
	SupervisorSpawning   Point = "supervisor.spawning"   // a run is in the database, its process is about to be made
	SupervisorSpawned    Point = "supervisor.spawned"    // the process is made, and nobody has taken note
	SupervisorStopping   Point = "supervisor.stopping"   // a stop command is about to be run
	SupervisorHeard      Point = "supervisor.heard"      // it has taken in what a run said before an end in it, and written nothing
	SupervisorSignalled  Point = "supervisor.signalled"  // it has sent a signal of a stop
	SupervisorEmptying   Point = "supervisor.emptying"   // the exit journal is about to be emptied
	SupervisorEmptied    Point = "supervisor.emptied"    // it was emptied
	SupervisorShelved    Point = "supervisor.shelved"    // a run's pipe is on the shelf, and the run has no process yet
	SupervisorMoving     Point = "supervisor.moving"     // it is about to move what a service has written into its pipe
	SupervisorMoved      Point = "supervisor.moved"      // it has moved it, and not marked when
	SupervisorShelving   Point = "supervisor.shelving"   // an entry of the shelf counts no more, or was sent again, and is about to be taken from it
	SupervisorOrphaned   Point = "supervisor.orphaned"   // it has lost its keepers and let go of its lock, and starts no others yet
	SupervisorLeaving    Point = "supervisor.leaving"    // there is nothing to do, and nobody is let in any more

	StoreCopied    Point = "store.copied"    // an old database was copied, and is to be migrated
	StoreMigrating Point = "store.migrating" // a migration has changed the schema, and is not committed
	StoreMigrated  Point = "store.migrated"  // it is

	LogsCopied    Point = "logs.copied"    // an archive is whole, and has no name yet
	LogsArchived  Point = "logs.archived"  // it has its name, and the layout says nothing of it
	LogsAnnounced Point = "logs.announced" // the layout says that a log has another head, and maybe that it is about to be cut
	LogsCollapsed Point = "logs.collapsed" // it was cut by a collapse, and the layout does not say so
	LogsPunched   Point = "logs.punched"   // its head was given back by a hole
	LogsSwapping  Point = "logs.swapping"  // the layout announces another live file, which is made and has no name yet
	LogsLinked    Point = "logs.linked"    // the live file has the name of an archive as well
	LogsSwapped   Point = "logs.swapped"   // the other file is the live one, and the layout does not say so
	LogsPacking   Point = "logs.packing"   // a compressed archive is whole, and has no name yet
	LogsPacked    Point = "logs.packed"    // it has its name, and the plain one is still there
	LogsDropped   Point = "logs.dropped"   // the oldest archive is removed, and there is more to be removed

	HookTold Point = "hook.told" // a hook was told of an event, and that is not written down

	CommandWritten  Point = "command.written"  // a command has changed definitions, and told nobody
	CommandRenaming Point = "command.renaming" // it has moved the log of a service, whose other name does not count yet
)

// Points are all points.
func Points() []Point {
	return []Point{
		OuterStarted, OuterRecorded, OuterReaped, InnerStarted, InnerRecorded, InnerReaped, InnerPromoting, InnerPromoted,
		OuterUpgrading, OuterUpgraded, InnerUpgrading, InnerUpgraded,
		SupervisorLocked, SupervisorResumed, SupervisorListening, SupervisorCommitting, SupervisorCommitted,
		SupervisorSpawning, SupervisorSpawned, SupervisorStopping, SupervisorHeard, SupervisorSignalled, SupervisorEmptying, SupervisorEmptied, SupervisorShelved, SupervisorShelving, SupervisorMoving, SupervisorMoved, SupervisorOrphaned, SupervisorLeaving,
		StoreCopied, StoreMigrating, StoreMigrated, HookTold, CommandWritten, CommandRenaming,
		LogsCopied, LogsArchived, LogsAnnounced, LogsCollapsed, LogsPunched, LogsSwapping, LogsLinked, LogsSwapped,
		LogsPacking, LogsPacked, LogsDropped,
	}
}

var directory = sync.OnceValue(func() string { return os.Getenv(Variable) })

// At is called where the point is.
func At(p Point) {
	if directory() == "" {
		return
	}
	strike(filepath.Join(directory(), string(p)))
}

// strike sends this process the signal that the file holds, if it is the one that removes the file.
func strike(file string) {
	text, err := os.ReadFile(file)
	if err != nil || os.Remove(file) != nil {
		return
	}
	signal := syscall.SIGKILL
	if named := unix.SignalNum("SIG" + strings.TrimSpace(string(text))); named != 0 {
		signal = named
	}
	_ = syscall.Kill(os.Getpid(), signal)
	if signal == syscall.SIGKILL {
		select {} // not one instruction more
	}
}

// Arm arms the point in the directory: whoever comes there next gets the signal, without SIG, or SIGKILL for "".
func Arm(directory string, p Point, signal string) error {
	scratch := filepath.Join(directory, ".new")
	if err := os.WriteFile(scratch, []byte(signal), 0o600); err != nil {
		return err
	}
	return os.Rename(scratch, filepath.Join(directory, string(p)))
}

// Armed reports whether nobody has come there since it was armed.
func Armed(directory string, p Point) bool {
	_, err := os.Lstat(filepath.Join(directory, string(p)))
	return err == nil
}

// Disarm takes it back.
func Disarm(directory string, p Point) { _ = os.Remove(filepath.Join(directory, string(p))) }
