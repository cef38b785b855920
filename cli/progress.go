package cli

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"tend"
)

// report tells how a request goes, in the words of the 2008 script, and remembers how it ended for each service.
type report struct {
	app     *App
	request tend.Request
	json    bool
	talk    io.Writer                    // where the news go
	asked   bool                         // the supervisor has the request, and goes on with it
	header  map[string]tend.ProgressKind // the last "Starting NAME ..." or "Stopping NAME ..." shown
	results map[string]tend.Progress     // the last about each service
	order   []string                     // of their first mention
}

func (a *App) newReport(request tend.Request, asJSON bool) *report {
	return &report{app: a, request: request, json: asJSON, talk: a.Stdout, header: map[string]tend.ProgressKind{}, results: map[string]tend.Progress{}}
}

// progress takes one piece of news.
func (r *report) progress(p tend.Progress) {
	if _, known := r.results[p.Service]; !known {
		r.order = append(r.order, p.Service)
	}
	r.results[p.Service] = p
	if !r.json {
		r.show(p)
	}
}

func (r *report) show(p tend.Progress) {
	name := printable(p.Service, false)
	switch p.Kind {
	case tend.ProgressStarting:
		r.begin(p, tend.ProgressStarting, "Starting")
	case tend.ProgressStarted:
		r.begin(p, tend.ProgressStarting, "Starting")
		r.say("... started %s%s", name, started(p))
	case tend.ProgressRunning:
		r.begin(p, tend.ProgressStarting, "Starting")
		r.say("... %s already running with PID %d", name, pid(p))
	case tend.ProgressExited:
		r.begin(p, tend.ProgressStarting, "Starting")
		r.say("... %s has ended by itself: it %s", name, lastExit(p))
	case tend.ProgressScheduled:
		r.begin(p, tend.ProgressStarting, "Starting")
		r.say("... %s waits for its time%s", name, r.nextRun(p))
	case tend.ProgressBegun, tend.ProgressEnded: // who waits for one run sees its output
	case tend.ProgressStopping:
		r.begin(p, tend.ProgressStopping, "Stopping")
	case tend.ProgressStopCommand:
		r.begin(p, tend.ProgressStopping, "Stopping")
		r.say("... running its stop command%s", r.suffix(name))
	case tend.ProgressSignal:
		r.begin(p, tend.ProgressStopping, "Stopping")
		r.say("... sending %s to %d%s", signalled(p.Signal), p.PID, r.suffix(name))
	case tend.ProgressStopped:
		r.begin(p, tend.ProgressStopping, "Stopping")
		r.say("... %s is stopped", name)
	case tend.ProgressNotRunning:
		r.begin(p, tend.ProgressStopping, "Stopping")
		r.say("... service %s is already stopped", name)
	case tend.ProgressUntouched:
		r.say("... %s runs on as it was, with PID %d", name, p.PID)
	case tend.ProgressRemoved:
		r.say("Removed %s from the service list", name)
	case tend.ProgressSent:
		r.say("... sent %s to %d%s", signalled(p.Signal), p.PID, r.suffix(name))
	case tend.ProgressReloading:
		r.begin(p, tend.ProgressReloading, "Reloading")
	case tend.ProgressReloaded:
		r.say("... reloaded %s", name)
	case tend.ProgressLeftOut:
		r.say("... %s does not run%s", name, restsAs(p))
	case tend.ProgressReached:
		r.reached(p, name)
	case tend.ProgressFailed:
		for _, pid := range p.Left {
			r.say("... process %d could not be killed%s", pid, r.suffix(name))
		}
		r.app.writeTrouble(p)
	}
}

// begin shows the line that everything about a start or stop stands under, unless it was shown.
func (r *report) begin(p tend.Progress, kind tend.ProgressKind, word string) {
	if r.header[p.Service] != kind {
		r.header[p.Service] = kind
		r.say("%s %s ...", word, printable(p.Service, false))
	}
}

// suffix names the service on lines that do not name it otherwise, where there are several.
func (r *report) suffix(name string) string {
	if several(r.request) || len(r.order) > 1 || strings.Contains(name, "@") {
		return " (" + name + ")"
	}
	return ""
}

