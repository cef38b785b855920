package main

import (
	"os"
	"slices"
	"strings"
)

// What a service that depends on others, or has others depend on it, finds in its environment.
const (
	needsVariable  = "CAMPAIGN_NEEDS"  // those that it requires
	neededVariable = "CAMPAIGN_NEEDED" // those that need it, directly or through others
	orderVariable  = "CAMPAIGN_ORDER"  // the file that says who is being stopped in order, while some are
)

// readyWord is in the lock of a run that is about to tell that it is ready.
const readyWord = "ready"

// checkNeeds checks that each service that this one requires has been ready, and lives.
func (r *run) checkNeeds() {
	for _, name := range strings.Fields(os.Getenv(needsVariable)) {
		run, id, ok := holder(r.dir, name)
		text, _ := os.ReadFile(lockPath(r.dir, name))
		if _, lives := alive(id); !ok || !lives || !strings.HasSuffix(string(text), " "+readyWord+"\n") {
			r.violate("it was started, and what it requires is not ready: %s, run %s, process %d (lives: %v), says %q", name, run, id.PID, lives, text)
		}
	}
}

// checkNeeded checks, where services are stopped in order, that those which need this one and are stopped too have ended.
func (r *run) checkNeeded() {
	text, err := os.ReadFile(os.Getenv(orderVariable))
	if err != nil {
		return // nobody is to be stopped before it
	}
	stopped := strings.Fields(string(text))
	for _, name := range strings.Fields(os.Getenv(neededVariable)) {
		if !slices.Contains(stopped, name) {
			continue
		}
		if run, id, ok := holder(r.dir, name); ok {
			if _, lives := alive(id); lives {
				r.violate("it was told to end, and %s, which needs it and is being stopped too, lives: run %s, process %d", name, run, id.PID)
			}
		}
	}
}

// writeOrder says who is being stopped in order.
func writeOrder(path string, names []string) error {
	if err := os.WriteFile(path+".new", []byte(strings.Join(names, " ")+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
