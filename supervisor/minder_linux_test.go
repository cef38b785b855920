package supervisor_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tend"
	"tend/logs"
	"tend/store"
)

// script defines a service that is a script of the shell.
func (c *chain) script(name, script string) tend.Service {
	s := c.definition(name)
	s.Shell, s.CommandLine, s.WorkingDirectory = true, script, c.place(name)
	return s
}

// minded waits until the minder has looked at the log since it began to be written.
func (c *chain) minded(name string) {
	c.Helper()
	c.until("the log of "+name+" has a mark", func() error {
		_, err := os.Stat(logs.MarksPath(logs.Path(c.database, name)))
		return err
	})
}

// told are the entries about its log in the history of a service.
func (c *chain) told(name string) (texts []string) {
	c.Helper()
	c.db(func(db *store.Store) error {
		entries, err := db.History(context.Background(), store.HistoryQuery{Services: []string{name}})
		for _, e := range entries {
			if e.Kind == tend.NoteLog {
				texts = append(texts, e.Text)
			}
		}
		return err
	})
	return texts
}

// untilTold waits until there are so many, of which the last begins so.
func (c *chain) untilTold(name string, n int, prefix string) {
	c.Helper()
	c.until("the history of "+name+" has an entry about its log", func() error {
		if told := c.told(name); len(told) != n || !strings.HasPrefix(told[n-1], prefix) {
			return fmt.Errorf("it has %q", told)
		}
		return nil
	})
}

// stream is all that there is of a log.
func (c *chain) stream(path string) string {
	c.Helper()
	s, err := logs.OpenStream(path)
	c.check(err)
	defer s.Close()
	start := s.Start()
	end, err := s.End()
	c.check(err)
	text := make([]byte, end-start)
	n, err := s.ReadAt(text, start)
	if err != nil && !errors.Is(err, io.EOF) {
		c.check(err)
	}
	return string(text[:n])
}

// archives are the archives of a log.
func archives(path string) []string {
	found, _ := filepath.Glob(path + ".[0-9]*-*")
	return found
}

// numbered checks that these are the lines 1 to n, each once and in order, and returns n.
func (c *chain) numbered(text string) int {
	c.Helper()
	n := 0
	for line := range strings.Lines(text) {
		if n++; line != strconv.Itoa(n)+strings.Repeat(" more", 20)+"\n" {
			c.Fatalf("line %d is %q", n, line)
		}
	}
	return n
}

// chatter writes much, and leaves the processor to others now and then: these tests share it.
const chatter = `more=$(printf ' more%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20)
	i=0; while [ ! -e enough ]; do i=$((i+1)); echo "$i$more"; [ $((i%50)) -ne 0 ] || sleep 0.01; done; echo $i > written; exec sleep 1000`

// A log that becomes too long is rotated while it is written, again and again, whoever dies meanwhile.
func TestALogIsRotatedByItself(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	s := c.script("chatty", chatter)
	s.LogMax, s.LogKeep = tend.MinLogMax, tend.KeepAll
	c.add(s)
	c.launch()
	c.start("chatty")
	path := logs.Path(c.database, "chatty")
	for n := range 5 {
		before := len(archives(path))
		c.until("there are more archives", func() error {
			if len(archives(path)) <= before {
				return errors.New("there are none")
			}
			return nil
		})
		if n%2 == 0 {
			c.signal(c.supervisor(), syscall.SIGKILL)
		}
	}
	c.check(os.WriteFile(filepath.Join(c.place("chatty"), "enough"), nil, 0o600))
	var written int
	c.until("it has written enough", func() error {
		text, err := os.ReadFile(filepath.Join(c.place("chatty"), "written"))
		written, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		if written == 0 {
			return errors.Join(err, errors.New("it goes on"))
		}
		return nil
	})
	same(c, "what the log has", c.numbered(c.stream(path)), written)
	c.until("the log is short", func() error {
		info, err := os.Stat(path)
		if err == nil && info.Size() > 4*int64(tend.MinLogMax) {
			err = fmt.Errorf("it has %d bytes", info.Size())
		}
		return err
	})
	same(c, "what the log has", c.numbered(c.stream(path)), written)
	same(c, "what was told", len(c.told("chatty")), 0)

	c.do(tend.CommandRestart, "chatty")
	run := c.runs("chatty")[0]
	same(c, "the offset of the second run", run.LogOffset, int64(len(c.stream(path))))
}

// A program that begins its output anew loses what was in its log. That is told, with what is gone.
func TestALogThatIsCutShort(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.add(c.script("clumsy", `echo 12345678; while [ ! -e cut ]; do sleep 0.05; done; echo anew > /dev/stdout; echo once; : > /dev/stdout; echo more; exec sleep 1000`))
	c.launch()
	c.start("clumsy")
	c.minded("clumsy")
	c.check(os.WriteFile(filepath.Join(c.place("clumsy"), "cut"), nil, 0o600))
	c.untilTold("clumsy", 1, "its log was cut short from outside: 9 bytes are gone")
	c.do(tend.CommandRestart, "clumsy")
	if run := c.runs("clumsy")[0]; run.LogOffset < int64(len("12345678\nmore\n")) {
		t.Errorf("the second run begins at %d: what was written before had that place", run.LogOffset)
	}
}

