package main

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// takeBack measures how long supervision is away when the supervisor is killed, n times: until the next one has taken the
// services back and answers.
func takeBack(t *table, h *home, services, n int) {
	progress("killing %d supervisors of %d services", n, services)
	sockets, err := filepath.Glob(filepath.Join(h.dir, "run", "*", "sock"))
	if err != nil || len(sockets) != 1 {
		check(fmt.Errorf("there are %d sockets: %w", len(sockets), err))
	}
	var away []time.Duration
	for range n {
		time.Sleep(pauseBetweenKills)
		victim := h.supervisor()
		begun := time.Now()
		check(syscall.Kill(victim, syscall.SIGKILL))
		awaitAnswer(sockets[0])
		away = append(away, time.Since(begun))
	}
	t.add(fmt.Sprintf("supervisor of %d killed until the next one answers", services), "median "+ms(median(away)),
		fmt.Sprintf("99 %%: %s, longest: %s", ms(rank(away, 99)), ms(slices.Max(away))), "")
}

// pauseBetweenKills is long enough for a supervisor to have nothing to do any more.
const pauseBetweenKills = 100 * time.Millisecond

// supervisor is the pid of the one there is.
func (h *home) supervisor() int {
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		var found []int
		for _, p := range h.chain() {
			if len(p.words) > 1 && p.words[1] == "supervise" {
				found = append(found, p.pid)
			}
		}
		if len(found) == 1 {
			return found[0]
		}
		if time.Now().After(end) {
			check(fmt.Errorf("there are %d supervisors", len(found)))
		}
	}
}

// awaitAnswer asks about one service until somebody answers.
func awaitAnswer(socket string) {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Microsecond) {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			continue
		}
		fmt.Fprintf(conn, "GET /v1/services?brief&name=%s HTTP/1.0\r\nHost: tend\r\n\r\n", name(0))
		answer, _ := io.ReadAll(conn)
		conn.Close()
		if len(answer) > 0 {
			return
		}
	}
	check(fmt.Errorf("no supervisor answers 20 s after the last one was killed"))
}
