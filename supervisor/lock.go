package supervisor

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"syscall"

	"tend"
	"tend/keeper"
	"tend/logs"
	"tend/process"
)

// lock makes us the only supervisor of the database. A predecessor in the same runtime directory is on its way out,
// or its keeper is not; it is waited for. A second lock, on the directory of the logs beside the database, finds the
// supervisors that have another runtime directory: another TEND_RUNTIME, or a container that shares the file. Network
// file systems may refuse it; there, hosts are told apart by the states (see elsewhere).
//
// Both are flocks on close-on-exec descriptors: they end with us, however we end, and are never on the database file,
// whose locks are SQLite's.
//
// The first one's file holds the identities of all who have had it.
func lock(dir, database string) (held holding, err error) {
	own, err := os.OpenFile(keeper.LockFile(dir), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return held, fmt.Errorf("locking the database: %w", err)
	}
	var shared *os.File
	held.release = func() {
		shared.Close() // of no file it does nothing
		own.Close()
	}
	defer func() {
		if err != nil {
			held.release()
		}
	}()
	if err := flock(own, syscall.LOCK_EX); err != nil {
		return held, fmt.Errorf("locking the database: %w", err)
	}
	if err := os.MkdirAll(logs.Directory(database), 0o700); err != nil {
		return held, keeper.WithRoomHint(fmt.Errorf("making the directory of the logs: %w", err), filepath.Dir(database))
	}
	if shared, err = os.Open(logs.Directory(database)); err != nil {
		return held, fmt.Errorf("locking the database: %w", err)
	}
	if flock(shared, syscall.LOCK_EX|syscall.LOCK_NB) == syscall.EWOULDBLOCK {
		return held, tend.Errorf(tend.CodeBusy, "another supervisor holds %s, with another runtime directory or in another container", database).
			WithHint("use the same TEND_RUNTIME everywhere")
	}
	if err := held.enlist(own); err != nil {
		// On a full disk we are not on the list. All that follows is that, were we killed at the one moment in which we
		// bear the mark of a run, the next supervisor would take our end for the run's.
		log.Printf("supervisor %d: writing down who has the lock: %v", os.Getpid(), err)
	}
	return held, nil
}

// holding is the lock, and who has had it before.
type holding struct {
	release      func()
	identity     tend.Identity // of this process
	predecessors []tend.Identity
	farewells    []farewell
}

// mostListed is the size from which the list of those who have had the lock begins anew, bytes. Of interest are those
// that died since the last one that lived for a while.
const mostListed = 16 << 10

// enlist adds us to those who have had the lock, and finds out who the others were. Where there is no room for another
// line, it takes the place of the eldest.
func (h *holding) enlist(list *os.File) error {
	text, err := io.ReadAll(list)
	if err != nil {
		return err
	}
	h.predecessors, h.farewells = readList(string(text))
	stat, err := process.ReadStat(os.Getpid())
	if err != nil {
		return err
	}
	h.identity = tend.Identity{PID: stat.PID, Start: stat.Start}
	end := int64(len(text))
	if end > mostListed {
		if err := list.Truncate(0); err != nil {
			return err
		}
		text, end = nil, 0
	}
	ours := fmt.Sprintf("%d %d\n", stat.PID, stat.Start)
	if end > 0 && text[end-1] != '\n' { // a farewell that found no room
		ours = "\n" + ours
	}
	if _, err = list.WriteAt([]byte(ours), end); err != nil {
		_, err = list.WriteAt(replaceEldest(text, ours), 0) // where there is room already
	}
	return err
}

// replaceEldest returns the list with our line at its end, and so many of the first lines missing that it is no longer.
func replaceEldest(text []byte, ours string) []byte {
	rest := text
	for len(rest)+len(ours) > len(text) && len(rest) > 0 {
		_, rest, _ = bytes.Cut(rest, []byte("\n"))
	}
	list := append(bytes.Clone(rest), ours...)
	return append(list, bytes.Repeat([]byte("\n"), max(0, len(text)-len(list)))...)
}

func flock(f *os.File, how int) error {
	for {
		if err := syscall.Flock(int(f.Fd()), how); err != syscall.EINTR {
			return err
		}
	}
}
