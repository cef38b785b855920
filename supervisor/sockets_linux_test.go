package supervisor_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tend"
	"tend/internal/fault"
	"tend/process"
)

// listening defines a service of so many copies that is handed these sockets.
func (c *chain) listening(name string, n int, sockets ...string) tend.Service {
	c.Helper()
	s := c.definition(name)
	s.CommandLine = strings.Replace(s.CommandLine, " program -dir "+c.place(name), " listener mortal", 1)
	s.Instances, s.Listen = n, sockets
	return s
}

// freePort is one that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// load asks all the time, until it is ended, which tells how often it was answered. Nobody may be refused or left without an
// answer.
func (c *chain) load(address string) (end func() (answers int)) {
	stop, over := make(chan struct{}), make(chan int)
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			answers := 0
			defer func() { over <- answers }()
			for {
				select {
				case <-stop:
					return
				default:
				}
				if text, err := ask("tcp", address, "hello"); err != nil {
					c.Errorf("answer %d is %q: %v", answers, text, err)
					return
				}
				answers++
			}
		})
	}
	return func() (answers int) {
		close(stop)
		for range 4 {
			answers += <-over
		}
		return answers
	}
}

// Nobody who connects is refused while services are restarted, one by one or alone, and tend's processes are killed, any of them or
// all.
func TestNobodyIsRefused(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprintf("%d copies", n), func(t *testing.T) {
			t.Parallel()
			c := newChain(t)
			address := freePort(t)
			c.add(c.listening("web", n, "tcp:"+address))
			c.launch()
			c.start("web")
			answers := c.load(address)
			c.do(tend.CommandRestart, "web")
			for range 5 {
				c.signal(c.supervisor(), syscall.SIGKILL)
				c.status("web")
			}
			c.do(tend.CommandRestart, "web")
			if process.Probe().Has("pidfd") { // the sockets are taken from the services
				c.killAtOnce(c.outer(), c.inner(), c.supervisor())
				c.do(tend.CommandRestart, "web")
			}
			c.signal(c.inner(), syscall.SIGKILL)
			c.do(tend.CommandRestart, "web")
			if got := answers(); got < 20 {
				t.Errorf("there were no more than %d answers", got)
			}
			c.do(tend.CommandStop, "web")
			refused(t, "tcp", address)
		})
	}
}

// Where the sockets cannot be taken from the service after all of tend was killed, it goes on with them, and they are opened
// anew when it is restarted.
func TestSocketsThatCannotBeTakenBack(t *testing.T) {
	t.Parallel()
	c := newChain(t, "TEND_WITHOUT=pidfd")
	address := freePort(t)
	c.add(c.listening("web", 1, "tcp:"+address))
	c.launch()
	c.start("web")
	pid := c.status("web").PID
	c.killAtOnce(c.outer(), c.inner(), c.supervisor())
	same(c, "the process", c.do(tend.CommandStart, "web")["web"].PID, pid)
	if _, err := ask("tcp", address, "hello"); err != nil {
		t.Error(err)
	}
	if p := c.do(tend.CommandRestart, "web")["web"]; p.Kind != tend.ProgressStarted {
		t.Errorf("restart: %+v", p)
	}
	answers := c.load(address)
	c.do(tend.CommandRestart, "web")
	if answers() == 0 {
		t.Error("there was no answer")
	}
}

// A supervisor is killed while it closes the sockets of a service that was stopped: they are closed all the same.
func TestSocketsAreClosedWhoeverDies(t *testing.T) {
	t.Parallel()
	faults := t.TempDir()
	c := newChain(t, fault.Variable+"="+faults)
	address := freePort(t)
	c.add(c.listening("web", 1, "tcp:"+address))
	c.launch()
	c.start("web")
	c.check(fault.Arm(faults, fault.SupervisorShelving, ""))
	c.do(tend.CommandStop, "web")
	c.until("the supervisor has died", func() error { return when(!fault.Armed(faults, fault.SupervisorShelving)) })
	c.reaches("web", tend.PhaseStopped)
	refused(t, "tcp", address)
	c.start("web")
	if _, err := ask("tcp", address, "hello"); err != nil {
		t.Error(err)
	}
}

func refused(t *testing.T, network, address string) {
	t.Helper()
	if conn, err := net.Dial(network, address); !errors.Is(err, syscall.ECONNREFUSED) && !errors.Is(err, os.ErrNotExist) {
		t.Errorf("whoever connects to %s is not refused: %v", address, err)
		if err == nil {
			conn.Close()
		}
	}
}

