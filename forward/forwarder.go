package forward

import (
	"sync"
	"time"

	"tend"
	"tend/process"
)

// Times of a forwarder.
const (
	savePause    = time.Second           // between writing the cursor down, once it has been done some times:
	firstSave    = 50 * time.Millisecond // who is killed over and over is to get ahead all the same
	partialPause = time.Second           // in which a last line may still get its end
	finishTime   = 5 * time.Second
	longestWait  = time.Minute // however long nothing is taken
	longestLook  = 5 * time.Second
)

// forwarder sends one log. It is one goroutine; others only leave orders.
type forwarder struct {
	*common
	wake chan struct{} // holds one token while there may be something to do
	done chan struct{} // closed when it has ended

	guard  guard
	mu     sync.Mutex // guards the next two
	orders orders
	deaf   bool // it takes no orders any more

	// Owned by its goroutine.
	target   Target
	file     cursor        // as it stands in the file
	saved    time.Time     // when it was looked at last whether to write it
	pause    time.Duration // until that is to be done again
	position int64         // everything before was handed to the sink
	acked    int64         // everything before counts as sent; the same where there is no sink
	sink     sink          // nil: none is open
	command  *command      // the sink, where it is one, also while it is ending
	leaving  *leaving      // a command that is to end before another begins
	trouble  trouble
	patience time.Duration // with a sink that takes nothing
	look     time.Time     // when it is looked what the command has read since; zero: it has read everything
	through  bool          // everything is sent
	partial  int64         // the last line, which begins there, has no end …
	mended   time.Time     // … and until then it may get one; zero: there is no such line
	ahead    time.Time     // until then the log may be shorter than what was sent of it; zero: it is not
	finishBy time.Time     // everything is to be sent by then, and the forwarder to end; zero: it goes on
	forget   bool          // what was sent, after that
	unsaved  bool          // the cursor could not be written, which was said
}

// common is what all forwarders share.
type common struct {
	Host
	ends      process.Ends // of commands
	beginning sync.Mutex   // one log at a time
}

// orders are what others want of a forwarder.
type orders struct {
	target *Target // this, from now on
	finish bool    // end, when what is left is sent, or soon
	goOn   bool    // do not
	forget bool    // what was sent, at the end
	halt   bool    // end at once
	gone   []process.Gone
}

func (o orders) empty() bool {
	return o.target == nil && !o.finish && !o.goOn && !o.forget && !o.halt && len(o.gone) == 0
}

func newForwarder(c *common, t Target) *forwarder {
	return &forwarder{common: c, target: t, wake: make(chan struct{}, 1), done: make(chan struct{}), pause: firstSave, patience: savePause}
}

// order changes what is wanted of it. It is false when the forwarder has ended.
func (f *forwarder) order(change func(*orders)) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.deaf {
		return false
	}
	change(&f.orders)
	f.guard.call()
	f.tell()
	return true
}

// tell says that there may be something to do.
func (f *forwarder) tell() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// run is the forwarder's goroutine. It begins when the one before it has ended.
func (f *forwarder) run(before <-chan struct{}) {
	defer close(f.done)
	if before != nil {
		<-before
	}
	f.resume()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-f.wake:
		case <-timer.C:
		}
		if halt := f.hear(); halt {
			return
		}
		next := f.work()
		if f.over() {
			return
		}
		if timer.Stop(); !next.IsZero() {
			timer.Reset(max(0, time.Until(next)))
		}
	}
}

// resume goes on where a forwarder before has left it.
func (f *forwarder) resume() {
	f.beginning.Lock()
	c, err := begin(f.target)
	f.beginning.Unlock()
	if err != nil {
		f.Logf("%s: %v", f.target.Service, err)
	}
	f.file, f.position, f.acked = c, c.sent, c.sent
	if !c.command.IsZero() && c.place == f.Place {
		f.leaving = newLeaving(c.command, time.Now())
	}
}

