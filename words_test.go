package tend

import "testing"

func TestPorts(t *testing.T) {
	got := Ports([]string{"tcp:*:8000", "tcp:[::1]:8000", "tcp:127.0.0.1:9", "udp:*:53", "unix:/run/a:b.sock"})
	if want := "8000, 9, udp 53, /run/a:b.sock"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
