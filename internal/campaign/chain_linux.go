package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tend"
	"tend/keeper"
	"tend/process"
)

// The roles in the chain.
type role string

const (
	outer      role = "outer"
	inner      role = "inner"
	supervisor role = "supervisor"
)

// chain is tend's own processes, as they are found from the socket upwards. Keepers may be missing.
type chain map[role]tend.Identity

func (c chain) has(r role) bool { return !c[r].IsZero() }

var (
	errNobody   = errors.New("no supervisor answers")
	errNoParent = errors.New("the supervisor has no keeper")
)

// chain finds the processes of the chain. The supervisor is whoever listens at the socket, as the kernel says; the
// keepers are its ancestors, so long as they are tend keep. Command lines alone would not do: what the supervisor
// starts bears its command line for a moment.
func (w *world) chain() (chain, error) {
	conn, err := net.Dial("unix", keeper.Socket(w.runtime))
	if err != nil {
		return nil, errNobody
	}
	defer conn.Close()
	pid, err := peer(conn.(*net.UnixConn))
	if err != nil {
		return nil, errNobody
	}
	return w.chainOf(pid)
}

// chainByLock finds them where nobody listens yet: the lock's file says who has it.
func (w *world) chainByLock() (chain, error) {
	text, err := os.ReadFile(keeper.LockFile(w.runtime))
	if err != nil {
		return nil, errNobody
	}
	var id tend.Identity
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if n, _ := fmt.Sscanf(lines[len(lines)-1], "%d %d", &id.PID, &id.Start); n != 2 {
		return nil, errNobody
	}
	c, err := w.chainOf(id.PID)
	if err != nil || c[supervisor] != id {
		return nil, errNobody
	}
	return c, nil
}

func (w *world) chainOf(pid int) (chain, error) {
	stat, ok := w.is(pid, "supervise")
	if !ok {
		return nil, errNobody
	}
	c := chain{supervisor: stat.Identity}
	parent, ok := w.is(stat.PPID, "keep")
	if !ok {
		return c, errNoParent
	}
	c[inner] = parent.Identity
	if above, ok := w.is(parent.PPID, "keep"); ok {
		c[outer] = above.Identity
	}
	return c, nil
}

// is reads a process of tend that plays the role.
func (w *world) is(pid int, command string) (process.Stat, bool) {
	stat, err := process.ReadStat(pid)
	if err != nil || stat.Dead() || !runsOne(pid, []string{w.tend}) {
		return stat, false
	}
	words, err := process.CommandLine(pid)
	if err != nil || len(words) < 2 || words[1] != command {
		return stat, false
	}
	again, err := process.ReadStat(pid) // what was read in between is of the same process
	return again, err == nil && again.Identity == stat.Identity
}

// peer returns the pid of the process that listens at the other end.
func peer(conn *net.UnixConn) (int, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return 0, err
	}
	if credErr != nil {
		return 0, credErr
	}
	return int(cred.Pid), nil
}

// answered asks the supervisor something cheap and returns who has answered; 0 if nobody has.
func (w *world) answered(service string) (pid int) {
	conn, err := net.Dial("unix", keeper.Socket(w.runtime))
	if err != nil {
		return 0
	}
	defer conn.Close()
	if pid, err = peer(conn.(*net.UnixConn)); err != nil {
		return 0
	}
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := fmt.Fprintf(conn, "GET /v1/services?brief&name=%s HTTP/1.0\r\n\r\n", service); err != nil {
		return 0
	}
	status, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.HasPrefix(status, "HTTP/1.0 200") {
		return 0
	}
	return pid
}

// send opens a pidfd of each process and checks who it is; then it kills all of them at once. It returns those that
// were there.
func send(victims []tend.Identity) (killed []tend.Identity) {
	type held struct {
		id tend.Identity
		fd int
	}
	var all []held
	for _, id := range victims {
		fd, err := unix.PidfdOpen(id.PID, 0)
		if err != nil {
			continue
		}
		defer unix.Close(fd)
		if _, ok := alive(id); ok {
			all = append(all, held{id, fd})
		}
	}
	for _, h := range all {
		if unix.PidfdSendSignal(h.fd, unix.SIGKILL, nil, 0) == nil {
			killed = append(killed, h.id)
		}
	}
	return killed
}
