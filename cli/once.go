package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"sync"
	"time"

	"tend"
	"tend/logs"
	"tend/store"
)

// once is `tend run --once` at work: one run, of which the output is shown as it comes.
type once struct {
	*App
	request tend.Request
	report  *report
	outputs []*jobOutput
	group   sync.WaitGroup
}

// jobOutput is one stream of the job, on its way from its log to the one of ours that it stands for.
type jobOutput struct {
	stream *logs.Stream
	next   int64
	to     io.Writer
	broken bool // nobody reads any more
}

func (a *App) runOnce(ctx context.Context, c *command, o *addOptions, args arguments) error {
	name := args.words[0]
	if len(args.words) > 1 || args.dash >= 0 {
		if err := a.defineOnce(ctx, c, o, args); err != nil {
			return err
		}
	}
	if _, err := a.runtime(); err != nil {
		return err
	}
	found, err := a.statuses(ctx, tend.Query{Words: []string{name}})
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return misused(c, "--once takes one service, and %s means %d", name, len(found))
	}
	request := tend.Request{Command: tend.CommandOnce, Words: []string{found[0].Name}, Since: a.Now()}
	r := &once{App: a, request: request, report: a.newReport(request, o.json)}
	r.report.talk = a.Stderr // standard output is the service's
	if !o.json {
		r.listen(found[0])
	}
	return r.run(ctx)
}

// defineOnce writes the definition down that is given. Unless it says otherwise, the service is one that is not restarted.
func (a *App) defineOnce(ctx context.Context, c *command, o *addOptions, args arguments) error {
	old, err := a.existing(ctx, args.words[0])
	if err != nil {
		return err
	}
	s, err := a.service(c, &o.definition, args, old != nil)
	if err != nil {
		return err
	}
	if s.Restart == "" && s.Schedule == "" {
		s.Restart = tend.RestartNo
	}
	if old == nil {
		return a.define(ctx, nil, store.Revision{Add: []tend.Service{s}})
	}
	if len(differences(*old, s)) == 0 {
		return nil
	}
	now, err := a.statuses(ctx, tend.Query{Words: []string{s.Name}})
	if err != nil {
		return err
	}
	for _, one := range now {
		if one.State.Live() {
			return tend.Errorf(tend.CodeConflict, "%s is %s, as process %d", one.Name, one.State, one.PID).WithHint("tend stop %s", typed(one.Name))
		}
	}
	return a.define(ctx, []tend.Service{*old}, store.Revision{Change: []tend.Service{s}})
}

// listen prepares to show what the service writes from now on.
func (r *once) listen(s tend.Status) {
	own := s.Log
	for _, file := range outputs(s.Definition, own) {
		out := &jobOutput{to: r.Stdout}
		if file.stream == "stderr" {
			out.to = r.Stderr
		}
		stream, err := logs.OpenStream(file.path)
		if err == nil {
			out.next, err = stream.End()
		} else if errors.Is(err, fs.ErrNotExist) {
			stream, err = logs.NewStream(file.path), nil
		}
		if err != nil {
			r.warn("", "what %s writes cannot be shown: %v", s.Name, err)
			continue
		}
		out.stream = stream
		r.outputs = append(r.outputs, out)
	}
}

func (r *once) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.stopOnInterrupt(ctx, cancel)
	following, enough := context.WithCancel(ctx)
	for _, out := range r.outputs {
		r.group.Go(func() { _ = out.stream.Follow(following, out.next, out.take) })
	}
	err := r.reach(ctx, func(c supervision) error {
		return c.Do(ctx, r.request, r.progress)
	}, func() (bool, error) { return false, nil })
	enough()
	r.group.Wait()
	for _, out := range r.outputs {
		out.rest()
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return r.interrupted(r.report)
	case err != nil:
		return err
	}
	return r.end()
}

// progress takes the news. Of the run itself only its end is told, and only a bad one: everything else is its output.
func (r *once) progress(p tend.Progress) {
	r.report.asked = true
	own := p.Service == r.request.Words[0]
	if own && !r.report.json && p.Kind != tend.ProgressFailed {
		r.report.results[p.Service] = p
		return
	}
	r.report.progress(p)
}

func (r *once) end() error {
	p := r.report.results[r.request.Words[0]]
	if r.report.json {
		if err := r.report.end(); err != nil {
			return err
		}
	}
	if p.Kind != tend.ProgressEnded {
		return silent(tend.CodeOf(p.Error))
	}
	if !r.report.json && (p.Exit == nil || p.Exit.Signal != "" || p.Exit.Unknown || p.Exit.Lost != "" || p.Exit.Fault != "") {
		r.writeFailure(p.Service + " " + p.Exit.Account())
	}
	if status := exitedLike(p.Exit); status != 0 {
		return status
	}
	return nil
}

// stopOnInterrupt has Ctrl-C ask the job to stop, and a second one leave it to itself.
func (r *once) stopOnInterrupt(ctx context.Context, leave func()) {
	if signal.Ignored(os.Interrupt) {
		return
	}
	pressed := make(chan os.Signal, 2)
	signal.Notify(pressed, os.Interrupt)
	go func() {
		defer signal.Stop(pressed)
		for first := true; ; first = false {
			select {
			case <-ctx.Done():
				return
			case <-pressed:
			}
			if !first {
				leave()
				return
			}
			r.writeFailure("asking " + r.request.Words[0] + " to stop; Ctrl-C again to wait no longer")
			go r.askToStop(ctx)
		}
	}()
}

func (r *once) askToStop(ctx context.Context) {
	client, err := r.client()
	if err == nil {
		stop := tend.Request{Command: tend.CommandStop, Words: r.request.Words, Since: time.Now()}
		err = client.Do(ctx, stop, func(tend.Progress) {})
	}
	if err != nil && ctx.Err() == nil {
		r.writeFailure(tend.AsError(err).Message)
	}
}

// take shows what has come. What was dropped before that is missing.
func (o *jobOutput) take(offset int64, text []byte) error {
	if !o.broken {
		_, err := o.to.Write(text)
		o.broken = err != nil // the job goes on, and is waited for
	}
	o.next = offset + int64(len(text))
	return nil
}

// rest shows what is there when the job has ended.
func (o *jobOutput) rest() {
	defer o.stream.Close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := o.stream.ReadAt(buffer, o.next)
		if n > 0 {
			_ = o.take(o.next, buffer[:n])
			continue
		}
		var gone *logs.GoneError
		if !errors.As(err, &gone) || gone.Next <= o.next {
			return
		}
		o.next = gone.Next
	}
}
