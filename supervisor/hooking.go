package supervisor

import (
	"context"
	"strings"
	"time"

	"tend"
	"tend/hook"
	"tend/logs"
	"tend/store"
	"tend/task"
)

// What the loop has to do with hooks: it says which there are, reads the history for them, and does not leave while one is
// being told.

func (s *Supervisor) newHooks() *hook.Set {
	host, _, _ := strings.Cut(s.place.Host, "/")
	return hook.New(hook.Host{
		Name: host, Entries: s.entriesAfter, Run: s.runHook, Logf: s.logf,
		Trouble: func(service, text string) { s.calls.put(func() { s.tellHookTrouble(service, text) }) },
		Settled: func() { s.calls.put(func() {}) }, // the loop looks again whether it is idle
	})
}

// hookAll sees to it that those hooks are told that are to be, and no others.
func (s *Supervisor) hookAll() {
	if !s.resumed {
		return
	}
	var targets []hook.Target
	for _, sv := range s.services {
		if s.elsewhere(sv) != "" || sv.removed {
			continue
		}
		for _, h := range sv.definition.OnEvent {
			targets = append(targets, hook.Target{Service: sv.definition, Hook: h, Cursors: s.cursorFile(sv)})
		}
	}
	if err := s.hooks.Want(targets, s.lastEvent); err != nil {
		s.logf("%v", err)
	}
}

// partHooks has the hooks of services that are no more told of what is written down with that, their last stop mostly.
func (s *Supervisor) partHooks(names ...string) {
	s.effect(func() {
		for _, name := range names {
			s.hooks.Part(name)
		}
		s.hookAll()
	})
}

// cursorFile is where it stands what the hooks of a service were told.
func (s *Supervisor) cursorFile(sv *service) string { return logs.HooksPath(s.database, sv.name()) }

// sweepCursors removes the cursors of hooks that went with their services, or were taken from them, while nobody supervised.
func (s *Supervisor) sweepCursors() {
	var names []string
	for name, sv := range s.services {
		if len(sv.definition.OnEvent) > 0 {
			names = append(names, name)
		}
	}
	if err := logs.SweepHooks(s.database, names); err != nil {
		s.logf("%v", err)
	}
}

// lastEvent is the id of the last event in the history.
func (s *Supervisor) lastEvent() (id int64, err error) {
	entries, err := s.store.History(s.ctx, store.HistoryQuery{Last: 1})
	for _, e := range entries {
		id = e.ID
	}
	return id, err
}

// entriesAfter reads the history in the loop, which owns the database.
func (s *Supervisor) entriesAfter(ctx context.Context, service string, after int64) (entries []tend.Entry, err error) {
	const most = 100 // at a time
	type answer struct {
		entries []tend.Entry
		err     error
	}
	answers := make(chan answer, 1) // whoever asks may have gone
	s.calls.put(func() {
		entries, err := s.store.History(s.ctx, store.HistoryQuery{Services: []string{service}, After: after})
		answers <- answer{entries, err}
	})
	select {
	case a := <-answers:
		entries, err = a.entries, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if len(entries) > most {
		entries = entries[:most]
		s.hooks.Tell(service)
	}
	return entries, err
}

// tellHooks says that something was written into the history.
func (s *Supervisor) tellHooks(notes []tend.Entry) {
	for _, n := range notes {
		if sv := s.services[n.Service]; sv == nil || len(sv.definition.OnEvent) > 0 { // that of a copy that is no more may be there yet
			s.hooks.Tell(n.Service)
		}
	}
}

// hookTime is how long the command of a hook may take.
const hookTime = 30 * time.Second

func (s *Supervisor) runHook(ctx context.Context, t hook.Target, env []string, stdin []byte) (task.Result, error) {
	def := t.Service.WithDefaults()
	c := command{Command: task.Command{Line: t.Hook, Dir: def.WorkingDirectory, Umask: *def.Umask, Env: env, Stdin: stdin, Timeout: hookTime, Grace: time.Second}, def: def}
	return s.runCommand(ctx, c)
}

// tellHookTrouble takes in that a hook fails, or works again.
func (s *Supervisor) tellHookTrouble(name, text string) {
	sv := s.services[name]
	if sv == nil && text != "" {
		s.logf("%s: %s", name, text)
	}
	if sv == nil || sv.hookTrouble == text {
		return
	}
	known := sv.hookTrouble != "" && text != "" // it fails in another way, which is shown, but no news
	if sv.hookTrouble = text; known {
		return
	}
	if text == "" {
		text = "its events are told again"
	}
	s.logf("%s: %s", name, text)
	s.pending.notes = append(s.pending.notes, tend.Entry{At: s.now, Service: name, Run: sv.state.Run, Kind: tend.NoteHook, Text: text})
}
