package listen

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"tend"
)

// Fits reports whether the socket listens where this says.
func (s *Socket) Fits(l tend.Listen) bool {
	kind, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return false
	}
	stream := l.Network == "tcp" || l.Network == "unix"
	if stream != (kind == unix.SOCK_STREAM) || !stream && kind != unix.SOCK_DGRAM {
		return false
	}
	if stream {
		if listens, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil || listens == 0 {
			return false
		}
	}
	at, err := unix.Getsockname(s.fd)
	if err != nil {
		return false
	}
	switch at := at.(type) {
	case *unix.SockaddrUnix:
		return l.Path != "" && at.Name == l.Path
	case *unix.SockaddrInet4:
		return l.Path == "" && at.Port == l.Port && isAddress(l.Host, netip.AddrFrom4(at.Addr), 0) && (l.Host != "" || !speaksIPv6())
	case *unix.SockaddrInet6:
		only, err := unix.GetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY)
		return err == nil && l.Path == "" && at.Port == l.Port && (only != 0) == (l.Host != "") && isAddress(l.Host, netip.AddrFrom16(at.Addr), at.ZoneId)
	}
	return false
}

// speaksIPv6 reports whether this host does: otherwise "all addresses" is less.
func speaksIPv6() bool {
	s, err := newSocket(unix.AF_INET6, unix.SOCK_DGRAM)
	if err != nil {
		return false
	}
	defer s.Close()
	return unix.Bind(s.fd, &unix.SockaddrInet6{}) == nil
}

// isAddress reports whether a definition's host means the address.
func isAddress(host string, address netip.Addr, zone uint32) bool {
	if host == "" {
		return address.IsUnspecified()
	}
	wanted, err := netip.ParseAddr(host)
	if err != nil || wanted.WithZone("") != address {
		return false
	}
	if wanted.Zone() == "" {
		return zone == 0 || wanted.IsLinkLocalUnicast()
	}
	id, err := zoneID(wanted.Zone())
	return err == nil && id == zone
}
