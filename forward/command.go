package forward

import (
	"os"
	"time"

	"golang.org/x/sys/unix"

	"tend/process"
)

// command is a process of ours that reads lines from its stdin.
type command struct {
	process.Child
	r, w    *os.File // both ends of the pipe: what the command has not read is still there when it is gone
	from    int64    // the first offset that it was given
	began   time.Time
	watched bool          // somebody tells of its end
	pause   time.Duration // before it is looked again what it has read
}

func startCommand(line string, t Target, h Host) (*command, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	const shell = "/bin/sh"
	spec := process.Spec{
		Path: shell, Args: []string{shell, "-c", line}, Dir: t.Dir, Env: t.Env, Umask: t.Umask, Stdin: r, Stderr: h.Stderr, Own: true,
	}
	child, err := h.Start(spec)
	if err != nil {
		r.Close()
		w.Close()
		return nil, err
	}
	return &command{Child: child, r: r, w: w, began: time.Now()}, nil
}

func (c *command) send(text []byte, g *guard) (int, error) { return g.write(c.w, text) }

// unread is how much of what it was sent the command has not read, bytes.
func (c *command) unread() int {
	n := 0
	if conn, err := c.r.SyscallConn(); err == nil {
		_ = conn.Control(func(fd uintptr) { n, _ = unix.IoctlGetInt(int(fd), fionread) })
	}
	return n
}

// finish tells the command that nothing more comes.
func (c *command) finish() { c.w.Close() }

func (c *command) close() {
	c.w.Close()
	c.r.Close()
}
