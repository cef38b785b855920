package process

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"tend"
)

func TestListening(t *testing.T) {
	four, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer four.Close()
	every, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer every.Close()
	path := filepath.Join(t.TempDir(), "s")
	socket, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	client, err := net.Dial("tcp", four.Addr().String()) // is none
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	wanted := []Listener{
		{Network: "tcp", IP: []byte{127, 0, 0, 1}, Port: four.Addr().(*net.TCPAddr).Port},
		{Network: "tcp", Port: every.Addr().(*net.TCPAddr).Port},
		{Network: "unix", Path: path},
	}
	stat, err := ReadStat(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	found := Listening([]tend.Identity{{PID: 1 << 30, Start: 1}, stat.Identity})
	for _, want := range wanted {
		is := false
		for _, l := range found {
			is = is || l.Equal(want)
		}
		if !is {
			t.Errorf("%+v is not among %+v", want, found)
		}
		holders := Holders(want.Equal)
		if len(holders) != 1 || holders[0].Identity != stat.Identity {
			t.Errorf("%+v is held by %+v", want, holders)
		}
	}
	for _, l := range found {
		if l.Port == client.LocalAddr().(*net.TCPAddr).Port {
			t.Errorf("%+v is a client", l)
		}
	}
	if none := Holders(func(Listener) bool { return false }); none != nil {
		t.Error(none)
	}
}
