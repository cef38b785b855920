package main

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"tend/process"
)

// load connects all the time to the address of a service that is handed its socket: nobody may be refused, nor left without
// an answer, whatever is killed or restarted.
type load struct {
	address string
	gate    sync.RWMutex // held for reading while somebody is connected, and for writing while the service is stopped
	closed  bool         // gate is held for writing. Its worker's own
}

// clients is how many connect at a time.
const clients = 3

// addServing adds a service of several copies that share a socket.
func (c *campaign) addServing(name string) (group, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	under := &load{address: address}
	under.close()
	c.load = under
	return c.addCopies(name, serving(address), under)
}

// freeAddress is one at which nobody listens.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// takesSockets reports whether the next command takes the sockets from the processes of a service when all of tend was killed.
func takesSockets(without string) bool {
	scope, err := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope")
	allowed := os.Getuid() == 0 || err != nil || strings.TrimSpace(string(scope)) == "0"
	return allowed && process.Probe().Has("pidfd") && !slices.Contains(strings.Split(without, ","), "pidfd")
}

// open lets clients connect, close has none connected any more.
func (l *load) open() {
	if l.closed {
		l.closed = false
		l.gate.Unlock()
	}
}

func (l *load) close() {
	if !l.closed {
		l.gate.Lock()
		l.closed = true
	}
}

// startLoad has clients connect until the function that it returns is called.
func (c *campaign) startLoad() (stop func()) {
	if c.load == nil {
		c.report.unloaded = true
		return func() {}
	}
	over := make(chan struct{})
	var busy sync.WaitGroup
	for range clients {
		busy.Go(func() {
			for {
				select {
				case <-over:
					return
				case <-time.After(15 * time.Millisecond):
				}
				c.load.gate.RLock()
				c.connect()
				c.load.gate.RUnlock()
			}
		})
	}
	return func() {
		c.load.open() // the last worker may have left it closed, where a start has failed
		close(over)
		busy.Wait()
	}
}

// connect is one client. It is served by a run, which says its id.
func (c *campaign) connect() {
	begun := time.Now()
	answer, err := ask(c.load.address)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		c.report.violate("a connection to %s was refused", c.load.address)
	case err != nil || answer == "":
		c.report.violate("a connection to %s from %s on has brought %q: %v", c.load.address, clock(begun), answer, err)
	default:
		c.report.count(&c.report.Served, 1)
	}
}

func ask(address string) (string, error) {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, "who\n"); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return strings.TrimSpace(string(answer)), err
}
