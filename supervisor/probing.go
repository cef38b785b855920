package supervisor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"tend"
	"tend/logs"
	"tend/probe"
)

// Readiness and health checks follow from the phase: a run that is starting is asked whether it is ready, one that is running
// whether it is well. The asking is done outside the loop; what comes back are a Ready, a Faulted, and what stands in the
// history. Nothing of a check is written down: a new supervisor asks anew.

// probing is the check of one run that goes on.
type probing struct {
	asks
	end    func()
	answer answer
}

// asks is what is asked. The zero value asks nothing.
type asks struct {
	health bool // otherwise whether it is ready
	run    string
	main   tend.Identity
	check  tend.Check

	interval, timeout time.Duration
	failures          int // in a row, that are one too many
}

// answer is what was said last, where that was not what is hoped for. It comes from other goroutines.
type answer struct {
	mu   sync.Mutex
	text string
}

func (a *answer) set(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.text = text
}

func (a *answer) get() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.text
}

// asksOf is what a run in that state is asked.
func asksOf(sv *service) asks {
	st, d := sv.state, sv.definition
	ready := st.Phase == tend.PhaseStarting && d.Ready.Probed()
	health := st.Phase == tend.PhaseRunning && d.Health.Probed()
	if !ready && !health || st.Main.IsZero() || d.Broken != nil {
		return asks{}
	}
	d = d.WithDefaults()
	timeout := time.Duration(d.HealthTimeout)
	if timeout == 0 {
		timeout = time.Duration(tend.DefaultHealthTimeout)
	}
	if ready {
		return asks{run: st.Run, main: st.Main, check: d.Ready, timeout: timeout}
	}
	return asks{
		health: true, run: st.Run, main: st.Main, check: d.Health, timeout: timeout,
		interval: time.Duration(d.HealthInterval), failures: d.HealthFailures,
	}
}

// probe sees to it that the service is asked what it is to be asked, and nothing else.
func (s *Supervisor) probe(sv *service) {
	wanted := asksOf(sv)
	if !s.resumed || s.replaced || s.elsewhere(sv) != "" {
		wanted = asks{}
	}
	if p := sv.probing; p != nil {
		if p.asks == wanted {
			return
		}
		p.end()
		sv.probing = nil
	}
	if wanted == (asks{}) {
		return
	}
	p := &probing{asks: wanted, end: func() {}}
	sv.probing = p
	s.effect(func() { // of a process that nobody knows of nothing is asked
		if sv.probing == p {
			s.beginProbing(sv, p)
		}
	})
}

// probeAll begins to ask whatever was taken over.
func (s *Supervisor) probeAll() {
	for _, sv := range s.services {
		s.probe(sv)
	}
}

func (s *Supervisor) beginProbing(sv *service, p *probing) {
	if p.check.Kind == tend.CheckLog {
		s.followLog(sv, p)
		return
	}
	plan := probe.Plan{Timeout: p.timeout, Pause: probe.Eager, Attempt: s.attempt(sv, p), Heavy: p.check.Kind == tend.CheckCommand}
	if plan.Heavy {
		plan.Timeout += endTime // it ends the command itself
	}
	plan.Told = func(err error) { s.askedReady(sv, p, err) }
	if p.health {
		count := 0
		plan.Pause, plan.Spread = probe.Every(p.interval), true
		plan.Told = func(err error) { s.askedHealth(sv, p, &count, err) }
	}
	p.end = s.prober.Begin(plan).End
}

// endTime is how long it may take to end a command that has had its time.
const endTime = 10 * time.Second

// attempt is one attempt of the check.
func (s *Supervisor) attempt(sv *service, p *probing) func(context.Context) error {
	if p.check.Kind != tend.CheckCommand {
		return func(ctx context.Context) error {
			reached, err := s.checker.Check(ctx, p.check)
			if err == nil && !p.health {
				err = heldByOthers(reached, p.main, p.run)
			}
			return err
		}
	}
	c := s.command(sv, p.check.Target)
	c.Timeout = p.timeout
	return func(ctx context.Context) error {
		result, err := s.runCommand(ctx, c)
		if err == nil && !result.OK() {
			err = fmt.Errorf("the command %s", result)
		}
		return err
	}
}

