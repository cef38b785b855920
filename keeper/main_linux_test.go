package keeper

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	"tend"
	"tend/process"
)

// TestMain lets this binary be all of tend's processes: keepers execute their own program, which here is the test.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case commandKeep:
			c, err := ParseArgs(os.Args[2:])
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(tend.ExitStatus(err))
			}
			os.Exit(Keep(context.Background(), c))
		case commandSupervise:
			dir, leave, err := SuperviseArgs(os.Args[2:])
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(2)
			}
			os.Exit((&supervisor{dir: dir}).run(leave))
		}
	}
	if err := process.Subreaper(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(m.Run())
}

// supervisor stands in for the real one: it keeps the contract of the package comment, starts what a test asks for on
// its socket, and misbehaves as the file "behaviour" says.
type supervisor struct {
	dir     string
	spawner *process.Spawner
	shelf   *Shelf
	shelved map[string]*os.File // what was found on it
}

const testRun = "the-run-of-all-services-here"

func (s *supervisor) run(leave bool) int {
	spawner, err := process.NewSpawner()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s.spawner = spawner
	s.log("lives", fmt.Sprintf("%d %v", os.Getpid(), leave))
	switch behaviour := s.behaviour(); behaviour {
	case "error":
		ReportReady(tend.Errorf(tend.CodeConflict, "the database is from the future").WithHint("upgrade"))
		return 0
	case "die", "die-once":
		if behaviour == "die-once" {
			os.Remove(filepath.Join(s.dir, "behaviour"))
		}
		fmt.Fprintln(os.Stderr, "panic: out of cheese")
		return 2
	case "kill-all", "kill-all-once":
		if behaviour == "kill-all-once" {
			os.Remove(filepath.Join(s.dir, "behaviour"))
		}
		inner, _ := process.ReadStat(os.Getppid())
		syscall.Kill(inner.PPID, syscall.SIGSTOP) // so that it starts no other
		for _, pid := range []int{inner.PID, inner.PPID, os.Getpid()} {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	case "deaf": // until it may hear: SIGUSR1 is lost on a Go program that has not asked for it
		for !exists(filepath.Join(s.dir, "hear")) {
			unix.Select(0, nil, nil, nil, &unix.Timeval{Usec: 1000})
		}
	}
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGUSR1)
	orphaned := s.parentGone()
	lock, err := openLock(LockFile(s.dir))
	if err == nil {
		err = lock.flock(unix.LOCK_EX)
	}
	if err == nil {
		if s.shelf, err = OpenShelf(); err == nil {
			s.shelved, err = s.shelf.All()
		}
	}
	if err == nil && !leave {
		err = s.listen()
	}
	ReportReady(err)
	if leave {
		return s.leave()
	}
	select {
	case <-orphaned:
		return ExitReplace
	case <-told:
		if s.behaviour() == "die-of-it" {
			os.Remove(filepath.Join(s.dir, "behaviour"))
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return s.leave()
	}
}

// leave stops the services that the chain still has.
func (s *supervisor) leave() int {
	os.Remove(Socket(s.dir))
	siblings, _ := process.Children(os.Getppid())
	for _, pid := range siblings {
		if pid != os.Getpid() {
			syscall.Kill(pid, syscall.SIGTERM)
		}
	}
	for _, pid := range siblings { // it leaves when they have ended, as the real one does
		for stat, err := process.ReadStat(pid); pid != os.Getpid() && err == nil && !stat.Dead(); stat, err = process.ReadStat(pid) {
			unix.Select(0, nil, nil, nil, &unix.Timeval{Usec: 1000})
		}
	}
	return 0
}

func (s *supervisor) parentGone() <-chan process.Gone {
	watcher, err := process.NewWatcher()
	if err != nil {
		return nil
	}
	parent, _ := Parent()
	err = watcher.Add(tend.Identity{PID: parent, Start: startOf(parent)}, -1)
	if _, alive := Parent(); err != nil || !alive {
		os.Exit(ExitReplace)
	}
	return watcher.Exits()
}

func (s *supervisor) listen() error {
	fresh := Socket(s.dir) + ".new"
	os.Remove(fresh)
	l, err := net.Listen("unix", fresh)
	if err != nil {
		return err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.serve(conn)
		}
	}()
	return os.Rename(fresh, Socket(s.dir))
}

// serve carries out "run SHELL COMMAND", answered with a pid, "exit STATUS" and "env", "shelve WORD" and "drop WORD", answered
// with the error, and "shelved", answered with what was found on the shelf.
func (s *supervisor) serve(conn net.Conn) {
	defer conn.Close()
	line, _ := bufio.NewReader(conn).ReadString('\n')
	verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch verb {
	case "run":
		child, err := s.spawner.Start(process.Spec{
			Path: "/bin/sh", Args: []string{"sh", "-c", rest}, Env: []string{"PATH=/usr/bin:/bin", "TEND_RUN=" + testRun},
		})
		fmt.Fprintln(conn, child.PID, err)
		unix.Close(child.PIDFD)
	case "exit":
		status, _ := strconv.Atoi(rest)
		os.Exit(status)
	case "shelve":
		fmt.Fprintln(conn, shelve(s.shelf, rest))
	case "drop":
		fmt.Fprintln(conn, s.shelf.Drop(rest))
	case "shelved":
		fmt.Fprintln(conn, contents(s.shelved))
	case "env":
		fmt.Fprintln(conn, strings.Join(os.Environ(), " "))
	}
}

func (s *supervisor) behaviour() string {
	b, _ := os.ReadFile(filepath.Join(s.dir, "behaviour"))
	return string(b)
}

func (s *supervisor) log(name, line string) {
	f, err := os.OpenFile(filepath.Join(s.dir, name), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		fmt.Fprintln(f, line)
		f.Close()
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
