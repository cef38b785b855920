package supervisor

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"tend"
	"tend/keeper"
	"tend/process"
)

// The file of the first lock lists, one a line, all who have had it, and the farewells of those who ended on purpose.

// mostListed is the size from which the list of those who have had the lock begins anew, bytes. Of interest are those
// that died since the last one that lived for a while.
const mostListed = 16 << 10

// enlist adds us to those who have had the lock, and finds out who the others were. Where there is no room for another
// line, it takes the place of the eldest.
func (l *locks) enlist(list *os.File) error {
	text, err := io.ReadAll(list)
	if err != nil {
		return err
	}
	l.predecessors, l.farewells = readList(string(text))
	stat, err := process.ReadStat(os.Getpid())
	if err != nil {
		return err
	}
	l.identity = tend.Identity{PID: stat.PID, Start: stat.Start}
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

// readList reads who has had the lock, and what those who ended on purpose have said.
func readList(text string) (had []tend.Identity, farewells []farewell) {
	for line := range strings.Lines(text) {
		var id tend.Identity
		if n, _ := fmt.Sscanf(line, "%d %d\n", &id.PID, &id.Start); n == 2 {
			had = append(had, id)
		} else if f, ok := parseFarewell(line); ok {
			farewells = append(farewells, f)
		}
	}
	return had, farewells
}

// A farewell is what a supervisor that ends on purpose leaves in the file of its lock: when, and why. It costs one small
// write, which nobody waits for; one that is killed leaves none, and then the exit journal says how it ended.
type farewell struct {
	tend.Identity
	at    time.Time
	cause tend.AbsenceCause
}

const farewellLine = "end %d %d %d %s\n" // pid, start time, unix time in ns, cause

func parseFarewell(line string) (f farewell, ok bool) {
	var at int64
	n, _ := fmt.Sscanf(line, farewellLine, &f.PID, &f.Start, &at, &f.cause)
	f.at = time.Unix(0, at)
	return f, n == 4
}

// bidFarewell says why this supervisor ends. Where it cannot be written, the next one knows less.
func (s *Supervisor) bidFarewell(status int) {
	cause := s.replacedFor
	switch {
	case s.replaced:
	case status != leftOnPurpose:
		return
	case s.leaving:
		cause = tend.AwayShutdown
	default:
		cause = tend.AwayIdle
	}
	list, err := os.OpenFile(keeper.LockFile(s.dir), os.O_WRONLY|os.O_APPEND, 0) // not ours to make: it holds our lock
	if err != nil {
		return
	}
	fmt.Fprintf(list, farewellLine, s.locks.identity.PID, s.locks.identity.Start, time.Now().UnixNano(), cause)
	list.Close()
}