// That a log was emptied is told also where it is as long again, or longer, before anybody looks.
func TestALogThatIsAsLongAgain(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.add(c.script("loop", `echo 12345678; while [ ! -e cut ]; do sleep 0.05; done; for i in 1 2 3; do echo "round 1$i" > /dev/stdout; sleep 0.1; done; exec sleep 1000`))
	c.launch()
	c.start("loop")
	c.minded("loop")
	c.check(os.WriteFile(filepath.Join(c.place("loop"), "cut"), nil, 0o600))
	c.untilTold("loop", 1, "its log was cut short from outside: 9 bytes are gone")
}

// A log that was removed is told of once, by however many supervisors, and shown until the service is started again.
func TestALogThatWasRemoved(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	c.add(c.script("unseen", `echo something; while :; do sleep 0.1; echo something; done`))
	c.launch()
	c.start("unseen")
	c.minded("unseen")
	const gone = "its log file was removed or renamed: what it writes goes where nobody sees it until it is restarted"
	c.check(os.RemoveAll(logs.Directory(c.database)))
	c.untilTold("unseen", 1, gone)
	same(c, "what status says", c.status("unseen").LogTrouble, gone)
	c.signal(c.supervisor(), syscall.SIGKILL)
	c.until("the next supervisor says the same", func() error {
		if said := c.status("unseen").LogTrouble; said != gone {
			return fmt.Errorf("it says %q", said)
		}
		return nil
	})
	c.untilTold("unseen", 1, gone)

	c.check(os.RemoveAll(logs.Directory(c.database)))
	c.do(tend.CommandRestart, "unseen")
	same(c, "what status says", c.status("unseen").LogTrouble, "")
	info, err := os.Stat(logs.Directory(c.database))
	c.check(err)
	same(c, "the mode of the directory", info.Mode(), fs.ModeDir|0o700)
	c.minded("unseen")
	if text := c.stream(logs.Path(c.database, "unseen")); !strings.HasPrefix(text, "something\n") {
		t.Errorf("the log is %q", text)
	}
	directory, err := os.Open(logs.Directory(c.database))
	c.check(err)
	defer directory.Close()
	c.until("the directory is locked", func() error {
		if err := syscall.Flock(int(directory.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != syscall.EWOULDBLOCK {
			syscall.Flock(int(directory.Fd()), syscall.LOCK_UN)
			return fmt.Errorf("it could be locked: %v", err)
		}
		return nil
	})
}

// A file that somebody named is his: nothing is done with it, and nothing put beside it, unless he says how long it may be.
func TestANamedFile(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	mine, limited := filepath.Join(c.files, "mine", "out"), filepath.Join(c.files, "limited", "out")
	for name, path := range map[string]string{"mine": mine, "limited": limited} {
		s := c.script(name, chatter)
		s.Stdout = path
		if name == "limited" {
			s.LogMax, s.LogKeep = tend.MinLogMax, 2
		}
		c.add(s)
	}
	c.launch()
	c.start("mine", "limited")
	c.until("the one is rotated", func() error {
		if n := len(archives(limited)); n == 0 || n > 3 {
			return fmt.Errorf("there are %d archives", n)
		}
		return nil
	})
	c.until("the other has a mark", func() error {
		_, err := os.Stat(logs.OutsideMarksPath(c.database, mine))
		return err
	})
	for _, name := range []string{"mine", "limited"} {
		c.check(os.WriteFile(filepath.Join(c.place(name), "enough"), nil, 0o600))
		c.until("it has written enough", func() error {
			_, err := os.Stat(filepath.Join(c.place(name), "written"))
			return err
		})
	}
	if beside, _ := filepath.Glob(mine + "?*"); len(beside) > 0 {
		t.Errorf("beside a file that is not ours is %v", beside)
	}
	text, err := os.ReadFile(mine)
	c.check(err)
	if n := c.numbered(string(text)); n == 0 {
		t.Error("it is empty")
	}

	s := c.script("limited", chatter)
	s.Stdout = limited
	c.db(func(db *store.Store) error { return db.Change(context.Background(), s) })
	c.do(tend.CommandRestart, "limited")
	stream, err := logs.OpenStream(limited)
	c.check(err)
	defer stream.Close()
	end, err := stream.End()
	c.check(err)
	same(c, "where the run begins that is not limited any more", c.runs("limited")[0].LogOffset, end)
}

// As long as nothing is written, nobody looks.
func TestMindingCostsNothing(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	for i := range 20 {
		c.add(c.script(fmt.Sprint("quiet", i), "echo something; exec sleep 1000"))
	}
	c.launch()
	c.do(tend.CommandStart)
	c.minded("quiet7")
	supervisor := c.supervisor()
	c.client.Close()
	const span = 3 * time.Second
	c.until("nothing happens for a while", func() error {
		before := switches(c, supervisor)
		time.Sleep(span) // is what is measured
		if after := switches(c, supervisor); after != before {
			return fmt.Errorf("in %s it woke up %d times", span, after-before)
		}
		return nil
	})
}

// switches is how often the threads of a process have begun to wait.
func switches(c *chain, pid int) (n int) {
	c.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	c.check(err)
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for line := range bytes.Lines(text) {
			if rest, ok := bytes.CutPrefix(line, []byte("voluntary_ctxt_switches:")); ok {
				more, _ := strconv.Atoi(string(bytes.TrimSpace(rest)))
				n += more
			}
		}
	}
	return n
}

// Where no room is left for an archive, that is told, and also when it is over. Here neither kind of disk can cut off the
// beginning of a file before it was copied.
func TestALogOnAFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	c := newChain(t)
	s := c.script("full", chatter)
	s.Stdout, s.LogMax = filepath.Join(disk, "out"), 200_000
	s.CommandLine = `head -c 150000 /dev/zero; while [ ! -e more ]; do sleep 0.1; done; head -c 100000 /dev/zero; while [ ! -e room ]; do sleep 0.1; done; echo; exec sleep 1000`
	c.add(s)
	c.launch()
	c.start("full")
	c.until("it has begun", func() error {
		_, err := os.Stat(logs.MarksPath(s.Stdout))
		return err
	})
	release := c.fill(disk, 40)
	c.check(os.WriteFile(filepath.Join(c.place("full"), "more"), nil, 0o600))
	const kind = "its log cannot be rotated, since the disk is full"
	c.untilTold("full", 1, kind)
	if said := c.status("full").LogTrouble; !strings.HasPrefix(said, kind) {
		t.Errorf("status says %q", said)
	}
	release()
	c.check(os.WriteFile(filepath.Join(c.place("full"), "room"), nil, 0o600))
	c.untilTold("full", 2, kind+": that is over")
	same(c, "what status says", c.status("full").LogTrouble, "")
	same(c, "archives", len(archives(s.Stdout)), 1)
}

