package forward

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tend"
	"tend/process"
)

func TestCommandGetsWhatIsWrittenFromNowOn(t *testing.T) {
	w := newWorld(t, `command:echo "$TEND_SERVICE" >name; cat >>out`)
	w.write(-10, 0)
	w.begin()
	w.until("it has begun", func() bool { return w.cursor() > 0 })
	w.write(1, 20_000)
	w.gets("out", 1, 20_000)
	w.rest()
	if got := w.read("name"); got != "web\n" {
		t.Errorf("TEND_SERVICE is %q", got)
	}
	if size, _ := w.log.Seek(0, 2); w.cursor() != size {
		t.Errorf("of %d bytes %d count as sent", size, w.cursor())
	}
	w.write(20_001, 20_010) // revives it
	w.gets("out", 1, 20_010)
	if len(w.noted()) != 0 {
		t.Errorf("it is noted: %q", w.noted())
	}
	w.rest()
}

func TestLastLineWithoutEndIsSentAfterAWhile(t *testing.T) {
	w := newWorld(t, "command:cat >>out")
	w.begin()
	w.until("it has begun", func() bool { return w.read("web.log.sent") != "" })
	w.say("whole\nhal")
	w.until("the whole line", func() bool { return w.read("out") == "whole\n" })
	w.say("f\n")
	w.until("the half line, mended", func() bool { return w.read("out") == "whole\nhalf\n" })
	w.say("end")
	w.until("the last words", func() bool { return w.read("out") == "whole\nhalf\nend" })
	w.rest()
}

// What a command has not read is for the next one.
func TestCommandThatEndsAfterEachLine(t *testing.T) {
	w := newWorld(t, `command:read -r line; echo "$line" >>out`)
	w.begin()
	w.until("it has begun", func() bool { return w.read("web.log.sent") != "" })
	w.write(1, 4)
	w.gets("out", 1, 4)
	if notes := w.noted(); len(notes) != 1 || !strings.Contains(notes[0], "exited with status 0") {
		t.Errorf("it is noted: %q", notes)
	}
	w.rest()
}

func TestCommandThatFails(t *testing.T) {
	w := newWorld(t, `command:test -e mended || exit 3; cat >>out`)
	w.begin()
	w.until("it has begun", func() bool { return w.read("web.log.sent") != "" })
	w.write(1, 3)
	w.until("it is noted", func() bool { return len(w.noted()) == 1 })
	if note := w.noted()[0]; !strings.Contains(note, "exited with status 3") || !strings.Contains(note, " 21") {
		t.Errorf("it is noted: %q", note)
	}
	w.check(os.WriteFile(w.file("mended"), nil, 0o600))
	w.gets("out", 1, 3)
	w.until("it is noted", func() bool { return len(w.noted()) > 1 })
	if notes := w.noted(); len(notes) != 2 || notes[1] != textWorks+" 0" {
		t.Errorf("it is noted: %q", notes)
	}
	w.rest()
}

// A command that takes nothing keeps nobody from anything, and what it did not take goes to the next one.
func TestCommandThatDoesNotRead(t *testing.T) {
	w := newWorld(t, `command:echo $$ >pid; trap "" TERM; while :; do sleep 1; done`)
	w.begin()
	w.until("it has begun", func() bool { return w.read("web.log.sent") != "" })
	w.write(1, 50_000)
	w.until("the command runs", func() bool { return strings.HasSuffix(w.read("pid"), "\n") })
	pid, err := strconv.Atoi(strings.TrimSpace(w.read("pid")))
	w.check(err)
	stat, err := process.ReadStat(pid)
	w.check(err)
	w.to.To = "command:cat >>out"
	w.begin()
	w.gets("out", 1, 50_000)
	if process.Alive(stat.Identity) {
		t.Error("two commands run at once")
	}
	w.rest()
}

// The supervisor is killed again and again. Nothing is missing, and what comes twice begins where its cursor was.
func TestNothingIsLostWhenTheSupervisorIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	to := target(dir, "command:cat >>out")
	log, err := os.OpenFile(to.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := begin(to); err != nil {
		t.Fatal(err)
	}
	read := func() string {
		text, _ := os.ReadFile(dir + "/out")
		return string(text)
	}
	written, kills := 0, 0
	resumed := map[int64]bool{} // offsets at which a supervisor has gone on
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			default:
				written++
				fmt.Fprintln(log, written)
				time.Sleep(time.Millisecond)
			}
		}
	}()
	supervisor := self("forward", dir, to.To)
	start := func() {
		supervisor = self("forward", dir, to.To)
		if err := supervisor.Start(); err != nil {
			t.Fatal(err)
		}
	}
	kill := func() {
		supervisor.Process.Kill()
		supervisor.Wait()
		c, err := readCursor(to.Cursor)
		if err != nil {
			t.Error(err)
		}
		resumed[c.sent] = true
	}
	start()
	for ; kills < 15; kills++ {
		before := len(read())
		until(t, "more is sent", func() bool { return len(read()) > before })
		time.Sleep(time.Duration(rand.IntN(700)) * time.Millisecond)
		kill()
		start()
	}
	close(stop)
	<-ended
	last := fmt.Sprintf("\n%d\n", written)
	until(t, "everything is sent", func() bool { return strings.Contains(read(), last) })
	until(t, "the cursor is at the end", func() bool {
		c, _ := readCursor(to.Cursor)
		size, _ := log.Seek(0, 2)
		return c.sent == size
	})
	c, _ := readCursor(to.Cursor)
	kill()
	until(t, "the command has ended", func() bool { return process.Ended(c.command) })

	begins := map[int]int64{} // where each line begins
	offset := int64(0)
	for n := 1; n <= written; n++ {
		begins[n] = offset
		offset += int64(len(fmt.Sprintln(n)))
	}
	highest, before, repeats := 0, 0, 0
	for line := range strings.Lines(read()) {
		var n int
		if _, err := fmt.Sscan(line, &n); err != nil {
			t.Fatalf("a line that was never written: %q", line)
		}
		if n > highest+1 {
			t.Fatalf("between %d and %d is nothing", highest, n)
		}
		if n != before+1 && !resumed[begins[n]] {
			t.Errorf("after line %d comes %d, where nobody has gone on", before, n)
		}
		if n <= highest {
			repeats++
		}
		highest, before = max(highest, n), n
	}
	if highest != written {
		t.Errorf("of %d lines %d were sent", written, highest)
	}
	t.Logf("%d lines, %d kills, %d lines twice", written, kills, repeats)
}

// A command that does not end when the supervisor is dead is ended by the next one.
func TestCommandOfTheSupervisorBefore(t *testing.T) {
	w := newWorld(t, `command:trap "" TERM; echo $$ >pid; while :; do sleep 1; done`)
	other := self("forward", w.dir, w.to.To)
	w.check(other.Start())
	w.until("it has begun", func() bool { return w.read("web.log.sent") != "" })
	w.write(1, 10)
	var c cursor
	w.until("the command runs", func() bool {
		c, _ = readCursor(w.to.Cursor)
		return c.command != tend.Identity{} && w.read("pid") != ""
	})
	other.Process.Kill()
	other.Wait()
	w.to.To = "command:cat >>out"
	w.begin()
	w.gets("out", 1, 10)
	if process.Alive(c.command) {
		t.Error("the command of the supervisor before lives on")
	}
	w.rest()
}
