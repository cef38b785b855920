package supervisor

import (
	"slices"
	"strings"

	"tend"
	"tend/logs"
	"tend/process"
	"tend/store"
)

// What the loop has to do with the minder: it tells it which runs write where, and takes in what is wrong.

// startMinding begins to look after the logs of what runs. It comes last: whoever was supervised is not kept waiting for it.
func (s *Supervisor) startMinding() {
	m := &minder{
		notices: s.notices, turns: s.logTurns, orders: newMailbox[order](), failed: s.logf, rotator: s.newRotator(), pump: s.pipes.pump,
		forwards: s.forwards,
		say:      func(t trouble) { s.calls.put(func() { s.troubled(t) }) },
	}
	m.start()
	m.compress.begin(logs.Directory(s.database))
	s.minder = m
	for _, sv := range s.services {
		s.mind(sv)
	}
}

func (s *Supervisor) newRotator() *logs.Rotator {
	return &logs.Rotator{Log: s.logf, Without: process.SwitchedOff}
}

// mind has the minder look after the logs of a run that has a process.
func (s *Supervisor) mind(sv *service) {
	if s.minder == nil || !sv.state.Phase.Live() || sv.state.Main.IsZero() || s.elsewhere(sv) != "" {
		return
	}
	s.minder.orders.put(order{service: sv.name(), run: sv.state.Run, logs: s.logFiles(sv.definition)})
}

// unmind tells it that a run has ended.
func (s *Supervisor) unmind(run string) {
	if s.minder != nil && run != "" {
		s.minder.orders.put(order{run: run})
	}
}

// logFiles are the files that a service writes its output to, as far as there is something to look after.
func (s *Supervisor) logFiles(d tend.Service) (files []logFile) {
	add := func(path string) {
		file := s.logFile(path, d)
		if !strings.HasPrefix(file.path, "/dev/") && !slices.ContainsFunc(files, func(f logFile) bool { return f.path == file.path }) {
			files = append(files, file)
		}
	}
	add(d.Stdout)
	if d.Stderr != "" {
		add(d.Stderr)
	}
	return files
}

// logFile is the log at a path that a definition gives; "" is the service's own.
func (s *Supervisor) logFile(path string, d tend.Service) logFile {
	if path == "" {
		own := logs.Path(s.database, d.Name)
		return logFile{path: own, marks: logs.MarksPath(own), limits: d.LogLimits(false)}
	}
	file := logFile{path: path, named: true, limits: d.LogLimits(true), marks: logs.MarksPath(path)}
	if file.limits.Max == 0 {
		file.marks = logs.OutsideMarksPath(s.database, path)
	}
	return file
}

// troubled takes in that something is wrong with a log, or is so no more. A predecessor may have told of it.
func (s *Supervisor) troubled(t trouble) {
	sv := s.services[t.service]
	if sv == nil || sv.state.Run != t.run {
		return
	}
	text := t.text()
	switch {
	case t.over:
		sv.logTrouble, text = "", string(t.kind)+": that is over"
	case t.kind.lasts():
		sv.logTrouble = text
	}
	if t.over || !s.toldBefore(t) {
		s.pending.notes = append(s.pending.notes, tend.Entry{At: s.now, Service: t.service, Run: t.run, Kind: tend.NoteLog, Text: text})
	}
}

// toldBefore reports whether the history of the run has the trouble already.
func (s *Supervisor) toldBefore(t trouble) bool {
	const last = 100
	entries, err := s.store.History(s.ctx, store.HistoryQuery{Services: []string{t.service}, Last: last})
	if err != nil {
		return false
	}
	told := false
	for _, e := range entries {
		if e.Run == t.run && e.Kind == tend.NoteLog && strings.HasPrefix(e.Text, string(t.kind)) {
			told = t.kind == troubleCut || !strings.HasSuffix(e.Text, ": that is over")
		}
	}
	return told
}
