package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"tend"
	"tend/api"
	"tend/internal/fault"
	"tend/keeper"
	"tend/process"
)

// answerTime is how long a supervisor is waited for that does not stay long enough to answer: it is replaced within
// milliseconds when it was killed, and after ever longer pauses when it crashes again and again.
const answerTime = 15 * time.Second

// atWork is how long a supervisor must have been answering for its going away to count as the first in a row.
const atWork = time.Second

// reach calls ask with the supervisor's client. Where none runs, without is called, which may answer from the database
// and return true; otherwise one is launched.
func (a *App) reach(ctx context.Context, ask func(supervision) error, without func() (bool, error)) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	var waiting time.Time // since then for an answer
	for {
		asked := time.Now()
		err := a.awake(ctx, func() error { return ask(client) })
		gone := errors.Is(err, api.ErrNoSupervisor)
		if !gone && !errors.Is(err, api.ErrCut) || ctx.Err() != nil {
			return err
		}
		if waiting.IsZero() || time.Since(asked) >= atWork {
			waiting = time.Now()
		}
		if time.Since(waiting) >= answerTime {
			return a.outdatedHint(a.unanswered(err))
		}
		if gone {
			if answered, err := without(); answered || err != nil {
				return err
			}
		}
		if err := a.launch(ctx, waiting.Add(answerTime)); err != nil {
			return a.outdatedHint(err)
		}
	}
}

// awake waits for an answer, and sees to it that those who should give it are not stopped.
func (a *App) awake(ctx context.Context, ask func() error) error {
	if dir, err := a.runtime(); err == nil {
		waiting, cancel := context.WithCancel(ctx)
		defer cancel()
		go keeper.WakeWhile(waiting, dir)
	}
	return ask()
}

// unanswered says that no supervisor stays long enough to answer.
func (a *App) unanswered(err error) error {
	e := tend.Errorf(tend.CodeBusy, "the supervisor does not answer: %w", err)
	if dir, err := a.runtime(); err == nil {
		return e.WithHint("try again, or look into %s", keeper.TendLog(dir))
	}
	return e.WithHint("try again")
}

// outdatedHint says what to do where no supervisor answers because it is an old program, which cannot read what this one has
// brought up to date.
func (a *App) outdatedHint(err error) error {
	if tend.CodeOf(err) == tend.CodeBusy && a.outdated() {
		return tend.AsError(err).WithHint("what supervises the services is another program than this one; to have it run this one: tend upgrade")
	}
	return err
}

// launch starts the supervisor with its keepers, or waits until the deadline for the one that is just being started.
func (a *App) launch(ctx context.Context, deadline time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	database, err := a.database()
	if err != nil {
		return err
	}
	if unknown := process.Misnamed(); len(unknown) > 0 {
		return tend.Errorf(tend.CodeUsage, "TEND_WITHOUT names %q, which tend does not know", unknown[0]).
			WithHint("it may name %s", strings.Join(process.Names(), ", "))
	}
	dir, err := a.runtime()
	if err != nil {
		return err
	}
	env := slices.DeleteFunc(slices.Clone(a.Environ), func(entry string) bool { return strings.HasPrefix(entry, "SERVER_FILE=") })
	return keeper.Launch(ctx, dir, append(env, "SERVER_FILE="+database))
}

// statuses tells how the services are.
func (a *App) statuses(ctx context.Context, q tend.Query) (found []tend.Status, err error) {
	ask := func(c supervision) (err error) {
		found, err = c.Statuses(ctx, q)
		return err
	}
	without := func() (bool, error) {
		v, err := a.survey(ctx)
		if err != nil || v.needsSupervisor() {
			return false, err
		}
		chosen, err := v.choose(q.Words, len(q.Words) == 0)
		for _, s := range chosen {
			found = append(found, a.status(v, s))
		}
		return true, err
	}
	err = a.reach(ctx, ask, without)
	return found, err
}

// changed tells a supervisor, if one runs, that definitions were changed. They are in the database already: a
// supervisor that could not be told reads them when it is next asked for something.
func (a *App) changed(ctx context.Context) error {
	fault.At(fault.CommandWritten)
	client, err := a.client()
	if err != nil {
		return err
	}
	if err := a.awake(ctx, func() error { return client.Changed(ctx) }); err != nil && !errors.Is(err, api.ErrNoSupervisor) && !errors.Is(err, api.ErrCut) {
		return err
	}
	return nil
}

// nobody stands for the supervisor where there cannot be one.
type nobody struct{}

func (nobody) Statuses(context.Context, tend.Query) ([]tend.Status, error) {
	return nil, api.ErrNoSupervisor
}
func (nobody) Do(context.Context, tend.Request, func(tend.Progress)) error {
	return api.ErrNoSupervisor
}
func (nobody) Changed(context.Context) error { return api.ErrNoSupervisor }
