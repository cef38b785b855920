package supervisor

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"tend"
	"tend/logs"
)

// operation is one request for several services, as it is being carried out.
type operation struct {
	request tend.Request
	named   []*service // by the request; others may have to follow
	news    *mailbox[news]
	all     []*service
	open    int             // of them, not done
	failed  map[string]bool // of them, by label
	removed map[string]bool // services that were said to be removed
	renew   *tend.Renewed   // nobody has asked, and nobody is told
	over    bool            // failed as a whole, or all done
	onEnd   func()
}

// news is what a client is told. What needs files is added outside the loop.
type news struct {
	progress tend.Progress
	log      string // a start failed: what it wrote is here …
	from, to int64  // … between these offsets: by now the next run may have written as well
	err      *tend.Error
	end      bool

	listens tend.Identity // zero: it is not asked on what that process and its descendants listen
	port    int           // a start failed: perhaps because somebody has this port …
	before  tend.Identity // … who was there before this process; zero: that is not asked
}

const shownLines = 10

// lookUp adds what is to be found in /proc.
func (n *news) lookUp() {
	if !n.listens.IsZero() {
		n.progress.Listening = listensOn(n.listens)
	}
	if n.before.IsZero() {
		return
	}
	if who := whoHas(n.port, n.before); who != "" && !strings.Contains(n.progress.Error.Message, who) {
		e := *n.progress.Error
		e.Message += "; " + who
		n.progress.Error = &e
	}
}

// Do carries out the request.
func (s *Supervisor) Do(ctx context.Context, request tend.Request, report func(tend.Progress)) error {
	op := &operation{request: request, news: newMailbox[news]()}
	s.calls.put(func() { s.start(op) })
	for {
		select {
		case <-ctx.Done():
			if request.Command == tend.CommandWait {
				s.calls.put(func() { s.abandon(op) })
			}
			return ctx.Err()
		case <-op.news.ready:
		}
		for _, n := range op.news.take() {
			if n.end {
				if n.err != nil {
					return n.err
				}
				return nil
			}
			if n.log != "" {
				n.progress.Output, _ = logs.Between(n.log, n.from, n.to, shownLines) // no log, no lines
			}
			n.lookUp()
			report(n.progress)
		}
	}
}

// start begins the operation on every service that it is about.
func (s *Supervisor) start(op *operation) {
	s.operations[op] = true
	op.onEnd = func() { delete(s.operations, op) }
	err := s.refresh()
	if s.replaced {
		return // whoever asks is cut off, and asks the next supervisor
	}
	var services []*service
	if ends := op.request.Command == tend.CommandStop || op.request.Command == tend.CommandRemove; err == nil || ends {
		services, err = s.asked(op.request)
	}
	switch {
	case err != nil:
		op.end(tend.AsError(err))
		return
	case s.leaving:
		op.end(errLeaving())
		return
	}
	if op.request.Command == tend.CommandRemove {
		if err := s.refuseRemoval(services); err != nil {
			op.end(err)
			return
		}
	}
	op.named = services
	services = s.extended(op, services)
	if s.unsettled(services) {
		s.later = append(s.later, func() { s.start(op) })
		return
	}
	op.all, op.open = services, len(services)
	for _, sv := range s.rollAll(services, op) {
		s.wish(sv, op)
	}
	if len(services) == 0 {
		s.effect(func() { op.end(nil) })
	}
}

// asked are the services that the request is about, each once.
func (s *Supervisor) asked(r tend.Request) ([]*service, error) {
	services, err := s.selected(r.Words, r.All)
	if err != nil || len(r.Start) == 0 {
		return services, err
	}
	started, err := s.selected(r.Start, false)
	for _, sv := range started {
		if !slices.Contains(services, sv) {
			services = append(services, sv)
		}
	}
	return services, err
}

// command is what the operation does with the service.
func (op *operation) command(sv *service) tend.Command {
	if slices.Contains(op.request.Start, sv.definition.Service()) {
		return tend.CommandStart
	}
	return op.request.Command
}

// errLeaving is for whoever wants something started while everything is being stopped.
func errLeaving() *tend.Error {
	return tend.Errorf(tend.CodeBusy, "tend is shutting down").WithHint("try again when it has left")
}

// Statuses shows the services. Where the definitions cannot be read again, those from before count.
func (s *Supervisor) Statuses(ctx context.Context, q tend.Query) ([]tend.Status, error) {
	var views []view
	var err error
	callErr := s.call(ctx, func() (later bool) {
		s.refreshQuietly()
		var chosen []*service
		if chosen, err = s.selected(q.Words, len(q.Words) == 0); s.unsettled(chosen) {
			return true
		}
		views = make([]view, 0, len(chosen))
		for _, sv := range chosen {
			views = append(views, s.view(sv))
		}
		return false
	})
	if err = cmp.Or(callErr, err); err != nil {
		return nil, err
	}
	now := time.Now()
	list := make([]tend.Status, 0, len(views))
	for i := range views {
		v := &views[i]
		status := s.show(v, q.Brief, now)
		if !q.Brief && len(views) <= fewEnough && v.state.Phase.Live() && v.elsewhere == "" && !v.state.Main.IsZero() {
			status.Listening = listensOn(v.state.Main)
		}
		list = append(list, status)
	}
	return list, nil
}

// Changed reads the definitions again.
func (s *Supervisor) Changed(ctx context.Context) (err error) {
	callErr := s.call(ctx, func() (later bool) {
		if err = s.refresh(); s.replaced {
			err = nil // the next supervisor reads everything anyway
		}
		return false
	})
	if callErr != nil {
		return callErr
	}
	return err
}

// selected are the services that the words mean.
func (s *Supervisor) selected(words []string, all bool) ([]*service, error) {
	targets := make([]tend.Target, 0, len(s.services))
	for _, sv := range sorted(s.services) {
		targets = append(targets, sv.target())
	}
	names, err := tend.Select(targets, words, all)
	if err != nil {
		return nil, err
	}
	services := make([]*service, 0, len(names))
	for _, name := range names {
		services = append(services, s.services[name])
	}
	return services, nil
}

// means reports whether all of these are meant.
func (op *operation) means(services ...*service) bool {
	return !slices.ContainsFunc(services, func(sv *service) bool { return !slices.Contains(op.all, sv) })
}

// note remembers whether it did not work for the service.
func (op *operation) note(sv *service, failed bool) {
	if op.failed == nil {
		op.failed = map[string]bool{}
	}
	op.failed[sv.label()] = failed
}

func (op *operation) say(n news) { op.news.put(n) }

// end ends the operation as a whole, with an error if it failed so.
func (op *operation) end(err *tend.Error) {
	if op.over {
		return
	}
	op.over = true
	op.news.put(news{end: true, err: err})
	op.onEnd()
}

// done counts a service off.
func (op *operation) done() {
	if op.open--; op.open == 0 {
		op.end(nil)
	}
}
