package supervisor

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"tend"
	"tend/forward"
	"tend/logs"
	"tend/process"
	"tend/store"
)

// What the loop has to do with logs that are sent elsewhere: it says which, and does not leave before they are sent. When
// one has grown, the minder says so.

func (s *Supervisor) newForwards() *forward.Set {
	return forward.New(forward.Host{
		Place: s.place, Start: func(spec process.Spec) (process.Child, error) { return s.spawner.Start(spec) }, Logf: s.logf, Stderr: os.Stderr,
		Note: func(service string, n forward.Note) { s.calls.put(func() { s.noteSending(service, n) }) },
	})
}

// noteSending takes in what is to be said of the sending of a log. A predecessor may have said it.
func (s *Supervisor) noteSending(service string, n forward.Note) {
	sv := s.services[service]
	if sv == nil {
		return
	}
	said := false
	switch {
	case n.Over:
		sv.sendTrouble = ""
	case n.Trouble:
		said = s.said(service, n.Text)
		if n.Waiting > 0 {
			n.Text += fmt.Sprintf("; %d bytes wait to be sent", n.Waiting)
		}
		sv.sendTrouble = n.Text
	}
	if n.Text != "" && !said {
		s.pending.notes = append(s.pending.notes, tend.Entry{At: s.now, Service: service, Run: sv.state.Run, Kind: tend.NoteLog, Text: n.Text})
	}
}

// said reports whether that is the last that was said of a service's log.
func (s *Supervisor) said(service, text string) bool {
	const last = 100
	entries, err := s.store.History(s.ctx, store.HistoryQuery{Services: []string{service}, Last: last})
	if err != nil {
		return false
	}
	said := false
	for _, e := range entries {
		if e.Kind == tend.NoteLog {
			said = strings.HasPrefix(e.Text, text)
		}
	}
	return said
}

// forward sees to it that the logs are sent that are to be, and no others.
func (s *Supervisor) forward() {
	if !s.resumed { // it is not known yet which services are ours
		return
	}
	var targets []forward.Target
	for _, sv := range s.services {
		if sv.definition.LogTo != "" && s.elsewhere(sv) == "" {
			targets = append(targets, s.targets(sv.definition)...)
		}
	}
	s.forwards.Want(targets)
}

// targets are the logs of a service, and where they are sent; nowhere, if it does not say.
func (s *Supervisor) targets(d tend.Service) (targets []forward.Target) {
	add := func(file, stream string) {
		if file == "" {
			file = logs.Path(s.database, d.Name)
		}
		if strings.HasPrefix(file, "/dev/") { // no log
			return
		}
		targets = append(targets, forward.Target{
			Service: d.Name, Error: stream == "stderr", Log: file, Cursor: logs.SentPath(s.database, d.Name, file), To: d.LogTo,
			Dir: d.WorkingDirectory, Env: s.forwardEnvironment(d, stream), Umask: *d.WithDefaults().Umask,
		})
	}
	add(d.Stdout, "stdout")
	if d.Stderr != "" && d.Stderr != d.Stdout {
		add(d.Stderr, "stderr")
	}
	return targets
}

// forwardEnvironment is what a command that a log is sent to finds in its environment. It is none of the service's
// processes, and so must not have its TEND_RUN.
func (s *Supervisor) forwardEnvironment(d tend.Service, stream string) []string {
	vars := d.Environment
	if vars == nil {
		vars = s.caller.Environment()
	}
	env := []string{"TEND_SERVICE=" + d.Service(), "TEND_INSTANCE=" + strconv.Itoa(d.Copy), "TEND_STREAM=" + stream}
	for _, name := range []string{"PATH", "HOME"} {
		if value, ok := vars[name]; ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// beginForwarding is called before a run begins: from here on its output is sent, if it is to be.
func (s *Supervisor) beginForwarding(targets []forward.Target) {
	for _, t := range targets {
		if t.To == "" {
			s.forwards.Forget(t)
		} else if err := s.forwards.Begin(t); err != nil {
			s.logf("%s: %v", t.Service, err)
		}
	}
}

// sent reports whether everything was sent that can be, and no command is there any more; otherwise it has that done.
func (s *Supervisor) sent() bool {
	return s.forwards.Rest(func() { s.calls.put(func() {}) }) // the loop looks again
}
