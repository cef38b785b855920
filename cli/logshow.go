package cli

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"tend"
	"tend/logs"
)

// logPlace is where the reader of a log has stopped. Whoever goes on from there goes on with the stream, which remembers
// what it has seen: the offsets of a file that is cut short or replaced meanwhile go on from that.
type logPlace struct {
	stream *logs.Stream
	offset int64
	begun  bool // in the middle of a line
}

// show shows what is there of each source, and returns where its reader has stopped. One that cannot be read is not among
// them.
func (v *logView) show(ctx context.Context) (map[*logSource]logPlace, error) {
	rest := map[*logSource]logPlace{}
	var cursors []*logCursor
	found := 0 // runs that are meant
	var unknown error
	for _, source := range v.sources {
		stream, err := logs.OpenStream(source.path)
		if errors.Is(err, fs.ErrNotExist) {
			v.silent(source)
			rest[source] = logPlace{stream: logs.NewStream(source.path)}
			continue
		}
		if err == nil {
			var c *logCursor
			if c, err = v.cursor(ctx, source, stream); err == nil {
				cursors, found = append(cursors, c), found+1
				rest[source] = logPlace{stream: stream}
				continue
			}
			stream.Close()
		}
		var missing *missingRun
		if errors.As(err, &missing) && len(v.sources) > 1 { // one of the others may have it
			unknown = err
			continue
		}
		if len(v.sources) == 1 {
			return nil, err
		}
		v.failed(source, err)
	}
	if unknown != nil && found == 0 {
		return nil, unknown
	}
	if len(cursors) == 1 && len(v.sources) == 1 && v.writer.form.plain() && !v.timed() && v.question.wanted == nil {
		c := cursors[0]
		next, err := v.copy(c)
		rest[c.source] = logPlace{rest[c.source].stream, next, true}
		return rest, err
	}
	err := merge(cursors, func(c *logCursor) error {
		run := ""
		if v.options.json {
			run = c.run()
		}
		if err := v.writer.write(c.source, c.line, c.when, run); err != nil || !v.writer.form.terminal {
			return err
		}
		return v.writer.out.Flush() // the next one may have to be searched for
	}, func(c *logCursor, err error) { v.failed(c.source, err) })
	for _, c := range cursors {
		rest[c.source] = logPlace{rest[c.source].stream, c.reader.at, c.reader.begun}
	}
	return rest, err
}

// silent says of the only source that there is nothing to show.
func (v *logView) silent(source *logSource) {
	if len(v.sources) == 1 && !v.options.follow {
		v.notice("%s has not written anything yet", source.label)
	}
}

// failed says that a source cannot be read, which does not keep the others from being shown.
func (v *logView) failed(source *logSource, err error) {
	v.writeFailure(source.label + ": " + tend.AsError(err).Message)
	v.status = silent(tend.CodeOf(err))
}

// timed reports whether the times of lines are wanted, even if there is only one source.
func (v *logView) timed() bool {
	return v.writer.times() || v.options.json
}

// cursor prepares to read what is asked for of a log.
func (v *logView) cursor(ctx context.Context, source *logSource, stream *logs.Stream) (*logCursor, error) {
	if v.question.run != "" && !source.counts {
		v.notice("what a run wrote to %q cannot be told from the rest of it, and is left out", source.path)
		return nil, &missingRun{tend.Errorf(tend.CodeFailed, "it is not known what a run wrote to %q", source.path)}
	}
	end, err := stream.End()
	if err != nil {
		return nil, err
	}
	if end == 0 {
		v.silent(source)
	}
	p, lost, err := v.question.part(ctx, v.shelf, source, stream, v.now)
	if err != nil {
		return nil, err
	}
	v.lost(source, lost)
	if p, err = v.question.tail(stream, p, v.writer.form.terminal); err != nil {
		return nil, err
	}
	c := &logCursor{source: source}
	if len(v.sources) > 1 || v.timed() {
		c.spans, _ = v.spans(ctx, source, p.from, end) // without them the times are less exact
		if c.timeline, err = v.timeline(source, c.spans, p.from, p.limit, end, v.now); err != nil {
			return nil, err
		}
	}
	size := 0
	if len(v.sources) == 1 {
		size = 512 << 10
	}
	c.reader = newLineReader(stream, p, v.question.wanted, size)
	c.reader.hold = v.options.follow
	c.reader.lost = func(n int64) { v.lost(source, n) }
	return c, nil
}

// lost says that so much of a log is gone that was meant.
func (v *logView) lost(source *logSource, n int64) {
	if n > 0 {
		v.notice("%s: %s of it had been removed, as old, before it could be shown", source.label, count(int(n), "byte"))
	}
}

// copy shows the part of a log as it is, and returns the offset after it.
func (v *logView) copy(c *logCursor) (int64, error) {
	r := c.reader
	to := r.part.limit
	if r.part.to < to {
		var err error
		if to, err = lineStart(r.stream, r.part.to, r.part.from, to); err != nil {
			return 0, err
		}
	}
	buffer := r.buffer[:cap(r.buffer)]
	for at := r.part.from; at < to; {
		n, err := r.stream.ReadAt(buffer[:min(int64(len(buffer)), to-at)], at)
		if n > 0 {
			if _, err := v.Stdout.Write(buffer[:n]); err != nil {
				return 0, err
			}
			at += int64(n)
			continue
		}
		var gone *logs.GoneError
		switch {
		case errors.As(err, &gone) && gone.Next > at:
			v.lost(c.source, min(gone.Next, to)-at)
			at = gone.Next
		case errors.Is(err, io.EOF):
			return at, nil
		default:
			return 0, err
		}
	}
	return to, nil
}
