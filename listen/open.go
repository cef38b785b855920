package listen

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"tend"
)

func open(l tend.Listen, umask tend.Umask) (*Socket, error) {
	if l.Path != "" {
		return openPath(l, umask)
	}
	if l.Host == "" {
		s, err := openAt(l, netip.IPv6Unspecified(), false)
		if !errors.Is(err, unix.EAFNOSUPPORT) && !errors.Is(err, unix.EADDRNOTAVAIL) {
			return s, err
		}
		return openAt(l, netip.IPv4Unspecified(), false) // a host without IPv6
	}
	address, err := netip.ParseAddr(l.Host)
	if err != nil {
		return nil, err
	}
	return openAt(l, address, true)
}

// openAt opens a socket at the address; at one of IPv6 only for that, or for IPv4 as well.
func openAt(l tend.Listen, address netip.Addr, only bool) (s *Socket, err error) {
	at, domain, err := socketAddress(address, l.Port)
	if err != nil {
		return nil, err
	}
	kind, stream := unix.SOCK_STREAM, true
	if l.Network == "udp" {
		kind, stream = unix.SOCK_DGRAM, false
	}
	if s, err = newSocket(domain, kind); err != nil {
		return nil, err
	}
	if domain == unix.AF_INET6 {
		err = unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, number(only))
	}
	if err == nil && stream { // of connections that were there before, something may linger; datagrams have none
		err = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	}
	if err == nil {
		err = s.bind(at, stream)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

func socketAddress(address netip.Addr, port int) (at unix.Sockaddr, domain int, err error) {
	if address.Is4() {
		return &unix.SockaddrInet4{Port: port, Addr: address.As4()}, unix.AF_INET, nil
	}
	at6 := &unix.SockaddrInet6{Port: port, Addr: address.As16()}
	if zone := address.Zone(); zone != "" {
		if at6.ZoneId, err = zoneID(zone); err != nil {
			return nil, 0, err
		}
	}
	return at6, unix.AF_INET6, nil
}

func zoneID(zone string) (uint32, error) {
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n), nil
	}
	card, err := net.InterfaceByName(zone)
	if err != nil {
		return 0, err
	}
	return uint32(card.Index), nil
}

// openPath opens a unix socket.
func openPath(l tend.Listen, umask tend.Umask) (*Socket, error) {
	if err := removeStale(l); err != nil {
		return nil, err
	}
	s, err := newSocket(unix.AF_UNIX, pathKind(l))
	if err != nil {
		return nil, err
	}
	// The umask of this process lets nobody else in until the permissions are those of the service.
	err = s.bind(&unix.SockaddrUnix{Name: l.Path}, pathKind(l) == unix.SOCK_STREAM)
	if err == nil {
		err = os.Chmod(l.Path, 0o777&^os.FileMode(umask))
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func pathKind(l tend.Listen) int {
	if l.Network == "unix-datagram" {
		return unix.SOCK_DGRAM
	}
	return unix.SOCK_STREAM
}

// removeStale removes a socket at which nobody listens any more. It does not wait: whoever listens, and has no time, listens.
func removeStale(l tend.Listen) error {
	info, err := os.Lstat(l.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_, err := os.Stat(filepath.Dir(l.Path))
		return err
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return errors.New("there is a file of that name, which is no socket")
	}
	s, err := newSocket(unix.AF_UNIX, pathKind(l))
	if err != nil {
		return err
	}
	defer s.Close()
	if err := unix.SetNonblock(s.fd, true); err != nil {
		return err
	}
	if err := unix.Connect(s.fd, &unix.SockaddrUnix{Name: l.Path}); !errors.Is(err, unix.ECONNREFUSED) {
		return ErrTaken
	}
	return os.Remove(l.Path)
}

// Clear removes what a socket has left in the file system, unless somebody listens there still, which it reports.
func Clear(l tend.Listen) (used bool) {
	return l.Path != "" && errors.Is(removeStale(l), ErrTaken) // somebody else's file stays
}
