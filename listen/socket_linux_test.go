package listen

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tend"
	"tend/internal/testenv"
	"tend/process"
)

func parse(t *testing.T, text string) tend.Listen {
	t.Helper()
	l, err := tend.ParseListen(text)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func opened(t *testing.T, text string) (*Socket, tend.Listen) {
	t.Helper()
	l := parse(t, text)
	s, err := Open(l, 0o027)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, l
}

// port is one that is free now.
func port(t *testing.T, network string) int {
	t.Helper()
	if network == "udp" {
		c, err := net.ListenPacket("udp", "[::]:0")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.LocalAddr().(*net.UDPAddr).Port
	}
	c, err := net.Listen("tcp", "[::]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.Addr().(*net.TCPAddr).Port
}

// TestOpen: who gets through to each kind of address, and who does not.
func TestOpen(t *testing.T) {
	if six, err := net.Listen("tcp", "[::1]:0"); err != nil {
		testenv.Missing(t, "no IPv6: "+err.Error())
	} else {
		six.Close()
	}
	for _, c := range []struct{ listen, four, six string }{
		{"tcp:%d", "yes", "yes"}, {"tcp:0.0.0.0:%d", "yes", "no"}, {"tcp:[::]:%d", "no", "yes"},
		{"tcp:127.0.0.1:%d", "yes", "no"}, {"tcp:[::1]:%d", "no", "yes"}, {"tcp:127.0.0.2:%d", "no", "no"},
	} {
		n := port(t, "tcp")
		s, l := opened(t, fmt.Sprintf(c.listen, n))
		for host, want := range map[string]string{"127.0.0.1": c.four, "::1": c.six} {
			conn, err := net.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(n)))
			if err == nil {
				conn.Close()
			}
			if (err == nil) != (want == "yes") {
				t.Errorf("%s by %s: %v", c.listen, host, err)
			}
		}
		if nonblock, err := unix.FcntlInt(uintptr(s.fd), unix.F_GETFL, 0); err != nil || nonblock&unix.O_NONBLOCK != 0 {
			t.Errorf("it does not block: %v", err)
		}
		if flags, err := unix.FcntlInt(uintptr(s.fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("it stays open: %v", err)
		}
		for _, other := range []string{"tcp:%d", "tcp:0.0.0.0:%d", "tcp:[::]:%d", "tcp:127.0.0.1:%d", "udp:%d"} {
			if other := parse(t, fmt.Sprintf(other, n)); s.Fits(other) != (other == l) {
				t.Errorf("%s fits %s: %v", l, other, s.Fits(other))
			}
		}
		if _, err := Open(l, 0); !errors.Is(err, ErrTaken) || !strings.Contains(err.Error(), l.Address()) {
			t.Errorf("a second time: %v", err)
		}
	}
}

// What was connected and is over does not keep the next socket from the port.
func TestOpenAgain(t *testing.T) {
	n := port(t, "tcp")
	s, l := opened(t, fmt.Sprintf("tcp:127.0.0.1:%d", n))
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", n))
	if err != nil {
		t.Fatal(err)
	}
	accepted, _, err := unix.Accept(s.fd)
	if err != nil {
		t.Fatal(err)
	}
	unix.Close(accepted) // first, so that it is on this side that something lingers
	conn.Close()
	s.Close()
	again, err := Open(l, 0)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
	s.fd = -1
}

func TestDatagrams(t *testing.T) {
	n := port(t, "udp")
	s, l := opened(t, fmt.Sprintf("udp:127.0.0.1:%d", n))
	conn, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", n))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write([]byte("hello"))
	buffer := make([]byte, 16)
	if n, _, err := unix.Recvfrom(s.fd, buffer, 0); err != nil || string(buffer[:n]) != "hello" {
		t.Errorf("got %q, %v", buffer[:n], err)
	}
	if _, err := Open(l, 0); !errors.Is(err, ErrTaken) {
		t.Errorf("a second time: %v", err)
	}
	if !s.Fits(l) || s.Fits(parse(t, fmt.Sprintf("tcp:127.0.0.1:%d", n))) {
		t.Error("it does not fit")
	}
}

func TestPaths(t *testing.T) {
	dir := t.TempDir()
	for _, network := range []string{"unix", "unix-datagram"} {
		path := filepath.Join(dir, network)
		s, l := opened(t, network+":"+path)
		if info, err := os.Stat(path); err != nil || info.Mode() != os.ModeSocket|0o750 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		if !s.Fits(l) || s.Fits(parse(t, network+":"+path+"x")) {
			t.Error("it does not fit")
		}
		if _, err := Open(l, 0); !errors.Is(err, ErrTaken) {
			t.Errorf("a second time: %v", err)
		}
		Clear(l)
		if _, err := os.Stat(path); err != nil {
			t.Errorf("it was removed while somebody listens: %v", err)
		}
		s.Close()
		again, err := Open(l, 0) // in the place of the one that was left
		if err != nil {
			t.Fatal(err)
		}
		again.Close()
		Clear(l)
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("it is left: %v", err)
		}
		s.fd = -1
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for text, says := range map[string]string{
		"unix:" + file: "which is no socket", "unix:" + dir: "which is no socket", "unix:" + dir + "/none/x": "no such file or directory",
		"tcp:192.0.2.1:80": "this host does not have the address 192.0.2.1", "tcp:[fe80::1%none]:80": "no such network interface",
	} {
		if _, err := Open(parse(t, text), 0); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
	Clear(parse(t, "unix:"+file))
	if text, _ := os.ReadFile(file); string(text) != "precious" {
		t.Error("a file was removed")
	}
}

// TestSearch finds a socket in this very process, whatever its mode is, and keeps it open.
func TestSearch(t *testing.T) {
	if !process.Probe().Has("pidfd") {
		testenv.Missing(t, "no pidfds")
	}
	a, la := opened(t, fmt.Sprintf("tcp:127.0.0.1:%d", port(t, "tcp")))
	_, lb := opened(t, "unix:"+filepath.Join(t.TempDir(), "s"))
	if err := syscall.SetNonblock(a.fd, true); err != nil {
		t.Fatal(err)
	}
	stat, err := process.ReadStat(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	found, err := Search(stat.Identity, []tend.Listen{la, parse(t, "tcp:1"), lb})
	if err != nil {
		t.Fatal(err)
	}
	if found[0] == nil || found[1] != nil || found[2] == nil || !found[0].Fits(la) || !found[2].Fits(lb) {
		t.Fatalf("found %v", found)
	}
	for _, s := range []*Socket{found[0], found[2]} {
		if flags, _ := unix.FcntlInt(uintptr(s.fd), unix.F_GETFD, 0); flags&unix.FD_CLOEXEC == 0 {
			t.Error("it stays open")
		}
		s.Close()
	}
	stat.Start++
	if found, err := Search(stat.Identity, []tend.Listen{la}); err != nil || found[0] != nil {
		t.Errorf("of a process that is gone: %v, %v", found, err)
	}
}

// A socket that a service has made non-blocking is handed on as it is, or made to block for all.
func TestBlock(t *testing.T) {
	s, _ := opened(t, fmt.Sprintf("tcp:127.0.0.1:%d", port(t, "tcp")))
	if err := syscall.SetNonblock(s.fd, true); err != nil {
		t.Fatal(err)
	}
	file, err := s.File("x")
	if err != nil {
		t.Fatal(err)
	}
	taken, err := Take(file)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	mode := func() bool {
		flags, _ := unix.FcntlInt(uintptr(s.fd), unix.F_GETFL, 0)
		return flags&unix.O_NONBLOCK != 0
	}
	if !mode() {
		t.Error("to take it has changed its mode")
	}
	if err := taken.Block(); err != nil || mode() {
		t.Errorf("it does not block: %v", err)
	}
}
