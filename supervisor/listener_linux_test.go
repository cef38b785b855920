package supervisor_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// listener is a service that is handed its sockets. To whoever connects it says its number, pid, and what it was handed. At
// SIGTERM it takes no more, and answers those that it has taken; with an argument, it dies of the first who says so.
func listener(args []string) int {
	files := handedFiles()
	if len(files) == 0 {
		return 3
	}
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	var taken sync.WaitGroup
	var listeners []net.Listener
	for _, f := range files {
		l, err := net.FileListener(f)
		if err != nil {
			return 4
		}
		f.Close()
		listeners = append(listeners, l)
		taken.Go(func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				taken.Go(func() { answer(conn, len(args) > 0) })
			}
		})
	}
	<-terminated
	for _, l := range listeners {
		if u, ok := l.(*net.UnixListener); ok {
			u.SetUnlinkOnClose(false)
		}
		l.Close()
	}
	taken.Wait()
	return 0
}

func answer(conn net.Conn, mortal bool) {
	defer conn.Close()
	word := make([]byte, 16)
	conn.SetDeadline(time.Now().Add(patience))
	if n, _ := conn.Read(word); mortal && string(word[:n]) == "die\n" {
		os.Exit(5)
	}
	fmt.Fprintf(conn, "%s %d %s\n", os.Getenv("TEND_INSTANCE"), os.Getpid(), os.Getenv("LISTEN_FDNAMES"))
}

// handedFiles are the descriptors that this process was handed, if what it is told of them is true in each detail.
func handedFiles() (files []*os.File) {
	n := 0
	fmt.Sscan(os.Getenv("LISTEN_FDS"), &n)
	if os.Getenv("LISTEN_PID") != fmt.Sprint(os.Getpid()) || len(strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")) != n {
		return nil
	}
	for fd := 3; fd < 3+n; fd++ {
		files = append(files, os.NewFile(uintptr(fd), "handed"))
	}
	if flags, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", 3+n)); err == nil && strings.HasPrefix(flags, "socket:") {
		return nil // one too many
	}
	return files
}

// ask connects and returns the answer.
func ask(network, address, word string) (string, error) {
	conn, err := net.DialTimeout(network, address, patience)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, word+"\n"); err != nil {
		return "", err
	}
	text, err := io.ReadAll(conn)
	if err == nil && len(text) == 0 {
		err = io.ErrUnexpectedEOF
	}
	return strings.TrimSpace(string(text)), err
}
