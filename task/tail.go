package task

import (
	"os"
	"strings"
	"time"
)

// drainTime is how long a command that has ended is still read from: what it has left in the background may have the pipe open.
const drainTime = 20 * time.Millisecond

// tail keeps the end of what a command writes.
type tail struct {
	from *os.File
	keep int
	text []byte
	done chan struct{} // closed when everything was read
}

func newTail(from *os.File, keep int) *tail {
	t := &tail{from: from, keep: keep, done: make(chan struct{})}
	go t.read()
	return t
}

func (t *tail) read() {
	defer close(t.done)
	buffer := make([]byte, 4<<10)
	for {
		n, err := t.from.Read(buffer)
		t.text = append(t.text, buffer[:n]...)
		if over := len(t.text) - t.keep; over > t.keep || err != nil && over > 0 {
			t.text = append(t.text[:0], t.text[over:]...)
		}
		if err != nil {
			return
		}
	}
}

// end returns what was kept, and reads no more.
func (t *tail) end() string {
	_ = t.from.SetReadDeadline(time.Now().Add(drainTime))
	<-t.done
	t.from.Close()
	return strings.ToValidUTF8(string(t.text), "\uFFFD")
}

// feed writes the text to a command that may not want it.
func feed(to *os.File, text []byte) {
	_, _ = to.Write(text)
	to.Close()
}