// askedReady takes in an answer to the question whether a run is ready. It comes from outside the loop.
func (s *Supervisor) askedReady(sv *service, p *probing, err error) {
	if err != nil {
		p.answer.set(err.Error())
		return
	}
	s.calls.put(func() {
		if sv.probing == p {
			s.apply(sv, tend.Ready{Run: p.run})
		}
	})
}

// askedHealth takes in an answer to the question whether a run is well. It comes from outside the loop, which hears of it only
// if it is another one than before.
func (s *Supervisor) askedHealth(sv *service, p *probing, failures *int, err error) {
	if err == nil {
		if *failures > 0 {
			p.answer.set("")
			s.calls.put(func() { s.noteHealth(sv, p, tend.NoteHealthy, "its health check succeeds again") })
		}
		*failures = 0
		return
	}
	*failures++
	p.answer.set(err.Error())
	switch {
	case *failures == p.failures:
		why := fmt.Sprintf("failed its health check %d times in a row: %s", p.failures, err)
		if p.failures == 1 {
			why = fmt.Sprintf("failed its health check: %s", err)
		}
		s.calls.put(func() {
			if sv.probing == p {
				s.apply(sv, tend.Faulted{Run: p.run, Why: why})
			}
		})
	case *failures == 1:
		text := fmt.Sprintf("its health check fails: %s", err)
		s.calls.put(func() { s.noteHealth(sv, p, tend.NoteUnhealthy, text) })
	}
}

func (s *Supervisor) noteHealth(sv *service, p *probing, kind tend.NoteKind, text string) {
	if sv.probing == p {
		s.pending.notes = append(s.pending.notes, tend.Entry{At: s.now, Service: sv.name(), Run: p.run, Kind: kind, Text: text})
	}
}

// followLog waits for the line that says that the run is ready.
func (s *Supervisor) followLog(sv *service, p *probing) {
	ctx, cancel := context.WithCancel(s.ctx)
	p.end = cancel
	p.answer.set(fmt.Sprintf("it has written no line that matches %q", p.check.Target))
	any := false
	for _, log := range s.logsFrom(sv) {
		any = true
		go func() {
			switch err := probe.Line(ctx, log.path, log.from, p.check.Target); {
			case err == nil:
				s.askedReady(sv, p, nil)
			case !errors.Is(err, context.Canceled):
				p.answer.set(err.Error())
			}
		}()
	}
	if !any {
		p.answer.set("its output is kept nowhere, so no line of it can be found")
	}
}

type logFrom struct {
	path string
	from int64
}

// logsFrom are the logs that a run writes into, each with the offset where the run begins in it.
func (s *Supervisor) logsFrom(sv *service) (all []logFrom) {
	if sv.run == nil {
		return nil
	}
	out, err := s.logFile(sv.definition.Stdout, sv.definition), s.logFile(sv.definition.Stderr, sv.definition)
	if !strings.HasPrefix(out.path, "/dev/") {
		all = append(all, logFrom{out.path, sv.run.LogOffset})
	}
	if sv.definition.Stderr == "" || err.path == out.path || strings.HasPrefix(err.path, "/dev/") {
		return all
	}
	from := sv.errorOffset
	if from < 0 { // it began under another supervisor
		from = offsetAt(err, sv.run.StartedAt)
	}
	return append(all, logFrom{err.path, from})
}

// offsetAt is where a log surely had not ended before that time: what a run that began then has written stands behind it.
func offsetAt(log logFile, t time.Time) int64 {
	before, _, err := logs.MarksAround(log.marks, t)
	if err != nil {
		return 0
	}
	return before.Offset
}

// unready is what the readiness check of a run that is starting has got to hear; "": nothing, or nobody asks.
func (sv *service) unready() string {
	if sv.state.Phase != tend.PhaseStarting {
		return ""
	}
	if p := sv.probing; p != nil && !p.health {
		return p.answer.get()
	}
	if sv.definition.Ready.Kind == tend.CheckNotify {
		return unheard(sv.state.Main)
	}
	return ""
}

// unhealthy is what the health check of a run got to hear, if it fails.
func (sv *service) unhealthy() string {
	if p := sv.probing; p != nil && p.health {
		return p.answer.get()
	}
	return ""
}
