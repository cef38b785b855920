package forward

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"tend"
	"tend/logs"
	"tend/process"
)

// batch is how much is in memory at most, bytes.
const batch = 64 << 10

// send sends what there is, as far as it is taken.
func (f *forwarder) send() {
	f.trouble.retryAt, f.through = time.Time{}, false
	stream, err := logs.OpenStream(f.target.Log)
	if errors.Is(err, fs.ErrNotExist) {
		f.through = true
		return
	}
	if err != nil {
		f.fails(textFails(err), time.Now())
		return
	}
	defer stream.Close()
	for {
		text, err := f.read(stream)
		if len(text) == 0 && err == nil {
			f.through = f.mended.IsZero() && f.ahead.IsZero()
			return
		}
		if err == nil {
			err = f.pass(text)
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && f.ordered():
			return
		case errors.Is(err, os.ErrDeadlineExceeded):
			f.stuck()
		case err != nil:
			f.fails(textFails(err), time.Now())
			return
		}
		if f.finished() {
			return
		}
		f.account(time.Now())
	}
}

func (f *forwarder) ordered() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.orders.empty()
}

// read returns what is to be sent next: whole lines, or a part of one that is very long or that gets no end.
func (f *forwarder) read(stream *logs.Stream) ([]byte, error) {
	for {
		end, err := stream.End()
		if err != nil {
			return nil, err
		}
		if !f.inStream(stream, end) || f.position == end {
			return nil, nil
		}
		text := make([]byte, min(batch, end-f.position))
		n, err := stream.ReadAt(text, f.position)
		var gone *logs.GoneError
		switch {
		case n > 0:
			return f.whole(text[:n], f.position+int64(n) >= end), nil
		case errors.As(err, &gone) && gone.Next > f.position:
			f.Note(f.target.Service, Note{Text: textDropped(gone.Next - f.position)})
			f.position = gone.Next
		case errors.Is(err, io.EOF): // it has become shorter just now
			f.ahead = time.Now().Add(retryLeast)
			return nil, nil
		default:
			return nil, err
		}
	}
}

// inStream reports whether what was sent is a part of the log. It may not be for a moment, when somebody has cut the log short
// and nobody of ours has noticed yet. After that it is another log, all of which is to be sent.
func (f *forwarder) inStream(stream *logs.Stream, end int64) bool {
	now := time.Now()
	switch {
	case f.position <= end:
		f.ahead = time.Time{}
		return true
	case f.ahead.IsZero():
		f.ahead = now.Add(retryLeast)
		return false
	case now.Before(f.ahead):
		return false
	}
	f.ahead = time.Time{}
	f.position = min(stream.Start(), end)
	f.acked = f.position
	return true
}

// whole cuts off a last line that has no end, if it may still get one.
func (f *forwarder) whole(text []byte, last bool) []byte {
	complete := bytes.LastIndexByte(text, '\n') + 1
	switch {
	case complete == len(text):
		f.mended = time.Time{}
		return text
	case !last && complete > 0:
		return text[:complete]
	case !last:
		return text
	}
	now, begin := time.Now(), f.position+int64(complete)
	if f.mended.IsZero() || begin != f.partial {
		f.partial, f.mended = begin, now.Add(partialPause)
	}
	if f.finishBy.IsZero() && now.Before(f.mended) && (complete > 0 || len(text) < batch) {
		return text[:complete]
	}
	f.mended = time.Time{}
	return text
}

// pass hands a batch to the sink, which is opened if there is none.
func (f *forwarder) pass(text []byte) error {
	if f.sink == nil {
		if err := f.open(); err != nil {
			return err
		}
	}
	f.guard.patience = f.patience
	if !f.finishBy.IsZero() {
		f.guard.patience = min(f.patience, time.Until(f.finishBy))
	}
	n, err := f.sink.send(text, &f.guard)
	f.position += int64(n)
	if n > 0 {
		f.patience = savePause
		f.trouble.works(time.Now())
	}
	return err
}

// stuck takes in that nothing was taken for as long as we had patience.
func (f *forwarder) stuck() {
	if f.patience >= provenAfter {
		f.tellTrouble(textStuck)
	}
	f.patience = min(2*f.patience, longestWait)
}

// open makes the sink.
func (f *forwarder) open() error {
	line, ok := tend.LogToCommand(f.target.To)
	if !ok {
		s, err := dialSyslog(f.target)
		if err == nil {
			f.sink = s
		}
		return err
	}
	c, err := startCommand(line, f.target, f.Host)
	if err != nil {
		return err
	}
	c.from = f.position
	f.sink, f.command = c, c
	f.save(time.Now())
	c.watched = f.ends.Watch(c.Child, func(g process.Gone) {
		f.order(func(o *orders) { o.gone = append(o.gone, g) })
	})
	return nil
}
