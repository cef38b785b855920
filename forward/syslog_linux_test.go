package forward

import (
	"bufio"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
)

// receiver is a syslog.
type receiver struct {
	t        *testing.T
	close    func()
	mu       sync.Mutex
	messages []string
}

func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.messages...)
}

func (r *receiver) take(message string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, message)
}

func receivePackets(t *testing.T, network, address string) (*receiver, string) {
	t.Helper()
	conn, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{t: t, close: func() { conn.Close(); os.Remove(address) }}
	go func() {
		buffer := make([]byte, 64<<10)
		for {
			n, _, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			r.take(string(buffer[:n]))
		}
	}()
	return r, conn.LocalAddr().String()
}

func receiveStream(t *testing.T, network, address string) (*receiver, string) {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var conns []net.Conn
	r := &receiver{t: t}
	r.close = func() {
		listener.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range conns {
			c.Close()
		}
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			go func() {
				lines := bufio.NewReader(conn)
				for {
					line, err := lines.ReadString('\n')
					if err != nil {
						return
					}
					r.take(strings.TrimSuffix(line, "\n"))
				}
			}()
		}
	}()
	return r, listener.Addr().String()
}

// is checks that the messages say these words and nothing else.
func (r *receiver) is(priority string, words ...string) {
	r.t.Helper()
	until(r.t, "syslog has "+strings.Join(words, ", "), func() bool { return len(r.got()) >= len(words) })
	got := r.got()
	if len(got) != len(words) {
		r.t.Fatalf("syslog got %.300q", got)
	}
	for i, m := range got {
		if !strings.HasPrefix(m, priority) || !strings.HasSuffix(m, " web: "+words[i]) {
			r.t.Errorf("syslog got %.100q, which should end in %.100q", m, words[i])
		}
	}
}

const info, wrong = "<30>", "<27>"

func TestSyslogOfEachKind(t *testing.T) {
	for name, receive := range map[string]func(*testing.T, string) (*receiver, string){
		"unixgram": func(t *testing.T, socket string) (*receiver, string) {
			r, _ := receivePackets(t, "unixgram", socket)
			return r, socket
		},
		"unix": func(t *testing.T, socket string) (*receiver, string) {
			r, _ := receiveStream(t, "unix", socket)
			return r, socket
		},
		"udp": func(t *testing.T, _ string) (*receiver, string) {
			r, address := receivePackets(t, "udp", "127.0.0.1:0")
			return r, "udp:" + address
		},
		"tcp": func(t *testing.T, _ string) (*receiver, string) {
			r, address := receiveStream(t, "tcp", "127.0.0.1:0")
			return r, "tcp:" + address
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			r, address := receive(t, socketPath(t))
			defer r.close()
			w.to.To = "syslog:" + address
			w.begin()
			w.until("it has begun", func() bool { return w.read("web.log.sent") != "" })
			long := strings.Repeat("x", longestLine-1) + "äöü"
			w.say("one\n\n" + long + "\nlast\n")
			r.is(info, "one", "", long[:longestLine-1], long[longestLine-1:], "last")
			w.rest()
		})
	}
}

// socketPath is short enough for a socket.
func socketPath(t *testing.T) string {
	dir, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir + "/log"
}

func TestSyslogOfErrors(t *testing.T) {
	w := newWorld(t, "")
	socket := socketPath(t)
	r, _ := receivePackets(t, "unixgram", socket)
	defer r.close()
	w.to.To, w.to.Error, w.to.Service = "syslog:"+socket, true, "web"
	w.begin()
	w.until("it has begun", func() bool { return w.read("web.log.sent") != "" })
	w.say("broken\n")
	r.is(wrong, "broken")
	w.rest()
}

// A syslog that was started again gets what was written meanwhile.
func TestSyslogThatIsStartedAgain(t *testing.T) {
	for name, receive := range map[string]func(t *testing.T, address string) (*receiver, string){
		"unixgram": func(t *testing.T, address string) (*receiver, string) {
			if address == "" {
				address = socketPath(t)
			}
			return receivePackets(t, "unixgram", address)
		},
		"tcp": func(t *testing.T, address string) (*receiver, string) {
			if address == "" {
				address = "127.0.0.1:0"
			}
			return receiveStream(t, "tcp", address)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			first, address := receive(t, "")
			w.to.To = "syslog:" + address
			if name == "tcp" {
				w.to.To = "syslog:tcp:" + address
			}
			w.begin()
			w.until("it has begun", func() bool { return w.read("web.log.sent") != "" })
			w.say("before\n")
			first.is(info, "before")
			first.close()
			w.say("meanwhile\n")
			w.until("it is noted", func() bool { return len(w.noted()) == 1 })
			if note := w.noted()[0]; !strings.Contains(note, " 10") {
				t.Errorf("it is noted: %q", note)
			}
			second, _ := receive(t, address)
			defer second.close()
			w.say("after\n")
			second.is(info, "meanwhile", "after")
			w.rest()
		})
	}
}