// hear takes in orders. It reports whether this is the end.
func (f *forwarder) hear() (halt bool) {
	f.mu.Lock()
	o := f.orders
	f.orders = orders{}
	f.guard.heard()
	f.deaf = o.halt
	f.mu.Unlock()
	now := time.Now()
	for _, g := range o.gone {
		f.gone(g, now)
	}
	if o.target != nil && !o.target.same(f.target) {
		f.retire(now)
		if f.trouble.told {
			f.Note(f.target.Service, Note{Over: true})
		}
		f.target, f.trouble = *o.target, trouble{}
	}
	if o.goOn {
		f.finishBy = time.Time{}
	}
	if o.finish && f.finishBy.IsZero() {
		f.finishBy, f.through = now.Add(finishTime), false
		f.trouble.retryAt = time.Time{} // one more attempt
	}
	f.forget = (f.forget || o.forget) && !o.goOn
	if o.halt {
		f.end()
	}
	return o.halt
}

// work does what is to be done now, and returns when there is more; zero: when it is told.
func (f *forwarder) work() time.Time {
	var next earliest
	if f.leaving != nil && f.leaving.over(time.Now()) {
		f.left()
	}
	if f.leaving == nil && !f.finished() && !time.Now().Before(f.trouble.retryAt) {
		f.send()
	}
	now := time.Now()
	if f.trouble.over(now) {
		f.trouble = trouble{}
		f.Note(f.target.Service, Note{Text: textWorks, Over: true})
	}
	if f.command != nil && f.leaving == nil && f.finished() {
		f.retire(now)
	}
	switch {
	case f.leaving != nil:
		next.of(f.leaving.next)
	case f.finished():
	case !f.trouble.retryAt.IsZero():
		next.of(f.trouble.retryAt)
	default:
		next.of(f.mended)
		next.of(f.ahead)
		next.of(f.finishBy)
	}
	next.of(f.trouble.provenAt)
	next.of(f.account(now))
	return next.Time
}

// finished reports whether it is to end, and has sent what it could in the time that there was.
func (f *forwarder) finished() bool {
	return !f.finishBy.IsZero() && (f.through || !time.Now().Before(f.finishBy) || f.trouble.retryAt.After(f.finishBy))
}

// over ends the forwarder, if it has finished and nobody wants anything else by now.
func (f *forwarder) over() bool {
	if !f.finished() || f.command != nil || f.leaving != nil {
		return false
	}
	f.mu.Lock()
	f.deaf = f.orders.empty()
	over := f.deaf
	f.mu.Unlock()
	if over {
		f.end()
	}
	return over
}

// end leaves the cursor as it is now.
func (f *forwarder) end() {
	f.acked = f.consumed()
	if f.acked != f.file.sent {
		f.save(time.Now())
	}
	f.close()
	if f.forget {
		forget(f.target)
	}
}

// close closes the sink. What it was given and has not read is to be sent again.
func (f *forwarder) close() {
	f.acked = f.consumed()
	switch {
	case f.command != nil:
		f.command.close()
	case f.sink != nil:
		f.sink.close()
	}
	f.sink, f.command, f.position, f.look = nil, nil, f.acked, time.Time{}
}

// earliest is the earliest of some times; zero ones do not count.
type earliest struct{ time.Time }

func (e *earliest) of(t time.Time) {
	if !t.IsZero() && (e.IsZero() || t.Before(e.Time)) {
		e.Time = t
	}
}

// gone takes in that a command has ended.
func (f *forwarder) gone(g process.Gone, now time.Time) {
	if f.command == nil || g.Identity != f.command.Identity {
		return
	}
	if f.leaving != nil {
		f.left()
		return
	}
	read := f.consumed() > f.command.from
	lived := now.Sub(f.command.began)
	exit := tend.Exit{Unknown: true}
	if g.Exit != nil {
		exit = *g.Exit
	}
	f.close()
	if lived >= provenAfter {
		f.trouble.pause = 0
	}
	if read && exit == (tend.Exit{}) { // it has done what it could
		f.trouble.pause = 0
	}
	if f.finishBy.IsZero() {
		f.fails(textEnded(exit), now)
	} else {
		f.fails("", now)
	}
}

// retire has the sink take nothing more. A command is given time to read the rest.
func (f *forwarder) retire(now time.Time) {
	if f.command == nil {
		f.close()
		return
	}
	if f.leaving == nil {
		f.command.finish()
		f.sink = nil
		f.leaving = newLeaving(f.command.Identity, now)
	}
}

// left takes in that a command that was to end has ended.
func (f *forwarder) left() {
	f.leaving = nil
	f.close()
	f.save(time.Now())
}
