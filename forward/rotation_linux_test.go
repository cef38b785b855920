package forward

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tend/logs"
	"tend/process"
)

// The log is rotated while it is sent.
func TestRotationBeneath(t *testing.T) {
	w := newWorld(t, "command:cat >>out")
	w.begin()
	w.until("it has begun", func() bool { return w.read("web.log.sent") != "" })
	r := &logs.Rotator{Log: t.Logf, Without: process.SwitchedOff}
	const most = 128 << 10
	for n := 1; n <= 60_000; n += 3000 {
		w.write(n, n+2999)
		_, err := r.Rotate(w.to.Log, logs.Limits{Max: most}, time.Now())
		w.check(err)
	}
	w.gets("out", 1, 60_000)
	w.rest()
}

// What rotation has dropped cannot be sent, and that is said.
func TestWhatWasDroppedBeforeItWasSent(t *testing.T) {
	w := newWorld(t, "syslog:"+socketPath(t))
	w.begin()
	w.until("it has begun", func() bool { return w.read("web.log.sent") != "" })
	w.write(1, 10)
	w.until("it is noted", func() bool { return len(w.noted()) == 1 })
	r := &logs.Rotator{Log: t.Logf, Without: process.SwitchedOff}
	for n := 11; n < 50_000; n += 10_000 {
		w.write(n, n+9999)
		_, err := r.Rotate(w.to.Log, logs.Limits{Max: 64 << 10, Keep: 1}, time.Now())
		w.check(err)
	}
	stream, err := logs.OpenStream(w.to.Log)
	w.check(err)
	start := stream.Start()
	w.check(stream.Close())
	if start == 0 {
		t.Fatal("nothing was dropped")
	}
	w.to.To = "command:cat >>out"
	w.begin()
	w.until("the rest is sent", func() bool { return strings.HasSuffix(w.read("out"), "\nline 50010\n") })
	if notes := w.noted(); len(notes) != 2 || notes[1] != fmt.Sprintf("%d bytes of its log were dropped before they were sent on 0", start) {
		t.Errorf("of %d bytes that are gone it is noted: %q", start, notes)
	}
	w.rest()
}

// Somebody takes log, archives and all that is known of them away: what is written then is another log.
func TestLogThatBeginsAnew(t *testing.T) {
	w := newWorld(t, "command:cat >>out")
	w.begin()
	w.until("it has begun", func() bool { return w.read("web.log.sent") != "" })
	w.write(1, 100)
	w.gets("out", 1, 100)
	w.check(os.Remove(w.to.Log))
	var err error
	w.log, err = os.OpenFile(w.to.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	w.check(err)
	w.write(101, 110)
	w.gets("out", 1, 110)
	w.rest()
}
