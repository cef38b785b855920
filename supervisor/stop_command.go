package supervisor

import (
	"tend"
	"tend/internal/fault"
	"tend/task"
)

// runStopCommand runs the command that comes before the first signal of a stop. It has the time that its definition gives
// it, and is waited for also where the service ends before it does: what it cleans up is not to meet the next run.
func (s *Supervisor) runStopCommand(sv *service) {
	run, c := sv.state.Run, s.command(sv, sv.definition.StopCommand)
	c.Timeout = max(0, sv.state.Next.Sub(s.wall()))
	for _, w := range sv.wishes {
		if w.stopping {
			s.tell(sv, w.op, tend.Progress{Kind: tend.ProgressStopCommand})
		}
	}
	s.effect(func() {
		go func() {
			fault.At(fault.SupervisorStopping)
			result, err := s.runCommand(s.ctx, c)
			s.calls.put(func() { s.stopCommandEnded(sv, run, result, err) })
		}()
	})
}

// stopCommandEnded takes in what became of it. How it ended is told where it did not end well, and changes nothing. One that
// took too long ends when the stop has gone on without it, and perhaps is over.
func (s *Supervisor) stopCommandEnded(sv *service, run string, result task.Result, err error) {
	if s.services[sv.name()] != sv || err == task.ErrClosed {
		return
	}
	text := ""
	switch {
	case err != nil:
		text = "its stop command could not be run: " + err.Error()
	case !result.OK():
		text = "its stop command " + result.String()
	}
	if text != "" {
		s.pending.notes = append(s.pending.notes, tend.Entry{At: s.now, Service: sv.name(), Run: run, Kind: tend.NoteStopping, Text: text})
	}
	if sv.state.Run == run && sv.state.Phase == tend.PhaseStopping {
		s.apply(sv, tend.StopCommandEnded{Run: run})
	}
}

// resumeStopCommand goes on with a stop whose command has died with our predecessor: it may have done half of its work, and
// is not run twice. The service has the rest of its time to end by what it has done; when it has, the command is not waited for.
func (s *Supervisor) resumeStopCommand(sv *service) {
	if sv.state.Main.IsZero() {
		s.apply(sv, tend.StopCommandEnded{Run: sv.state.Run})
		return
	}
	sv.commandLost = sv.state.Run
}

// missStopCommand ends the wait for a command that has died with our predecessor, once the service has ended.
func (s *Supervisor) missStopCommand(sv *service) {
	st := sv.state
	if sv.commandLost == "" || sv.commandLost != st.Run || st.Phase != tend.PhaseStopping || st.StopStep >= 0 || !st.Main.IsZero() {
		return
	}
	sv.commandLost = ""
	s.effect(func() { s.apply(sv, tend.StopCommandEnded{Run: st.Run}) })
}
