package cli

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"tend/logs"
)

// logFollower shows what comes to one log. Its text arrives in blocks that end anywhere; lines are put together again, so
// that those of several services are not mixed up.
type logFollower struct {
	*logFollowers
	source *logSource
	at     int64 // offset of rest
	rest   []byte
	begun  bool        // rest goes on from a piece that was shown
	moment *time.Timer // runs while rest waits for its end
}

// logFollowers are all of them.
type logFollowers struct {
	*logView
	mu    sync.Mutex // of the writer, and of each follower's rest
	group sync.WaitGroup
}

// lingering is how long a line that has no end yet may wait for it, before it is shown as it is: it may be a question, or
// dots that are counting.
const lingering = 200 * time.Millisecond

// follow shows what is there and goes on with what comes.
func (v *logView) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	whenClosed(v.Stdout, cancel)
	var changes <-chan struct{}
	if v.every && v.db != nil { // before the first look, so that nothing comes between
		var err error
		if changes, err = logs.Changes(ctx, v.shelf.database); err != nil {
			return err
		}
	}
	rest, err := v.show(ctx)
	if err != nil {
		return err
	}
	return v.goOn(ctx, rest, changes)
}

// goOn goes on with what comes, from where the readers have stopped. With changes, services that are added are meant as well.
func (v *logView) goOn(ctx context.Context, rest map[*logSource]logPlace, changes <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := &logFollowers{logView: v}
	if err := v.writer.out.Flush(); err != nil {
		return err
	}
	failed := make(chan error, 1)
	for _, s := range v.sources {
		if from, ok := rest[s]; ok {
			f.start(ctx, s, from, failed)
		}
	}
	ended := make(chan struct{})
	if changes == nil {
		go func() { f.group.Wait(); close(ended) }()
	}
	defer f.group.Wait()
	defer cancel()
	var settled <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case <-ended:
			return nil
		case <-changes:
			settled = time.After(settling)
		case <-settled:
			settled = nil
			f.newcomers(ctx, failed)
		}
	}
}

// start follows a log from where its reader has stopped. failed is told if nothing can be written any more.
func (f *logFollowers) start(ctx context.Context, source *logSource, from logPlace, failed chan<- error) {
	follower := &logFollower{logFollowers: f, source: source, at: from.offset, begun: from.begun}
	f.group.Go(func() {
		defer from.stream.Close()
		var unwritten error
		err := from.stream.Follow(ctx, from.offset, func(offset int64, text []byte) error {
			unwritten = follower.take(ctx, offset, text)
			return unwritten
		})
		f.mu.Lock()
		defer f.mu.Unlock()
		switch {
		case unwritten != nil:
			select {
			case failed <- unwritten:
			default: // another one has said so
			}
		case err != nil && ctx.Err() == nil:
			f.failed(source, err)
		}
	})
}

