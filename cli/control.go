package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"tend"
	"tend/api"
)

// control has the supervisor start, stop, restart or remove services, and tells how it goes. Ctrl-C ends the telling;
// the work goes on.
func (a *App) control(ctx context.Context, request tend.Request, asJSON bool) error {
	return a.carryOut(ctx, request, a.newReport(request, asJSON))
}

// carryOut is control with a report that the caller may look at afterwards.
func (a *App) carryOut(ctx context.Context, request tend.Request, report *report) error {
	if err := a.carry(ctx, request, report); err != nil {
		return err
	}
	return report.end()
}

// carry has it done and told of, and leaves it to the caller to say how it ended.
func (a *App) carry(ctx context.Context, request tend.Request, report *report) error {
	if !signal.Ignored(os.Interrupt) { // nohup, or a job in the background of a script
		interruptible, release := signal.NotifyContext(ctx, os.Interrupt)
		defer release()
		ctx = interruptible
	}
	err := a.have(ctx, request, report)
	if err != nil && ctx.Err() != nil {
		return a.interrupted(report)
	}
	return err
}

// have has it done and told of, until ctx ends.
func (a *App) have(ctx context.Context, request tend.Request, report *report) error {
	request.Since = a.Now()
	if request.Command == tend.CommandRemove {
		a.name(ctx, &request)
	}
	again := false
	ask := func(c supervision) error {
		if again && request.Command == tend.CommandRemove {
			if all, err := a.removed(ctx, &request, report); all || err != nil {
				return err
			}
		}
		report.asked, again = true, true
		err := c.Do(ctx, request, report.progress)
		if errors.Is(err, api.ErrNoSupervisor) {
			report.asked = false
		}
		return err
	}
	return a.reach(ctx, ask, func() (bool, error) { return a.settle(ctx, request, report) })
}

// settle carries out a request from the database alone, if no service needs a supervisor and none is to run.
func (a *App) settle(ctx context.Context, request tend.Request, report *report) (bool, error) {
	v, err := a.survey(ctx)
	if err != nil {
		return false, err
	}
	chosen, err := v.choose(slices.Concat(request.Words, request.Start), request.All)
	if err != nil {
		return false, err
	}
	if len(chosen) == 0 {
		return true, nil
	}
	switch request.Command {
	case tend.CommandSignal, tend.CommandReload, tend.CommandWait:
		return false, nil
	}
	if request.Command == tend.CommandStart || request.Command == tend.CommandRestart || v.needsSupervisor() {
		return false, nil
	}
	switch request.Command {
	case tend.CommandRemove:
		if err := v.order().CheckRemoval(serviceNames(chosen)); err != nil {
			return true, err
		}
	case tend.CommandStop: // that they are no longer wanted is the supervisor's to write down
		if v.wanted(v.order().Dependants(serviceNames(chosen))) {
			return false, nil
		}
	}
	if request.Command == tend.CommandScale {
		return true, nil
	}
	var removed []string
	var news []tend.Progress
	for _, s := range chosen {
		p := a.settled(v, s)
		switch service := s.Service(); {
		case p.Error != nil || request.Command != tend.CommandRemove:
		case !v.whole(chosen, service):
			p.Kind = tend.ProgressFailed
			p.Error = tend.Errorf(tend.CodeUsage, "%s is a copy of %s, and is not removed alone", s.Label(), service).
				WithHint("to have fewer copies: tend scale %[1]s N; to have none: tend remove %[1]s", typed(service))
		case s.Copy > 0:
			continue
		default:
			p.Kind, p.Service = tend.ProgressRemoved, service
			removed = append(removed, service)
		}
		news = append(news, p)
	}
	if len(removed) > 0 {
		if err := a.opened.Remove(ctx, removed...); err != nil {
			return true, err
		}
	}
	for _, p := range news {
		report.progress(p)
	}
	return true, nil
}

// settled is the outcome for a service that has nothing running here.
func (a *App) settled(v *survey, s tend.Service) tend.Progress {
	status := a.status(v, s)
	p := tend.Progress{Service: s.Label(), Kind: tend.ProgressNotRunning, Done: true, Status: &status}
	if host := v.elsewhere(s.Name); host != "" {
		p.Kind = tend.ProgressFailed
		p.Error = tend.Errorf(tend.CodeConflict, "%s runs on %s", s.Label(), host).About(s.Label()).
			WithHint("do it there; if it has died with that host: tend start --here %s", typed(s.Label()))
	}
	return p
}

// interrupted says, after Ctrl-C, what stands and what goes on.
func (a *App) interrupted(report *report) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	a.writeFailure("interrupted")
	if !report.asked {
		a.writeHint("nothing was done yet")
		return silent(tend.CodeInterrupted)
	}
	var statuses []tend.Status
	client, err := a.client()
	if err == nil && len(report.pending()) > 0 {
		statuses, err = client.Statuses(ctx, tend.Query{Words: report.pending()})
	}
	if err != nil || len(statuses) == 0 {
		a.writeHint("what was asked for goes on without you; tend list shows how things stand")
	}
	for _, s := range statuses {
		line := s.Name + " is " + stateWords(s, a.Now())
		if s.State == tend.PhaseStarting || s.State == tend.PhaseStopping {
			line = s.Name + " is still " + string(s.State) + "; tend goes on with it: tend status " + typed(s.Name)
		}
		a.writeHint(line)
	}
	return silent(tend.CodeInterrupted)
}

// several reports whether a request may mean more than one service, so that every line must say which it is about.
func several(request tend.Request) bool {
	return request.All || len(request.Words)+len(request.Start) > 1 ||
		len(request.Words) == 1 && (strings.ContainsAny(request.Words[0], "*?[") || strings.HasPrefix(request.Words[0], "@"))
}
