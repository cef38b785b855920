package supervisor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tend"
)

// told remembers who was sent the signal of the present step of a stop, in a file beside the lock. The database says that
// a signal is due before it is sent, and does not say that it was: a supervisor that comes after one that was killed in
// between must neither leave a process without its SIGTERM until SIGKILL is due, nor send a second one, which many
// programs take to mean "at once".
//
// Each line is written right after its signal was sent, so a second one is possible only where we are killed within
// those microseconds. The file is there only while something is being stopped. Where it cannot be written, nothing is
// remembered: a signal too many is better than none.
type told struct {
	path string
	any  bool // the file may be there

	before map[string]bool // lines of the supervisors before us, once asked for
}

// toldLine says who and what: the run and the time at which its stop began tell one stop from another.
func toldLine(id tend.Identity, st tend.State, step int) string {
	return fmt.Sprintf("%d %d %s %d %d\n", id.PID, id.Start, st.Run, st.Since.UnixNano(), step)
}

func newTold(dir string) *told { return &told{path: filepath.Join(dir, "told"), any: true} }

// note takes note that the process was sent the signal of this step of the stop that the state is in.
func (t *told) note(id tend.Identity, st tend.State, step int) {
	f, err := os.OpenFile(t.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	t.any = true
	_, _ = f.WriteString(toldLine(id, st, step))
	f.Close()
}

// already reports whether a supervisor before us has sent the process the signal of this step.
func (t *told) already(id tend.Identity, st tend.State, step int) bool {
	if t.before == nil {
		t.before = map[string]bool{}
		text, _ := os.ReadFile(t.path) // what cannot be read is as good as not there
		for line := range strings.Lines(string(text)) {
			t.before[line] = true
		}
	}
	return t.before[toldLine(id, st, step)]
}

// forget forgets everything, for nothing is being stopped.
func (t *told) forget() {
	if !t.any {
		return
	}
	err := os.Remove(t.path)
	t.any = err != nil && !errors.Is(err, fs.ErrNotExist)
}
