package process

import (
	"bytes"
	"cmp"
)

// Listener is a socket on which somebody waits for others.
type Listener struct {
	Network string // tcp, udp or unix
	IP      []byte // 4 or 16 bytes; nil: all addresses
	Port    int    // 0 for unix
	Path    string // of a unix socket; @ stands for a NUL
}

// Equal reports whether both have the same address.
func (l Listener) Equal(other Listener) bool { return l.compare(other) == 0 }

func (l Listener) compare(other Listener) int {
	return cmp.Or(cmp.Compare(l.Network, other.Network), cmp.Compare(l.Port, other.Port), bytes.Compare(l.IP, other.IP), cmp.Compare(l.Path, other.Path))
}
