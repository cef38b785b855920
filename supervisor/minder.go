package supervisor

import (
	"time"

	"tend"
	"tend/forward"
	"tend/keeper"
	"tend/logs"
)

// The minder looks after the logs of what runs: it notes when they were how long, has them rotated, and says what is
// wrong with them. It is a goroutine of its own, for files may be slow, and the loop must not be.
//
// As long as nothing is written it does nothing. The kernel tells it of the first byte that is written to a log that has
// been quiet. From then on it looks from time to time, at all such logs together, until one is quiet again: to a service
// that writes all the time, and to its file, that costs nothing, and to us a stat(2).
type minder struct {
	notices  keeper.Notices
	turns    *turns
	orders   *mailbox[order]
	say      func(trouble)
	failed   func(format string, args ...any)
	rotator  *logs.Rotator
	forwards *forward.Set // to be told of what grows
	compress *compressor
	pump     *logs.Pump // who writes the logs that have times, and marks them better than we could
	quit     chan struct{}
	ended    chan struct{}

	// Owned by its goroutine.
	logs map[string]*minded // by path
	runs map[string][]*minded
	byID map[int][]*minded // those that the kernel tells of

	pruned    map[string]time.Time // when what was too old was last removed from the log at that path
	recovered map[string]bool      // what a predecessor may have left unfinished at that path
}

// An order is what the loop tells the minder of a run: it lives and writes into these logs, or has ended.
type order struct {
	service string
	run     string
	logs    []logFile // none: it has ended
}

// logFile is a log that a run writes into.
type logFile struct {
	path   string
	marks  string // where its marks are
	named  bool   // by a user, whose it is
	limits tend.LogLimits
}

// Times between looks.
const (
	firstLook    = time.Second            // after a start, which has better to do; after our own, everybody has
	growingMost  = 2 * time.Second        // at a log that grows: how exactly the time of what is in it is known
	growingLeast = 100 * time.Millisecond // however fast it grows
	untoldPause  = 10 * time.Second       // where nothing tells
	tickLength   = 100 * time.Millisecond // looks are together
	longTick     = 500 * time.Millisecond // such as can wait
	sentPause    = 100 * time.Millisecond // at a log that is sent elsewhere: how late what is written comes there
	agePause     = 24 * time.Hour         // after what was too old was removed
)

func (m *minder) start() {
	m.logs, m.runs, m.byID = map[string]*minded{}, map[string][]*minded{}, map[int][]*minded{}
	m.pruned, m.recovered = map[string]time.Time{}, map[string]bool{}
	m.compress = newCompressor(m.rotator.Compress, m.failed)
	m.quit, m.ended = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(m.ended)
		m.loop()
	}()
}

// stop ends it. What it was doing is done before, unless that would take long.
func (m *minder) stop() {
	close(m.quit)
	m.rotator.Stop()
	<-m.ended
	m.compress.stop()
}

func (m *minder) loop() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		m.arm(timer)
		select {
		case <-m.quit:
			return
		case <-m.orders.ready:
			for _, o := range m.orders.take() {
				m.take(o)
			}
		case <-m.notices.Files:
			m.news()
		case <-timer.C:
			m.tick()
		}
	}
}

// arm sets the timer to the next look.
func (m *minder) arm(timer *time.Timer) {
	var next time.Time
	for _, l := range m.logs {
		if !l.next.IsZero() && (next.IsZero() || l.next.Before(next)) {
			next = l.next
		}
	}
	if next.IsZero() {
		timer.Stop()
		return
	}
	timer.Reset(time.Until(next))
}

// together is when a look that is to be made at that time is made: with others.
func together(now time.Time, pause time.Duration) time.Time {
	tick := tickLength
	if pause >= longTick {
		tick = longTick
	}
	return now.Add(pause + tick - 1).Truncate(tick)
}

// take takes in an order.
func (m *minder) take(o order) {
	for _, l := range m.runs[o.run] {
		m.leave(l, o.run)
	}
	delete(m.runs, o.run)
	for _, file := range o.logs {
		l := m.logs[file.path]
		if l == nil {
			l = newMinded(file)
			m.logs[file.path] = l
		}
		l.join(o, file)
		l.next = together(time.Now(), m.soon(l, firstLook))
		m.runs[o.run] = append(m.runs[o.run], l)
	}
}

// leave takes in that a run writes into a log no more.
func (m *minder) leave(l *minded, run string) {
	delete(l.writers, run)
	if len(l.writers) > 0 {
		return
	}
	if l.told {
		m.untold(l)
		if m.byID[l.id] == nil { // nor under another path
			m.notices.ForgetFile(l.id)
		}
	}
	l.marker.Close()
	delete(m.logs, l.path)
	m.forwards.Grown(l.path) // by its last words
}

// news takes in what the kernel tells.
func (m *minder) news() {
	ids, lost := m.notices.Changed()
	now := time.Now()
	for _, id := range ids {
		for _, l := range m.byID[id] {
			l.told, l.next = false, together(now, 0)
		}
		delete(m.byID, id)
	}
	if !lost {
		return
	}
	for _, l := range m.logs {
		l.next = together(now, 0)
	}
}

// untold takes in that the kernel does not tell of the log any more.
func (m *minder) untold(l *minded) {
	var others []*minded
	for _, other := range m.byID[l.id] {
		if other != l {
			others = append(others, other)
		}
	}
	if m.byID[l.id] = others; len(others) == 0 {
		delete(m.byID, l.id)
	}
	l.told = false
}

// listen has the kernel tell of the next change to the log.
func (m *minder) listen(l *minded) error {
	if l.told {
		m.untold(l)
	}
	id, err := m.notices.WatchFile(l.path)
	if err != nil {
		return err
	}
	l.id, l.told = id, true
	m.byID[id] = append(m.byID[id], l)
	return nil
}

// leaves reports whether it is to end.
func (m *minder) leaves() bool {
	select {
	case <-m.quit:
		return true
	default:
		return false
	}
}

// pumped reports whether the log is written by ourselves.
func (m *minder) pumped(l *minded) bool { return m.pump.Writes(l.path) }

// tick looks at the logs whose time has come.
func (m *minder) tick() {
	now := time.Now()
	for _, l := range m.logs {
		if l.next.IsZero() || now.Before(l.next) {
			continue
		}
		if m.leaves() || !m.turns.take(l.path) {
			return
		}
		m.look(l, now)
		m.turns.give(l.path)
	}
}
