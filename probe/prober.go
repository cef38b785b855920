package probe

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Plan says of one check how it is made, and how often.
type Plan struct {
	// Attempt makes one attempt; nil is success. It must end soon after its context has.
	Attempt func(context.Context) error
	// Told is called after each attempt, unless the plan was ended meanwhile, with what came of it. It must not wait.
	Told    func(error)
	Timeout time.Duration             // of one attempt
	Pause   func(n int) time.Duration // before the attempt that is made after n others
	Heavy   bool                      // an attempt starts processes
	Spread  bool                      // the first attempt comes at a random moment of its pause, so that those that began together do not stay so
}

// grid is what attempts that may wait are made together on: those after a pause of at least ten times as much.
const grid = 50 * time.Millisecond

// Prober has plans carried out. It may be used by several goroutines; none of them is kept waiting.
type Prober struct {
	wake chan struct{} // holds one token while there may be something to do
	done chan struct{} // closed when its goroutine has ended
	now  func() time.Time
	ctx  context.Context // of everything
	stop context.CancelFunc

	mu     sync.Mutex // guards what follows
	queue  queue      // by due
	light  lane
	heavy  lane
	closed bool
	wakes  int // how often the timer woke us
}

// lane is a number of attempts that are made at once, and those that wait for one of them to end.
type lane struct {
	free    int
	waiting []*Probing
}

// How many attempts are made at once.
const (
	mostLight = 256
	mostHeavy = 16
)

// Probing is a plan that is being carried out.
type Probing struct {
	plan   Plan
	prober *Prober
	ctx    context.Context
	cancel context.CancelFunc

	// Guarded by the prober.
	due   time.Time
	made  int
	place int // in the queue, -1: not there
}

// New returns a Prober. Of attempts that connect at most so many are made at once, 0 for the default.
func New(most int) *Prober {
	if most <= 0 || most > mostLight {
		most = mostLight
	}
	p := &Prober{
		wake: make(chan struct{}, 1), done: make(chan struct{}), now: time.Now, light: lane{free: most}, heavy: lane{free: mostHeavy},
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	go p.run()
	return p
}

// Begin begins to carry out the plan.
func (p *Prober) Begin(plan Plan) *Probing {
	ctx, cancel := context.WithCancel(p.ctx)
	pause := plan.Pause(0)
	if plan.Spread {
		pause = time.Duration(rand.Int64N(int64(pause) + 1))
	}
	g := &Probing{plan: plan, prober: p, ctx: ctx, cancel: cancel, place: -1}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.put(g, align(p.now(), pause, plan.Pause(0)))
	}
	return g
}

// align is when an attempt is made that is due after the pause; scale says how exactly that is meant.
func align(from time.Time, pause, scale time.Duration) time.Time {
	due := from.Add(pause)
	if scale < 10*grid {
		return due
	}
	if down := due.Truncate(grid); !down.Equal(due) {
		due = down.Add(grid)
	}
	return due
}

// End ends it: no attempt is made, and nothing told, any more. One under way is broken off. It does not wait for that.
func (g *Probing) End() {
	p := g.prober
	p.mu.Lock()
	defer p.mu.Unlock()
	g.cancel()
	if g.place >= 0 {
		heap.Remove(&p.queue, g.place)
	}
}

// Wakes is how often the timer has woken us so far.
func (p *Prober) Wakes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wakes
}

// Close ends everything, and waits for no attempt.
func (p *Prober) Close() {
	p.mu.Lock()
	p.closed = true
	p.stop()
	for len(p.queue) > 0 {
		p.queue.Pop()
	}
	p.mu.Unlock()
	p.tell()
	<-p.done
}

func (p *Prober) tell() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// put has an attempt made when it is due. The prober is locked.
func (p *Prober) put(g *Probing, due time.Time) {
	g.due = due
	heap.Push(&p.queue, g)
	if g.place == 0 {
		p.tell()
	}
}

func (p *Prober) run() {
	defer close(p.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-p.wake:
		case <-timer.C:
			p.mu.Lock()
			p.wakes++
			p.mu.Unlock()
		}
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return
		}
		now := p.now()
		for len(p.queue) > 0 && !p.queue[0].due.After(now) {
			p.launch(heap.Pop(&p.queue).(*Probing))
		}
		if timer.Stop(); len(p.queue) > 0 {
			timer.Reset(p.queue[0].due.Sub(now))
		}
		p.mu.Unlock()
	}
}

func (p *Prober) lane(g *Probing) *lane {
	if g.plan.Heavy {
		return &p.heavy
	}
	return &p.light
}

// launch has an attempt made now, or as soon as another one has ended. The prober is locked.
func (p *Prober) launch(g *Probing) {
	l := p.lane(g)
	if l.free == 0 {
		l.waiting = append(l.waiting, g)
		return
	}
	l.free--
	go p.attempt(g)
}

// attempt makes an attempt, and those that have waited for it to end.
func (p *Prober) attempt(g *Probing) {
	for ; g != nil; g = p.next(g) {
		if g.ctx.Err() != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(context.WithValue(g.ctx, timeoutKey{}, g.plan.Timeout), g.plan.Timeout)
		err := g.plan.Attempt(ctx)
		cancel()
		if g.ctx.Err() == nil {
			g.plan.Told(err)
		}
		p.again(g)
	}
}

// again has the next attempt of a plan made after its pause, which counts from when this one was due: attempts that take long
// do not come less often for it, but none is made up for.
func (p *Prober) again(g *Probing) {
	p.mu.Lock()
	defer p.mu.Unlock()
	g.made++
	if g.ctx.Err() != nil || p.closed {
		return
	}
	pause, now := g.plan.Pause(g.made), p.now()
	due := align(g.due, pause, pause)
	if due.Before(now) {
		due = align(now, pause, pause)
	}
	p.put(g, due)
}

// next is what is to be attempted after that; nil: nothing waits.
func (p *Prober) next(g *Probing) *Probing {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lane(g)
	if len(l.waiting) == 0 || p.closed {
		l.free++
		return nil
	}
	first := l.waiting[0]
	l.waiting = l.waiting[1:]
	return first
}

// queue is a heap of what is due.
type queue []*Probing

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}
func (q *queue) Push(x any) {
	g := x.(*Probing)
	g.place = len(*q)
	*q = append(*q, g)
}
func (q *queue) Pop() any {
	last := len(*q) - 1
	g := (*q)[last]
	(*q)[last], g.place = nil, -1
	*q = (*q)[:last]
	return g
}