// A socket is open while the service waits to be started again, also for a new supervisor, and is closed when it has given up.
func TestSocketsStayOpenBetweenRuns(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	address, path := freePort(t), filepath.Join(t.TempDir(), "s")
	s := c.listening("web", 1, "tcp:"+address, "a=unix:"+path)
	s.Backoff = tend.Backoff{Min: tend.Duration(time.Hour), Max: tend.Duration(time.Hour)}
	s.GiveUpAfter = 3
	c.add(s)
	c.launch()
	c.start("web")
	if text, err := ask("unix", path, "hello"); err != nil || !strings.HasSuffix(text, " web:a") {
		t.Errorf("got %q, %v", text, err)
	}
	before := c.status("web").PID
	ask("tcp", address, "die") // the first restart is at once
	c.until("it runs again", func() error {
		if st := c.status("web"); st.State != tend.PhaseRunning || st.PID == before {
			return errors.New(string(st.State))
		}
		return nil
	})
	ask("unix", path, "die")
	c.reaches("web", tend.PhaseBackoff)
	answer := make(chan error)
	go func() {
		_, err := ask("tcp", address, "hello")
		answer <- err
	}()
	c.signal(c.supervisor(), syscall.SIGKILL)
	c.reaches("web", tend.PhaseBackoff)
	c.start("web")
	if err := <-answer; err != nil {
		t.Errorf("whoever connected between two runs: %v", err)
	}
	ask("tcp", address, "die") // a start by hand counts from zero
	c.until("it runs again", func() error {
		if st := c.status("web"); st.State != tend.PhaseRunning || st.Restarts != 1 {
			return errors.New(string(st.State))
		}
		return nil
	})
	ask("tcp", address, "die")
	c.reaches("web", tend.PhaseBackoff)
	s.Restart = tend.RestartNo
	c.change(s)
	c.start("web")
	ask("tcp", address, "die")
	c.reaches("web", tend.PhaseFailed)
	refused(t, "tcp", address)
	refused(t, "unix", path)
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
}

// Where the definition asks for other sockets, those that stay are not touched.
func TestSocketsFollowTheDefinition(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	stays, goes, comes := freePort(t), freePort(t), freePort(t)
	s := c.listening("web", 2, "tcp:"+stays, "tcp:"+goes)
	c.add(s)
	c.launch()
	c.start("web")
	c.do(tend.CommandStop, "web@1")
	if _, err := ask("tcp", goes, "hello"); err != nil {
		t.Error(err) // one copy goes on
	}
	c.start("web@1")
	answers := c.load(stays)
	s.Listen = []string{"tcp:" + stays, "b=tcp:" + comes}
	c.change(s)
	c.do(tend.CommandRestart, "web")
	refused(t, "tcp", goes)
	for address, names := range map[string]string{stays: "web:b", comes: "web:b"} {
		if text, err := ask("tcp", address, "hello"); err != nil || !strings.HasSuffix(text, names) {
			t.Errorf("%s: %q, %v", address, text, err)
		}
	}
	if got := answers(); got == 0 {
		t.Error("there was no answer")
	}
	s.Listen = nil
	s.CommandLine = "sleep 1000"
	c.change(s)
	c.do(tend.CommandRestart, "web")
	refused(t, "tcp", stays)
}

// The file of a unix socket that the definition does not ask for any more stays as long as a run has that, and no longer.
func TestFilesOfSocketsThatAreNotWanted(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	path := filepath.Join(c.dir, "w.sock")
	s := c.listening("web", 1, "unix:"+path)
	c.add(s)
	c.launch()
	c.start("web")
	s.Listen, s.CommandLine = nil, "sleep 1000"
	c.change(s)
	c.add(c.definition("other"))
	c.start("other") // by which the supervisor learns of both
	if _, err := ask("unix", path, "hello"); err != nil {
		t.Error(err)
	}
	c.do(tend.CommandRestart, "web")
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its file is left: %v", err)
	}
}

// An address that is taken is told of, and nothing is said of sockets where there are none.
func TestTakenAddress(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	c.check(err)
	c.add(c.listening("web", 1, "tcp:"+taken.Addr().String()))
	plain := c.definition("plain")
	plain.CommandLine, plain.Shell = `test -z "$LISTEN_FDS$LISTEN_PID$LISTEN_FDNAMES$LISTEN_PIDFDID" && ! test -e /proc/self/fd/3 && exec sleep 1000`, true
	for _, name := range []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID"} {
		plain.Environment[name] = "1"
	}
	c.add(plain)
	c.launch()
	p := c.do(tend.CommandStart, "web")["web"]
	if p.Kind != tend.ProgressFailed || !strings.Contains(p.Error.Message, "listening on tcp:"+taken.Addr().String()+": the address is taken by process "+strconv.Itoa(os.Getpid())+" (") {
		t.Errorf("got %+v", p.Error)
	}
	taken.Close()
	c.start("web", "plain")

	c.add(c.listening("other", 1, "tcp:"+taken.Addr().String()))
	p = c.do(tend.CommandStart, "other")["other"]
	if p.Kind != tend.ProgressFailed || !strings.Contains(p.Error.Message, ", of web)") {
		t.Errorf("got %+v", p.Error)
	}
}

// The socket of a service that waits to be started again is closed when the service is removed.
func TestSocketsOfARemovedService(t *testing.T) {
	t.Parallel()
	c := newChain(t)
	address := freePort(t)
	s := c.listening("web", 1, "tcp:"+address)
	s.Backoff = tend.Backoff{Min: tend.Duration(time.Hour), Max: tend.Duration(time.Hour)}
	c.add(s)
	c.add(c.definition("other")) // for which the supervisor stays
	c.launch()
	c.start("web", "other")
	before := c.status("web").PID
	ask("tcp", address, "die") // the first restart is at once
	c.until("it runs again", func() error {
		if st := c.status("web"); st.State != tend.PhaseRunning || st.PID == before {
			return errors.New(string(st.State))
		}
		return nil
	})
	ask("tcp", address, "die")
	c.reaches("web", tend.PhaseBackoff)
	if p := c.do(tend.CommandRemove, "web")["web"]; p.Kind != tend.ProgressRemoved {
		t.Fatalf("remove: %+v", p)
	}
	refused(t, "tcp", address)
}
