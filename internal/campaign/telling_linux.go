package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// pings is how often a service tells that it lives.
const pings = 500 * time.Millisecond

// teller tells how a run is, by sd_notify(3).
type teller struct {
	*run
	path   string
	socket unix.Stat_t // as it was when it told that it is ready
}

// tell goes on telling, from a moment on at which who supervises may well be dead.
func (r *run) tell(keeps bool) {
	t := &teller{run: r, path: os.Getenv("NOTIFY_SOCKET")}
	go func() {
		time.Sleep(time.Duration(r.chance()%150) * time.Millisecond)
		if _, err := r.lock.WriteAt([]byte(r.holder+" "+readyWord+"\n"), 0); err != nil {
			r.violate("it cannot write into its lock: %v", err)
		}
		t.ready()
		if keeps {
			t.keep()
		}
		for {
			time.Sleep(pings)
			if t.another() { // what all of tend took with it is told again
				t.note("alone %d another-socket", time.Now().UnixNano())
				t.ready()
			}
			if r.kind == "telling" {
				t.say("WATCHDOG=1", nil)
			}
		}
	}()
}

func (t *teller) ready() {
	_ = unix.Stat(t.path, &t.socket)
	t.say("READY=1\nSTATUS=ready as "+t.id, nil)
}

// another reports whether the socket is not the one at which it told that it is ready.
func (t *teller) another() bool {
	var now unix.Stat_t
	return unix.Stat(t.path, &now) == nil && (now.Ino != t.socket.Ino || now.Dev != t.socket.Dev || now.Ctim != t.socket.Ctim)
}

// say says it, however long that takes. That nobody can be reached is noted once.
func (t *teller) say(what string, rights []byte) {
	for told := false; ; time.Sleep(20 * time.Millisecond) {
		err := t.send(what, rights)
		if err == nil {
			return
		}
		if !told {
			told = true
			t.note("alone %d %s", time.Now().UnixNano(), strings.ReplaceAll(err.Error(), " ", "-"))
		}
	}
}

func (t *teller) send(what string, rights []byte) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for {
		err := unix.Sendmsg(fd, []byte(what), rights, &unix.SockaddrUnix{Name: t.path}, 0)
		if err != unix.EINTR {
			return err
		}
	}
}

// keep has a descriptor kept, in which the id of the run is written, and waits until tend has it.
func (t *teller) keep() {
	fd, err := unix.MemfdCreate("kept", unix.MFD_CLOEXEC)
	if err != nil {
		t.violate("memfd_create: %v", err)
		return
	}
	defer unix.Close(fd)
	if _, err := unix.Pwrite(fd, []byte(t.id), 0); err != nil {
		t.violate("it cannot write into a descriptor: %v", err)
		return
	}
	t.say("FDSTORE=1\nFDNAME=kept", unix.UnixRights(fd))
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		t.violate("pipe: %v", err)
		return
	}
	defer unix.Close(pipe[0])
	t.say("BARRIER=1", unix.UnixRights(pipe[1]))
	unix.Close(pipe[1])
	for {
		if _, err := unix.Read(pipe[0], make([]byte, 1)); err != unix.EINTR {
			break
		}
	}
	t.note("kept %s %d", t.id, time.Now().UnixNano())
}

// inherit takes what the run before has had kept, and reports whether there was nothing.
func (r *run) inherit() (nothing bool) {
	if os.Getenv("LISTEN_FDS") == "" {
		return true
	}
	if got := os.Getenv("LISTEN_FDS") + " " + os.Getenv("LISTEN_FDNAMES") + " " + os.Getenv("LISTEN_PID"); got != fmt.Sprintf("1 kept %d", os.Getpid()) {
		r.violate("it was handed %q", got)
		return false
	}
	text := make([]byte, 100)
	n, err := unix.Pread(3, text, 0)
	if err != nil || n == 0 {
		r.violate("the descriptor that was kept cannot be read: %v", err)
		return false
	}
	r.note("kept %s %d", text[:n], time.Now().UnixNano())
	return false
}
