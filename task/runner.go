package task

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"tend"
	"tend/process"
)

// Host is what a Runner needs of the supervisor.
type Host struct {
	Start  func(process.Spec) (process.Child, error)
	Record string // the file that names the commands under way
	Logf   func(format string, args ...any)
}

// Runner runs commands, any number at once. It may be used by several goroutines.
type Runner struct {
	host    Host
	record  *record
	ends    process.Ends
	sweeper sweeper
	closing chan struct{} // closed by Close
	close   sync.Once

	mu      sync.Mutex // guards what follows
	closed  bool
	running sync.WaitGroup // added to only while it is not closed
}

// ErrClosed is returned by a Runner after Close.
var ErrClosed = errors.New("no command is run any more")

// NewRunner returns a Runner. It ends what its predecessor, which must be dead, has left behind.
func NewRunner(h Host) *Runner {
	r := &Runner{host: h, closing: make(chan struct{}), sweeper: sweeper{logf: h.Logf}}
	var left []string
	r.record, left = openRecord(h.Record)
	for _, id := range left {
		// It may have been in the middle of a start when it died.
		swept := r.sweeper.end(id, tend.Identity{}, leftTime)
		go func() {
			<-swept
			if !r.isClosed() {
				r.record.remove(id)
			}
		}()
	}
	return r
}

// leftTime is how long it is looked for what a predecessor has left.
const leftTime = 100 * time.Millisecond

// Run runs the command and waits for its end. The error says why it could not be run, or, when the context was ended, why
// that was; then the command was ended. A command that fails, or that takes too long, is no error.
func (r *Runner) Run(ctx context.Context, c Command) (Result, error) {
	if err := context.Cause(ctx); err != nil {
		return Result{}, err
	}
	if !r.enter() {
		return Result{}, ErrClosed
	}
	defer r.running.Done()
	id := newID()
	r.record.add(id)
	began := time.Now()
	t, err := r.start(id, c)
	if err != nil {
		r.record.remove(id)
		return Result{}, err
	}
	timedOut, err := r.wait(ctx, t)
	if t.give != nil {
		t.give.Close()
	}
	result := Result{Exit: t.exit, Took: time.Since(began), Output: t.tail.end()}
	if timedOut {
		result.TimedOut = c.Timeout
	}
	if !errors.Is(err, ErrClosed) { // otherwise it is for the next one to see that nothing is left
		r.record.remove(id)
	}
	return result, err
}

// newID makes an id that nothing else has: 128 random bits, which are no secret. Package crypto/rand ends the process where
// getrandom(2) is forbidden.
func newID() string { return fmt.Sprintf("TASK%016X%016X", rand.Uint64(), rand.Uint64()) }

func (r *Runner) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.running.Add(1)
	}
	return !r.closed
}

func (r *Runner) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// running is a command under way.
type running struct {
	Command
	id    string
	child process.Child
	tail  *tail
	give  *os.File       // its stdin, nil if there is nothing to be read from it
	ended chan tend.Exit // gets how it ended; nil: it is to be looked at from time to time
	exit  tend.Exit
}

func (r *Runner) start(id string, c Command) (*running, error) {
	const shell = "/bin/sh"
	spec := process.Spec{Path: shell, Args: []string{shell, "-c", c.Line}, Dir: c.Dir, Umask: c.Umask, Own: true}
	for _, entry := range c.Env {
		if !strings.HasPrefix(entry, "TEND_RUN=") { // it is none of the service's processes
			spec.Env = append(spec.Env, entry)
		}
	}
	spec.Env = append(spec.Env, "TEND_RUN="+id)
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("running a command: %w", err)
	}
	defer write.Close()
	spec.Stdout, spec.Stderr = write, write
	var give *os.File
	if c.Stdin != nil {
		if spec.Stdin, give, err = os.Pipe(); err != nil {
			read.Close()
			return nil, fmt.Errorf("running a command: %w", err)
		}
		defer spec.Stdin.Close()
	}
	child, err := r.host.Start(spec)
	if err != nil {
		read.Close()
		if give != nil {
			give.Close()
		}
		return nil, err
	}
	if give != nil {
		go feed(give, c.Stdin)
	}
	if c.Keep == 0 {
		c.Keep = KeepDefault
	}
	t := &running{Command: c, id: id, child: child, give: give, tail: newTail(read, c.Keep), ended: make(chan tend.Exit, 1)}
	ended := t.ended
	watched := r.ends.Watch(child, func(g process.Gone) {
		if g.Exit == nil {
			g.Exit = &tend.Exit{Unknown: true}
		}
		ended <- *g.Exit
	})
	if !watched {
		go t.lookForEnd()
	}
	return t, nil
}

// lookForEnd is for when too many files are open: the end is looked for.
func (t *running) lookForEnd() {
	const pause = 50 * time.Millisecond
	for !process.Ended(t.child.Identity) {
		time.Sleep(pause)
	}
	exit := process.Unreaped(t.child.Identity)
	if exit == nil {
		exit = &tend.Exit{Unknown: true}
	}
	t.ended <- *exit
}

// wait waits for the end of the command and, where that does not come or is not wanted to, sees to it.
func (r *Runner) wait(ctx context.Context, t *running) (timedOut bool, err error) {
	var timeout <-chan time.Time
	if t.Timeout > 0 {
		timer := time.NewTimer(t.Timeout)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case t.exit = <-t.ended:
		return false, nil
	case <-timeout:
		timedOut = true
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-r.closing:
		process.SignalDescendants(t.child.Identity, "KILL")
		t.exit = tend.Exit{Unknown: true}
		return false, ErrClosed
	}
	r.end(t)
	return timedOut, err
}

// end ends a command and all its tree.
func (r *Runner) end(t *running) {
	t.exit = tend.Exit{Unknown: true}
	if t.Grace > 0 {
		process.SignalDescendants(t.child.Identity, "TERM")
		timer := time.NewTimer(t.Grace)
		defer timer.Stop()
		select {
		case t.exit = <-t.ended:
			t.ended <- t.exit
		case <-timer.C:
		case <-r.closing:
		}
	}
	process.SignalDescendants(t.child.Identity, "KILL")
	<-r.sweeper.end(t.id, t.child.Identity, 0)
	select {
	case t.exit = <-t.ended:
	case <-time.After(drainTime): // nobody can end it
	}
}

// Close ends all commands at once and runs none any more. What is left of them the next Runner ends.
func (r *Runner) Close() {
	r.close.Do(func() {
		r.mu.Lock()
		r.closed = true
		r.mu.Unlock()
		r.sweeper.halt()
		close(r.closing)
		r.running.Wait()
		r.ends.Close()
	})
}
