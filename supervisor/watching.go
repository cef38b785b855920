package supervisor

import (
	"cmp"
	"time"

	"tend"
	"tend/watch"
)

// What the loop has to do with the files that services are restarted for: it says which, and what follows from a change.

func (s *Supervisor) newWatches() *watch.Set {
	return watch.New(watch.Host{
		Notices: s.notices,
		Changed: func(service, what string, at time.Time) { s.calls.put(func() { s.fileChanged(service, what, at) }) },
		Trouble: func(service, text string) { s.calls.put(func() { s.tellWatchTrouble(service, text) }) },
	})
}

// watches reports whether files of the service are watched: what is not wanted is not started for them.
func (s *Supervisor) watches(sv *service) bool {
	return len(sv.definition.Watch) > 0 && sv.state.Wanted && !sv.definition.IsJob() && s.elsewhere(sv) == "" && !sv.removed
}

// watching follows what becomes of the service.
func (s *Supervisor) watching(sv *service, before tend.State) {
	if sv.state.Run != before.Run || !sv.state.Wanted {
		sv.damping.due, sv.damping.what = time.Time{}, "" // this run has what waited
	}
	if len(sv.definition.Watch) > 0 && (sv.state.Wanted != before.Wanted || sv.state.Phase != before.Phase) {
		s.watchFiles()
	}
}

// watchFiles sees to it that those files are watched that are to be, and no others. It is done once for all that happens in
// one turn of the loop.
func (s *Supervisor) watchFiles() {
	if !s.resumed || s.rewatch {
		return
	}
	s.rewatch = true
	s.effect(func() {
		s.rewatch = false
		var targets []watch.Target
		for _, sv := range s.services {
			if s.watches(sv) {
				targets = append(targets, s.watchTarget(sv))
			} else {
				sv.watchTrouble = ""
			}
		}
		s.filesWatched.Want(targets)
	})
}

// watchTarget is what is watched for a service. What tend writes, and its own output, is not.
func (s *Supervisor) watchTarget(sv *service) watch.Target {
	d, st := sv.definition, sv.state
	t := watch.Target{Service: sv.name(), Directory: cmp.Or(d.WorkingDirectory, "/"), Globs: d.Watch, Since: st.Started, Ignore: []string{s.database, s.dir}}
	for _, own := range []string{d.Stdout, d.Stderr} {
		if own != "" {
			t.Ignore = append(t.Ignore, own)
		}
	}
	return t
}

// fileChanged gives the service a new run. What changed before the present one began is in it already: a service may write
// its files as it ends, and must not be restarted for that for ever.
func (s *Supervisor) fileChanged(name, what string, at time.Time) {
	sv := s.services[name]
	if sv == nil || !s.renewable(sv) || !at.After(sv.state.Started) || s.dampened(sv, what, at) {
		return
	}
	s.renewFor(sv, what)
}

// renewable reports whether a change of its files gives the service a new run.
func (s *Supervisor) renewable(sv *service) bool {
	if s.leaving || s.replaced || !s.watches(sv) {
		return false
	}
	st := sv.state
	return !st.Halting && st.Phase != tend.PhaseStopping && st.Phase != tend.PhaseWaiting // in which the next run has it
}

func (s *Supervisor) renewFor(sv *service, what string) {
	sv.damping.last = s.wall()
	s.pending.notes = append(s.pending.notes, tend.Entry{At: s.now, Service: sv.name(), Run: sv.state.Run, Kind: tend.NoteWatched, Text: what})
	s.renew(sv, tend.Renewed{Cause: tend.CauseWatch, Why: "to be restarted, because " + what})
}

// tellWatchTrouble takes in that files of the service cannot be watched, or can again.
func (s *Supervisor) tellWatchTrouble(name, text string) {
	sv := s.services[name]
	if sv == nil || sv.watchTrouble == text {
		return
	}
	sv.watchTrouble = text
	if text == "" {
		text = "its files are watched again"
	}
	s.pending.notes = append(s.pending.notes, tend.Entry{At: s.now, Service: name, Run: sv.state.Run, Kind: tend.NoteWatched, Text: text})
}
