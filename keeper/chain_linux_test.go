package keeper

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tend/internal/fault"
	"tend/process"
)

const patience = time.Minute // for what must happen; nothing waits that long that does

// chain is a runtime directory of a test, and what runs for it.
type chain struct {
	*testing.T
	dir string
}

// newChain makes a runtime directory, and sees to it that nothing outlives the test.
func newChain(t *testing.T) *chain {
	t.Helper()
	t.Setenv("TEND_RUNTIME", t.TempDir())
	dir, err := Directory(filepath.Join(t.TempDir(), "server.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	c := &chain{t, dir}
	t.Cleanup(func() {
		if t.Failed() {
			said, _ := os.ReadFile(TendLog(dir))
			t.Logf("tend.log:\n%s", said)
		}
		for {
			below := descendants(os.Getpid())
			if len(below) == 0 {
				return
			}
			for _, pid := range below {
				syscall.Kill(pid, syscall.SIGKILL)
			}
			for _, pid := range below {
				syscall.Wait4(pid, nil, 0, nil) // ECHILD for what is not our child yet
			}
		}
	})
	return c
}

func (c *chain) launch(env ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return Launch(ctx, c.dir, append(os.Environ(), env...))
}

// fault arms the point and returns the variable that the chain must be launched with.
func (c *chain) fault(point fault.Point) string {
	c.Helper()
	dir := c.TempDir()
	if err := fault.Arm(dir, point, ""); err != nil {
		c.Fatal(err)
	}
	return fault.Variable + "=" + dir
}

func (c *chain) mustLaunch(env ...string) {
	c.Helper()
	if err := c.launch(env...); err != nil {
		c.Fatalf("Launch: %v", err)
	}
}

func (c *chain) behave(how string) {
	c.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, "behaviour"), []byte(how), 0o600); err != nil {
		c.Fatal(err)
	}
}

// ask sends a line to the supervisor and returns its answer.
func (c *chain) ask(line string) string {
	c.Helper()
	var conn net.Conn
	c.until("the supervisor answers", func() (err error) {
		conn, err = net.Dial("unix", Socket(c.dir))
		return err
	})
	defer conn.Close()
	fmt.Fprintln(conn, line)
	answer, _ := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSpace(answer)
}

// service starts a service as the supervisor does and returns its pid.
func (c *chain) service(shell string) int {
	c.Helper()
	var pid int
	var rest string
	if n, _ := fmt.Sscan(c.ask("run "+shell), &pid, &rest); n != 2 || rest != "<nil>" {
		c.Fatalf("run %s: no pid", shell)
	}
	return pid
}

// until looks again and again until there is no error.
func (c *chain) until(what string, look func() error) {
	c.Helper()
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if err = look(); err == nil {
			return
		}
	}
	c.Fatalf("waiting until %s: %v", what, err)
}

var errNotYet = errors.New("not yet")

func when(b bool) error {
	if b {
		return nil
	}
	return errNotYet
}

// pids returns the living processes of the chain that were started with these words.
func (c *chain) pids(words ...string) []int {
	var found []int
	for _, pid := range descendants(os.Getpid()) {
		args, _ := process.CommandLine(pid)
		if slices.Equal(args, append(append([]string{programName}, words...), c.dir)) && !zombie(pid) {
			found = append(found, pid)
		}
	}
	return found
}

func (c *chain) one(words ...string) int {
	c.Helper()
	var found []int
	c.until(fmt.Sprint("one process is ", words), func() error {
		found = c.pids(words...)
		return when(len(found) == 1)
	})
	return found[0]
}

func (c *chain) outer() int      { return c.one("keep") }
func (c *chain) inner() int      { return c.one("keep", "--inner") }
func (c *chain) supervisor() int { return c.one("supervise") }

// lives are the supervisors there have been: "pid leave".
func (c *chain) lives() []string {
	b, _ := os.ReadFile(filepath.Join(c.dir, "lives"))
	return strings.Fields(strings.ReplaceAll(string(b), " ", ":"))
}

// record waits for the records of a process.
func (c *chain) records(pid, n int) []Record {
	c.Helper()
	var found []Record
	c.until(fmt.Sprintf("process %d has %d records", pid, n), func() error {
		all, _, err := ReadRecords(JournalFile(c.dir), 0)
		found = slices.DeleteFunc(all, func(r Record) bool { return r.PID != pid })
		return errors.Join(err, when(len(found) >= n))
	})
	return found
}

func (c *chain) gone(pid int) {
	c.Helper()
	c.until(fmt.Sprintf("process %d is gone", pid), func() error {
		syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		_, err := process.ReadStat(pid)
		return when(err != nil)
	})
}

// nothingLeft checks that no process is below this one.
func (c *chain) nothingLeft() {
	c.Helper()
	c.until("nothing is left", func() error {
		below := descendants(os.Getpid())
		for _, pid := range below {
			syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		}
		return when(len(below) == 0)
	})
}

func (c *chain) kill(pid int, s syscall.Signal) {
	c.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		c.Fatalf("kill %d: %v", pid, err)
	}
}

func descendants(pid int) []int {
	below, _ := process.Children(pid)
	for _, child := range slices.Clone(below) {
		below = append(below, descendants(child)...)
	}
	return below
}

func zombie(pid int) bool {
	stat, err := process.ReadStat(pid)
	return err != nil || stat.State == 'Z'
}

// follow sends the records of the journal as they are written, until the test ends.
func (c *chain) follow() <-chan Record {
	c.Helper()
	notices, err := Watch(c.dir)
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(notices.Stop)
	out := make(chan Record)
	go func() {
		var offset int64
		for {
			var records []Record
			records, offset, _ = ReadRecords(JournalFile(c.dir), offset)
			for _, r := range records {
				select {
				case out <- r:
				case <-c.Context().Done():
					return
				}
			}
			select {
			case <-notices.Journal:
			case <-c.Context().Done():
				return
			}
		}
	}()
	return out
}
