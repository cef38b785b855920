package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// serve serves the socket that the run was handed until it is told to end. Whom it has accepted it answers first.
func (r *run) serve() int {
	if os.Getenv("LISTEN_FDS") != "1" || os.Getenv("LISTEN_PID") != fmt.Sprint(os.Getpid()) {
		r.violate("it was handed %q descriptors, for the process %q", os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_PID"))
		return r.exit(1)
	}
	file := os.NewFile(3, "socket")
	l, err := net.FileListener(file)
	if err != nil {
		r.violate("the socket that it was handed is none: %v", err)
		return r.exit(1)
	}
	var busy sync.WaitGroup
	accepting := make(chan struct{})
	go func() {
		defer close(accepting)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			busy.Go(func() { r.answer(conn) })
		}
	}()
	<-r.told
	r.note("told %d", time.Now().UnixNano())
	_ = l.(*net.TCPListener).SetDeadline(time.Unix(1, 0)) // who waits in the queue is the next run's
	<-accepting
	busy.Wait()
	return r.die(syscall.SIGTERM)
}

// answer says the run to whoever asks.
func (r *run) answer(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(endure / 2))
	if _, err := bufio.NewReader(conn).ReadString('\n'); err == nil {
		fmt.Fprintln(conn, r.id)
	}
}
