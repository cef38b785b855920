package forward

import (
	"fmt"
	"time"

	"tend"
)

// trouble is that a log cannot be sent. Each is told of once, and when it has been over for a while.
type trouble struct {
	told     bool
	pause    time.Duration // the last one
	retryAt  time.Time     // not before then; zero: at once
	provenAt time.Time     // over, if nothing else happens until then; zero: it is not yet
}

const (
	retryLeast  = time.Second
	retryMost   = time.Minute
	provenAfter = 10 * time.Second
)

// again takes in a failure: the pauses between attempts grow.
func (t *trouble) again(now time.Time) {
	t.pause = min(max(2*t.pause, retryLeast), retryMost)
	t.retryAt, t.provenAt = now.Add(t.pause), time.Time{}
}

// works takes in that a sink could be opened, or takes again.
func (t *trouble) works(now time.Time) {
	t.retryAt = time.Time{}
	if t.told && t.provenAt.IsZero() {
		t.provenAt = now.Add(provenAfter)
	}
}

func (t *trouble) over(now time.Time) bool { return !t.provenAt.IsZero() && !now.Before(t.provenAt) }

// fails takes in a failure, and tells of the first one.
func (f *forwarder) fails(text string, now time.Time) {
	f.retire(now)
	f.trouble.again(now)
	f.tellTrouble(text)
}

func (f *forwarder) tellTrouble(text string) {
	f.trouble.provenAt = time.Time{}
	if f.trouble.told || text == "" {
		return
	}
	f.trouble.told = true
	n := Note{Text: text, Trouble: true}
	if end, err := endOf(f.target.Log); err == nil {
		n.Waiting = max(0, end-f.acked)
	}
	f.Note(f.target.Service, n)
}

// What the history says.
const (
	textWorks = "its log is sent on again"
	textStuck = "whoever its log is sent to takes nothing"
)

func textFails(err error) string {
	return fmt.Sprintf("its log cannot be sent on: %v; tend keeps trying", err)
}

func textEnded(exit tend.Exit) string {
	return fmt.Sprintf("the command that its log is sent to %s; it is started again when there is something to send", exit)
}

func textDropped(n int64) string {
	return fmt.Sprintf("%d bytes of its log were dropped before they were sent on", n)
}
