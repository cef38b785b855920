package task

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

// record is the file that names the commands under way. A line is written before its command begins, so there is none that
// is not named. Where the file cannot be written nothing is remembered: a command that outlives us is better than none.
type record struct {
	path string

	mu      sync.Mutex // guards what follows
	running map[string]bool
	lines   int // in the file
}

// mostLines is how many lines the file may have that name nothing which runs, before it is written anew.
const mostLines = 256

// openRecord returns the record and the ids that a predecessor has left in it.
func openRecord(path string) (*record, []string) {
	r := &record{path: path, running: map[string]bool{}}
	text, _ := os.ReadFile(path) // what cannot be read is as good as not there
	var left []string
	for line := range strings.Lines(string(text)) {
		if id, whole := strings.CutSuffix(line, "\n"); whole && id != "" {
			left = append(left, id)
			r.running[id] = true
		}
	}
	r.lines = len(left)
	return r, left
}

func (r *record) add(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running[id] = true
	r.lines++
	f, err := os.OpenFile(r.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	_, _ = fmt.Fprintln(f, id)
	f.Close()
}

func (r *record) remove(ids ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		delete(r.running, id)
	}
	switch {
	case len(r.running) == 0:
		_ = os.Truncate(r.path, 0)
		r.lines = 0
	case r.lines > mostLines+2*len(r.running):
		r.rewrite()
	}
}

func (r *record) rewrite() {
	var text strings.Builder
	for id := range r.running {
		fmt.Fprintln(&text, id)
	}
	if os.WriteFile(r.path+".new", []byte(text.String()), 0o600) == nil && os.Rename(r.path+".new", r.path) == nil {
		r.lines = len(r.running)
	}
}
