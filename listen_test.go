package tend_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tend"
)

func TestListenTwice(t *testing.T) {
	var set func(s *tend.Service, value string, c tend.Caller) error
	for _, o := range tend.Options {
		if o.Key == "listen" {
			set = o.Set
		}
	}
	s := tend.Service{Name: "a b:ä"}
	for _, value := range []string{"tcp:80", "tcp:127.0.0.1:80", "udp:80", "admin=tcp:81"} {
		if err := set(&s, value, caller); err != nil {
			t.Fatal(err)
		}
	}
	if err := set(&s, "other=tcp:80", caller); err == nil || !strings.Contains(err.Error(), "tcp:80 is there twice") {
		t.Errorf("got %v", err)
	}
	sockets, err := s.Sockets()
	if err != nil || len(sockets) != 4 || sockets[3].FDName(s) != "admin" || sockets[0].FDName(s) != "a_b__" {
		t.Errorf("got %v, %v", sockets, err)
	}
	s.Listen = append(s.Listen, "nonsense")
	if _, err := s.Sockets(); err == nil || !strings.Contains(err.Error(), `listen: "nonsense" is not a socket`) {
		t.Errorf("got %v", err)
	}
}

// TestAbstractSocket: a path that begins with @ is an abstract socket to everybody else.
func TestAbstractSocket(t *testing.T) {
	if l, err := tend.ParseListen("unix:@web"); err == nil || !strings.Contains(err.Error(), "for a file of that name: unix:./@web") {
		t.Errorf("%+v, %v", l, err)
	}
	if l, err := tend.ParseListen("unix:./@web"); err != nil || l.Path != "./@web" {
		t.Errorf("%+v, %v", l, err)
	}
}

// TestListenComesBack: what ParseListen reads, String writes so that it is read the same.
func TestListenComesBack(t *testing.T) {
	name := rapid.SampledFrom([]string{"", "a=", "a=b=", "ä="})
	network := rapid.SampledFrom([]string{"tcp:", "udp:", "unix:", "unix-datagram:", ""})
	piece := rapid.SampledFrom([]string{"", "", ":", "80", "65535", "[", "]", "[::1]:", "127.0.0.1:", "localhost:", "/x", "=", "%e", "::", "ä"})
	rapid.Check(t, func(t *rapid.T) {
		text := name.Draw(t, "name") + network.Draw(t, "network") + strings.Join(rapid.SliceOfN(piece, 1, 4).Draw(t, "pieces"), "")
		l, err := tend.ParseListen(text)
		if err != nil {
			t.Skip()
		}
		again, err := tend.ParseListen(l.String())
		if err != nil || again != l {
			t.Fatalf("%q is %+v, written %q, and read %+v, %v", text, l, l, again, err)
		}
	})
}
