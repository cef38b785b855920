package api

import (
	"fmt"
	"net"
	"os"
)

// Listen makes the socket at the path and accepts only connections of our own user and of root. The socket is bound
// under another name and moved into place once it accepts, so that whoever sees it can connect; one that a dead
// supervisor left there is replaced.
func Listen(path string) (net.Listener, error) {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("making the socket: %w", err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: fresh, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("making the socket: %w", err)
	}
	listener.SetUnlinkOnClose(false) // by then the path may be the next supervisor's
	err = os.Chmod(fresh, 0o600)
	if err == nil {
		err = os.Rename(fresh, path)
	}
	if err != nil {
		listener.Close()
		return nil, fmt.Errorf("making the socket: %w", err)
	}
	return ownOnly{listener}, nil
}

// ownOnly closes every connection of somebody else before a byte of it is read.
type ownOnly struct{ *net.UnixListener }

func (l ownOnly) Accept() (net.Conn, error) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return nil, err
		}
		if uid, err := peerUID(conn); err == nil && (uid == 0 || uid == os.Getuid()) {
			return conn, nil
		}
		conn.Close()
	}
}
