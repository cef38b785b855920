package supervisor

import (
	"errors"
	"net"
	"net/http"
	"os"

	"tend/api"
	"tend/keeper"
)

// server is the door: the socket and who answers at it. It can be closed and opened again.
type server struct {
	socket   string
	http     *http.Server
	listener net.Listener
	logf     func(string, ...any)
}

func newServer(s *Supervisor) *server {
	return &server{socket: keeper.Socket(s.dir), http: &http.Server{Handler: s.handler(api.Handler(s))}, logf: s.logf}
}

func (v *server) open() error {
	listener, err := api.Listen(v.socket)
	if err != nil {
		return err
	}
	v.listener = listener
	go func() {
		if err := v.http.Serve(listener); err != nil && !errors.Is(err, net.ErrClosed) {
			v.logf("answering clients: %v", err)
		}
	}()
	return nil
}

// close lets nobody in any more. Requests that are being answered go on.
func (v *server) close() {
	if err := os.Remove(v.socket); err != nil && !os.IsNotExist(err) {
		v.logf("removing the socket: %v", err)
	}
	v.shut()
}

// shut closes the door and leaves the socket's file to the next supervisor, which puts its own in its place. Until
// then it refuses connections, so that whoever looks for a supervisor does not take us for one.
func (v *server) shut() {
	if v.listener != nil {
		v.listener.Close()
	}
}
