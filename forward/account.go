package forward

import (
	"bytes"
	"time"

	"tend/logs"
	"tend/process"
)

// account finds out how much has been sent, and writes it down, but not too often. It returns when to do so again; zero: when
// something was sent.
func (f *forwarder) account(now time.Time) time.Time {
	if due := f.saved.Add(f.pause); now.Before(due) {
		if f.position == f.file.sent && f.look.IsZero() {
			return time.Time{}
		}
		return due
	}
	before := f.acked
	f.acked, f.saved = f.consumed(), now
	if f.acked != f.file.sent {
		f.save(now)
		f.pause = min(2*f.pause, savePause)
	}
	f.look = f.lookAgain(now, f.acked != before)
	return f.look
}

// lookAgain is when to see what a command has read meanwhile, and whether it lives: the longer it does nothing, the later.
func (f *forwarder) lookAgain(now time.Time, progress bool) time.Time {
	if f.command == nil || f.acked == f.position && f.command.watched {
		return time.Time{}
	}
	if !f.command.watched {
		if exit := process.Unreaped(f.command.Identity); exit != nil {
			f.gone(process.Gone{Identity: f.command.Identity, Exit: exit}, now)
			return now
		}
	}
	if f.command.pause = min(2*f.command.pause, longestLook); progress || f.command.pause == 0 {
		f.command.pause = f.pause
	}
	return now.Add(f.command.pause)
}

// consumed is up to where everything was sent. What a command has not read does not count, nor does a line of which it
// has read only a part.
func (f *forwarder) consumed() int64 {
	if f.command == nil {
		return f.position
	}
	unread := f.command.unread()
	if unread == 0 {
		return f.position
	}
	return max(f.acked, f.lineStart(f.position-int64(unread)))
}

// lineStart returns where the line begins that the offset is in, or the offset where that is too far away.
func (f *forwarder) lineStart(offset int64) int64 {
	stream, err := logs.OpenStream(f.target.Log)
	if err != nil {
		return offset
	}
	defer stream.Close()
	text := make([]byte, min(longestLine, max(0, offset)))
	n, err := stream.ReadAt(text, offset-int64(len(text)))
	if n < len(text) || err != nil {
		return offset
	}
	if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
		return offset - int64(len(text)-i-1)
	}
	return offset
}

// save writes the cursor down. Where that cannot be, more is sent again after a crash.
func (f *forwarder) save(now time.Time) {
	c := cursor{sent: f.acked}
	switch {
	case f.command != nil:
		c.command, c.place = f.command.Identity, f.Place
	case f.leaving != nil:
		c.command, c.place = f.leaving.id, f.Place
	}
	if err := c.write(f.target.Cursor); err != nil {
		if !f.unsaved {
			f.Logf("%s: %v", f.target.Service, err)
		}
		f.unsaved, f.saved = true, now
		return
	}
	f.unsaved, f.file, f.saved = false, c, now
}
