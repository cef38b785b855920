package supervisor

import (
	"slices"
	"time"

	"tend"
	"tend/process"
)

// What is done to a service that goes on running.

// wishSignal sends a signal to the main process, or to the whole tree. It is no stop: what follows from it is the
// service's own doing. Should the supervisor be killed before it has answered, it may be sent once more.
func (s *Supervisor) wishSignal(sv *service, op *operation) {
	main := sv.state.Main
	if main.IsZero() {
		s.tell(sv, op, s.notRunning(sv, op))
		return
	}
	run, signal := sv.state.Run, op.request.Signal
	s.noteSignal(sv, signal)
	if !op.request.Tree {
		s.effect(func() {
			s.tell(sv, op, sent(sv, main, signal, process.Signal(main, signal)))
		})
		return
	}
	s.effect(func() {
		s.scan(func(all process.Snapshot) {
			if sv.state.Run != run {
				s.tell(sv, op, s.notRunning(sv, op))
				return
			}
			var last *tend.Progress
			members, _ := s.tree(newHunt(sv), all)
			for _, id := range members {
				if err := process.Signal(id, signal); err == nil || id == main {
					if last != nil {
						last.Done = false
						s.tell(sv, op, *last)
					}
					p := sent(sv, id, signal, err)
					last = &p
				}
			}
			if last == nil {
				p := s.notRunning(sv, op)
				last = &p
			}
			last.Done = true
			s.tell(sv, op, *last)
		})
	})
}

func (s *Supervisor) noteSignal(sv *service, signal string) {
	s.pending.notes = append(s.pending.notes, tend.Entry{At: s.now, Service: sv.name(), Run: sv.state.Run, Kind: tend.NoteSignal, Text: "SIG" + signal + " is sent, as somebody asked"})
}

func sent(sv *service, id tend.Identity, signal string, err error) tend.Progress {
	if err != nil {
		return failed(tend.Errorf(tend.CodeFailed, "SIG%s could not be sent to process %d of %s: %w", signal, id.PID, sv.label(), err))
	}
	return tend.Progress{Kind: tend.ProgressSent, PID: id.PID, Signal: signal, Done: true}
}

// notRunning is an error for what was named. Of several that a pattern, a tag or --all means, and of the copies of a service,
// only those that run are meant.
func (s *Supervisor) notRunning(sv *service, op *operation) tend.Progress {
	runs := func(other *service) bool { return !other.state.Main.IsZero() }
	words, name := op.request.Words, sv.definition.Service()
	named := slices.Contains(words, sv.label()) || slices.Contains(words, name) && !slices.ContainsFunc(s.copiesOf(name), runs)
	if !named {
		return s.withStatus(sv, tend.Progress{Kind: tend.ProgressLeftOut, Done: true})
	}
	start := "tend start "
	if sv.definition.IsJob() {
		start = "tend run --once "
	}
	return s.withStatus(sv, failed(tend.Errorf(tend.CodeNotRunning, "%s does not run: it is %s", sv.label(), sv.state.Phase).
		WithHint("%s%s", start, sv.typed())))
}

// How long a service that has sd_notify may take to say that it reads its configuration, and a reload in all.
const (
	reloadBegins = time.Second
	reloadTime   = 90 * time.Second
)

// wishReload has the service read its configuration again.
func (s *Supervisor) wishReload(sv *service, op *operation) {
	main, run := sv.state.Main, sv.state.Run
	if main.IsZero() || sv.state.Phase == tend.PhaseStopping {
		s.tell(sv, op, s.notRunning(sv, op))
		return
	}
	line, signal := sv.definition.ReloadCommand(), sv.definition.ReloadSignal()
	if line == "" && process.WouldEnd(main, signal) {
		s.tell(sv, op, failed(tend.Errorf(tend.CodeFailed, "%s does not handle SIG%s, which would end it", sv.label(), signal).
			WithHint("say how it reads its configuration again, tend set %s --reload SIGNAL or --reload 'command:COMMAND', or restart it", tend.ShellWord(sv.definition.Service()))))
		return
	}
	s.tell(sv, op, tend.Progress{Kind: tend.ProgressReloading, PID: main.PID})
	if line != "" {
		s.reloadByCommand(sv, op, line)
		return
	}
	notifies := sv.definition.Ready.Kind == tend.CheckNotify
	if notifies {
		s.awaitReload(sv, op, run)
	}
	s.noteReload(sv, "SIG"+signal+" is sent, to have it read its configuration again")
	s.effect(func() {
		if err := process.Signal(main, signal); err != nil {
			s.forgetWishes(sv, op)
			s.tell(sv, op, sent(sv, main, signal, err))
		} else if !notifies {
			s.tell(sv, op, tend.Progress{Kind: tend.ProgressReloaded, PID: main.PID, Signal: signal, Done: true})
		}
	})
}

func (s *Supervisor) noteReload(sv *service, text string) {
	s.pending.notes = append(s.pending.notes, tend.Entry{At: s.now, Service: sv.name(), Run: sv.state.Run, Kind: tend.NoteReloaded, Text: text})
}