func (r *report) say(format string, args ...any) { fmt.Fprintf(r.talk, format+"\n", args...) }

func (r *report) nextRun(p tend.Progress) string {
	if p.Status == nil || p.Status.NextRun.IsZero() {
		return ""
	}
	return ": " + nextTime(p.Status.NextRun, r.app.Now())
}

// restsAs says how a service is that was left out.
func restsAs(p tend.Progress) string {
	if p.Status == nil {
		return ""
	}
	return ": it is " + string(p.Status.State)
}

func pid(p tend.Progress) int {
	if p.PID == 0 && p.Status != nil {
		return p.Status.PID
	}
	return p.PID
}

func lastExit(p tend.Progress) string {
	if p.Status == nil || p.Status.LastExit == nil {
		return "exited"
	}
	return p.Status.LastExit.Account()
}

// writeTrouble tells what went wrong with one service: what happened, the last lines it wrote, what comes next, and
// what to type.
func (a *App) writeTrouble(p tend.Progress) {
	err := p.Error
	if err == nil {
		err = tend.Errorf(tend.CodeFailed, "it did not work")
	}
	message := err.Message
	if !strings.Contains(message, p.Service) {
		message = p.Service + " " + message
	}
	a.writeFailure(message)
	if len(p.Output) > 0 {
		fmt.Fprintf(a.Stderr, "%slast lines of its output:\n", margin)
		for _, line := range p.Output {
			parts := fill(printable(line, false), max(0, a.talkWidth()-4))
			fmt.Fprintf(a.Stderr, "%s  | %s\n", margin, strings.Join(parts, "\n"+margin+"    "))
		}
	}
	hint := err.Hint
	if p.Status != nil && (hint == "" || isCommand(hint)) { // a hint in words says what comes next
		a.writeHint(next(*p.Status, a.Now()))
	}
	if hint == "" {
		hint = "tend status " + typed(p.Service)
		if len(p.Output) > 0 {
			hint = "tend logs " + typed(p.Service)
		}
	}
	a.writeHint(hint)
}

// end shows the results, where JSON is wanted, and returns the exit status as an error that was told already.
func (r *report) end() error {
	if r.json {
		if err := r.app.writeResults(r.all()); err != nil {
			return err
		}
	} else if len(r.order) == 0 && r.request.Command != tend.CommandScale {
		r.say("No processes")
	}
	return r.outcome()
}

// all is the last about each service.
func (r *report) all() []tend.Progress {
	results := []tend.Progress{}
	for _, name := range r.order {
		results = append(results, r.results[name])
	}
	return results
}

// outcome is the exit status as an error that was told already, nil if everything went well.
func (r *report) outcome() error {
	code := tend.Code("")
	for _, p := range r.results {
		switch {
		case p.Kind != tend.ProgressFailed:
		case p.Error == nil || code != "" && code != p.Error.Code:
			code = tend.CodeFailed
		default:
			code = p.Error.Code
		}
	}
	if code != "" {
		return silent(code)
	}
	return nil
}

// runs reports whether the service, or a copy of it, runs now, as far as it was said.
func (r *report) runs(name string) bool {
	for label, p := range r.results {
		if service, _, ok := tend.ParseCopy(label); label != name && (!ok || service != name) {
			continue
		}
		if p.Kind == tend.ProgressStarted || p.Kind == tend.ProgressRunning {
			return true
		}
	}
	return false
}

// pending are the services that were begun with and not ended with.
func (r *report) pending() []string {
	var names []string
	for _, name := range r.order {
		if !r.results[name].Done {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// started says how long a start took, where it was more than waiting, and on what the service listens.
func started(p tend.Progress) string {
	text := ""
	if p.Took > 0 && p.Ready != "" && !strings.HasPrefix(p.Ready, "alive:") {
		text = " after " + took(p.Took)
	}
	if len(p.Listening) > 0 {
		text += ", listening on " + printable(tend.Ports(p.Listening), false)
	}
	return text
}

// took writes seconds as one would say them.
func took(seconds float64) string {
	if seconds < 59.95 {
		return fmt.Sprintf("%.1fs", seconds)
	}
	return tend.Span(time.Duration(seconds * float64(time.Second)))
}