// A service whose own writes fail is told of, and also when they succeed again.
func TestWritingToAFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t)
	c := newChain(t)
	s := c.script("full", chatter)
	s.Stdout = filepath.Join(disk, "out")
	s.CommandLine = `while :; do head -c 10000 /dev/zero; sleep 0.1; done`
	c.add(s)
	c.launch()
	c.start("full")
	release := c.fill(disk, 10)
	const kind = "the disk of its log is full"
	c.untilTold("full", 1, kind+": what it writes is lost until there is room")
	if said := c.status("full").LogTrouble; !strings.HasPrefix(said, kind) {
		t.Errorf("status says %q", said)
	}
	release()
	c.untilTold("full", 2, kind+": that is over")
	same(c, "what status says", c.status("full").LogTrouble, "")
}

// One file under two paths is watched once. Who leaves the one path does not take the watch from the other.
func TestOneFileUnderTwoPaths(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	file, link := filepath.Join(c.files, "out"), filepath.Join(c.files, "link")
	c.check(os.WriteFile(file, nil, 0o600))
	c.check(os.Symlink(file, link))
	for name, path := range map[string]string{"first": file, "second": link} {
		s := c.script(name, `echo something; while [ ! -e more ]; do sleep 0.05; done; echo more; exec sleep 1000`)
		s.Stdout = path
		c.add(s)
	}
	c.launch()
	c.start("first", "second")
	info, err := os.Stat(file)
	c.check(err)
	watched := fmt.Sprintf(" ino:%x ", info.Sys().(*syscall.Stat_t).Ino)
	c.until("both have marks, and the kernel tells of the file", func() error {
		for _, path := range []string{file, link} {
			if _, err := os.Stat(logs.OutsideMarksPath(c.database, path)); err != nil {
				return err
			}
		}
		infos, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", c.supervisor()))
		for _, name := range infos {
			if text, _ := os.ReadFile(name); bytes.Contains(text, []byte(watched)) {
				return nil
			}
		}
		return errors.New("it is not watched")
	})
	c.do(tend.CommandStop, "first")
	c.check(os.WriteFile(filepath.Join(c.place("second"), "more"), nil, 0o600))
	c.until("the rest is marked", func() error {
		marks, err := logs.Marks(logs.OutsideMarksPath(c.database, link), 0, 1000)
		if err == nil && (len(marks) == 0 || marks[len(marks)-1].Offset != int64(len("something\nsomething\nmore\n"))) {
			err = fmt.Errorf("there is %v", marks)
		}
		return err
	})
}