func (s *Supervisor) reloadByCommand(sv *service, op *operation, line string) {
	run, main, c := sv.state.Run, sv.state.Main, s.command(sv, line)
	c.Timeout = reloadTime
	s.effect(func() {
		go func() {
			result, err := s.runCommand(s.ctx, c)
			s.calls.put(func() {
				text := ""
				switch {
				case err != nil:
					text = "its reload command could not be run: " + err.Error()
				case !result.OK():
					text = "its reload command " + result.String()
				}
				if text != "" {
					s.noteReload(sv, text)
					s.tell(sv, op, failed(tend.Errorf(tend.CodeFailed, "%s: %s", sv.label(), text).WithHint("it runs on as before: tend status %s", sv.typed())))
					return
				}
				if sv.state.Run == run {
					s.noteReload(sv, "was reloaded by its reload command")
				}
				s.tell(sv, op, tend.Progress{Kind: tend.ProgressReloaded, PID: main.PID, Done: true})
			})
		}()
	})
}

// awaitReload waits for a service that tells of its state: first that it reads its configuration, then that it is ready. One
// that does not say the first has done nothing that could be waited for.
func (s *Supervisor) awaitReload(sv *service, op *operation, run string) {
	begun, w := sv.state.Reloading, &wish{op: op}
	done := func() tend.Progress {
		return tend.Progress{Kind: tend.ProgressReloaded, PID: sv.state.Main.PID, Done: true}
	}
	w.until = func() bool {
		switch {
		case sv.state.Run != run || !sv.state.Phase.Live():
			s.tell(sv, op, failed(tend.Errorf(tend.CodeFailed, "%s ended while it was being reloaded", sv.label())))
			return true
		case sv.state.Reloading:
			begun = true
		case begun:
			s.tell(sv, op, done())
			return true
		}
		return false
	}
	sv.wishes = append(sv.wishes, w)
	s.after(reloadBegins, sv, w, func() *tend.Progress {
		if begun {
			return nil
		}
		p := done()
		return &p
	})
	s.after(reloadTime, sv, w, func() *tend.Progress {
		p := failed(tend.Errorf(tend.CodeFailed, "%s has not said within %s that it is ready again", sv.label(), tend.Duration(reloadTime)))
		return &p
	})
}

// after ends a wish after a time, if it is still there then and there is something to be said.
func (s *Supervisor) after(d time.Duration, sv *service, w *wish, say func() *tend.Progress) {
	time.AfterFunc(d, func() {
		s.calls.put(func() {
			for i, other := range sv.wishes {
				if other != w {
					continue
				}
				if p := say(); p != nil {
					sv.wishes = append(sv.wishes[:i:i], sv.wishes[i+1:]...)
					s.tell(sv, w.op, *p)
				}
				return
			}
		})
	})
}

// forgetWishes forgets what the operation waits for.
func (s *Supervisor) forgetWishes(sv *service, op *operation) {
	var others []*wish
	for _, w := range sv.wishes {
		if w.op != op {
			others = append(others, w)
		}
	}
	sv.wishes = others
}

// abandon ends an operation whose news nobody takes any more, where that is all there is to it.
func (s *Supervisor) abandon(op *operation) {
	for _, sv := range s.services {
		s.forgetWishes(sv, op)
	}
	op.end(nil)
}

// wishWait waits for the service to get somewhere, and does nothing for it.
func (s *Supervisor) wishWait(sv *service, op *operation) {
	goal, run := op.request.For, sv.state.Run
	if !sv.state.Phase.Live() {
		run = ""
	}
	w := &wish{op: op}
	w.until = func() bool {
		st := sv.state
		switch {
		case goal.Reached(st, run):
			s.tell(sv, op, s.withStatus(sv, tend.Progress{Kind: tend.ProgressReached, PID: st.Main.PID, Done: true}))
		case goal != tend.GoalStopped && st.Phase == tend.PhaseFailed:
			s.tell(sv, op, s.withStatus(sv, failed(tend.Errorf(tend.CodeFailed, "%s has failed: %s", sv.label(), st.Reason))))
		case s.leaving:
			s.tell(sv, op, failed(errLeaving()))
		default:
			return false
		}
		return true
	}
	if w.until() {
		return
	}
	sv.wishes = append(sv.wishes, w)
	if op.request.Timeout <= 0 {
		return
	}
	left := time.Duration(op.request.Timeout)
	if !op.request.Since.IsZero() { // it may have been sent before
		left = max(0, min(left, time.Until(op.request.Since.Add(left))))
	}
	s.after(left, sv, w, func() *tend.Progress {
		p := s.withStatus(sv, failed(tend.Errorf(tend.CodeFailed, "%s %s%s: it is %s", sv.label(), missed(goal), lapsed(op.request.Timeout), sv.state.Phase)))
		return &p
	})
}

// missed says that the goal was not reached.
func missed(goal tend.Goal) string {
	if goal == tend.GoalExited {
		return "has not ended"
	}
	return "is not " + string(goal)
}

// lapsed says after what time; nothing for one in which nothing could happen.
func lapsed(timeout tend.Duration) string {
	if timeout < tend.Duration(time.Millisecond) {
		return ""
	}
	return " after " + timeout.String()
}

// dismiss tells all who wait for something to happen to a service that is removed; but not whoever removes it.
func (s *Supervisor) dismiss(sv *service, remover *operation) {
	for _, w := range sv.wishes {
		if w.op != remover {
			s.tell(sv, w.op, failed(tend.Errorf(tend.CodeNoService, "%s was removed by another command meanwhile", sv.label())))
		}
	}
	sv.wishes = nil
}