// newcomers follows the logs of services that were added. Their logs may be older than they are: of a service that was
// removed, or a file that others write to. Their runs say where they begin.
func (f *logFollowers) newcomers(ctx context.Context, failed chan<- error) {
	services, err := f.copies(ctx)
	if err != nil { // it is written to just now; that is news as well
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	known := map[string]bool{}
	for _, s := range f.sources {
		known[s.service+"\x00"+s.path] = true
	}
	for _, service := range services {
		for _, s := range f.logSources(f.shelf.database, service) {
			if known[s.service+"\x00"+s.path] {
				continue
			}
			from := logPlace{stream: logs.NewStream(s.path)}
			from.offset, _ = from.stream.End() // it is followed from the beginning if that cannot be told
			if spans, _ := f.spans(ctx, s, 0, from.offset); len(spans) > 0 && !spans[0].gone && spans[0].run.StartedAt.After(f.now) {
				from.offset = spans[0].from
			}
			f.add(s)
			f.start(ctx, s, from, failed)
		}
	}
}

// take shows what has come: the lines that are complete, and of the last one what is too long to wait for its end.
func (f *logFollower) take(ctx context.Context, offset int64, text []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.moment != nil {
		f.moment.Stop()
	}
	switch next := f.at + int64(len(f.rest)); {
	case offset > next:
		if err := f.gap(ctx, next, offset); err != nil {
			return err
		}
	case offset < next: // somebody has found out meanwhile where in the stream a file belongs that took the place of another
		f.at = offset - int64(len(f.rest))
	}
	f.rest = append(f.rest, text...)
	show := f.shower(ctx, int64(len(f.rest)))
	for {
		n := bytes.IndexByte(f.rest[:min(len(f.rest), maxLine+1)], '\n')
		line := logLine{offset: f.at, begun: f.begun}
		switch {
		case n >= 0:
			line.text = f.rest[:n]
		case len(f.rest) > maxLine:
			line.text, line.open = f.rest[:maxLine], true
		default:
			f.rest = bytes.Clone(f.rest) // lets go of what was shown
			return errors.Join(f.wait(ctx, show), f.writer.out.Flush())
		}
		if err := f.give(line, show); err != nil {
			return err
		}
	}
}

// give shows a line and lets go of it.
func (f *logFollower) give(line logLine, show func(logLine) error) error {
	f.rest, f.at, f.begun = f.rest[line.next()-f.at:], line.next(), line.open
	if !f.question.wanted.match(line.text) {
		return nil
	}
	return show(line)
}

// shower returns what shows lines of a block with their times and runs. Where every write is marked, its time is looked up;
// else it is that of now, at which we have seen it.
func (f *logFollower) shower(ctx context.Context, n int64) func(logLine) error {
	var t timeline
	var spans []span
	now := placed{at: f.Now()}
	if f.source.timed && (f.options.json || f.writer.times()) {
		if marks, err := logs.Marks(f.source.marks, f.at, f.at+n); err == nil {
			t = newTimeline(marks, nil, now.at.Add(-thinned))
		}
	}
	if f.options.json {
		spans, _ = f.spans(ctx, f.source, f.at, whole)
	}
	return func(line logLine) error {
		when := now
		if p := t.place(line.offset); !p.at.IsZero() {
			when = p
		}
		return f.writer.write(f.source, line, when, wrote(spans, line.offset))
	}
}

// wait leaves a line that has no end yet for a moment: others may not write into it. Where there are no others, it is shown
// at once. One that is filtered, or becomes an object, waits for its end.
func (f *logFollower) wait(ctx context.Context, show func(logLine) error) error {
	switch {
	case len(f.rest) == 0 || f.question.wanted != nil || f.options.json:
		return nil
	case !f.writer.form.named && len(f.sources) == 1:
		return f.unfinished(show)
	}
	f.moment = time.AfterFunc(lingering, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		// What cannot be written is found out with the next line.
		_ = errors.Join(f.unfinished(f.shower(ctx, int64(len(f.rest)))), f.writer.out.Flush())
	})
	return nil
}

// unfinished shows what there is of a line that has no end yet.
func (f *logFollower) unfinished(show func(logLine) error) error {
	n := len(f.rest)
	if f.writer.form.terminal {
		n = wholeCharacters(f.rest)
	}
	if n == 0 {
		return nil
	}
	return f.give(logLine{offset: f.at, text: f.rest[:n], begun: f.begun, open: true}, show)
}

// gap says that what is between two offsets was dropped before it was shown.
func (f *logFollower) gap(ctx context.Context, from, to int64) error {
	if len(f.rest) > 0 {
		line := logLine{offset: f.at, text: f.rest, begun: f.begun, open: true}
		if err := f.give(line, f.shower(ctx, int64(len(f.rest)))); err != nil {
			return err
		}
	}
	f.lost(f.source, to-from)
	f.at, f.begun, f.rest = to, false, nil
	return nil
}
