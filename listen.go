package tend

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Listen is a socket that is opened for a service and handed to it: see sd_listen_fds(3).
type Listen struct {
	Name    string // in LISTEN_FDNAMES; "": see FDName
	Network string // tcp, udp, unix or unix-datagram
	Host    string // an address, without brackets; "": all addresses of the host, IPv6 and IPv4
	Port    int
	Path    string // absolute, of a unix socket
}

// maxSocketPath is how long the path of a unix socket may be, bytes: see unix(7).
const maxSocketPath = 107

// ParseListen reads [NAME=]tcp:[HOST:]PORT, udp:[HOST:]PORT, unix:PATH or unix-datagram:PATH. A path may be relative still.
func ParseListen(text string) (l Listen, err error) {
	rest := text
	if name, address, ok := strings.Cut(text, "="); ok && !strings.ContainsAny(name, ":/") {
		if !isFDName(name) {
			return l, fmt.Errorf("%q is not a name for a socket (up to %d letters, digits and other ASCII characters, without blanks, = and :)", name, maxFDName)
		}
		l.Name, rest = name, address
	}
	network, address, _ := strings.Cut(rest, ":")
	l.Network = network
	switch network {
	case "tcp", "udp":
		colon := strings.LastIndexByte(address, ':')
		host := address[:max(colon, 0)]
		port, err := strconv.ParseUint(address[colon+1:], 10, 16)
		if err != nil || port == 0 {
			return l, fmt.Errorf("%q has no port (%s:[HOST:]PORT, from 1 to 65535)", text, network)
		}
		l.Port = int(port)
		if colon < 0 {
			return l, nil
		}
		if l.Host, err = listenHost(host); err != nil {
			return l, err
		}
		return l, nil
	case "unix", "unix-datagram":
		if address == "" || !utf8.ValidString(address) || strings.ContainsFunc(address, unicode.IsControl) {
			return l, fmt.Errorf("%q has no path (%s:PATH)", text, network)
		}
		if address[0] == '@' { // as others write a socket of the abstract namespace, which has no permissions
			return l, fmt.Errorf("%q would be an abstract socket, to which every user may connect (for a file of that name: %s:./%s)", text, network, address)
		}
		l.Path = address
		return l, nil
	}
	return l, fmt.Errorf("%q is not a socket ([NAME=]tcp:[HOST:]PORT, udp:[HOST:]PORT, unix:PATH or unix-datagram:PATH)", text)
}

// listenHost reads an address to listen on. Names are not looked up, but localhost is known.
func listenHost(host string) (string, error) {
	inner, bracketed := strings.CutPrefix(host, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	switch {
	case host == "localhost":
		return "127.0.0.1", nil
	case bracketed && closed && isIPv6(inner):
		return inner, nil
	case !bracketed && !closed && isIPv4(host):
		return host, nil
	case isIPv6(host):
		return "", fmt.Errorf("the address %q needs brackets: [%s]", host, host)
	}
	return "", fmt.Errorf("%q is not an address to listen on (for example 127.0.0.1, [::1], localhost; without one: all addresses)", host)
}

func isIPv4(text string) bool {
	parts := strings.Split(text, ".")
	return len(parts) == 4 && !slices.ContainsFunc(parts, func(part string) bool {
		n, err := strconv.ParseUint(part, 10, 8)
		return err != nil || strconv.FormatUint(n, 10) != part
	})
}

// isIPv6 reports whether it may be an IPv6 address, with a zone perhaps: what it gets wrong shows when the socket is opened.
func isIPv6(text string) bool {
	text, zone, zoned := strings.Cut(text, "%")
	if zoned && (zone == "" || strings.ContainsFunc(zone, unicode.IsSpace)) {
		return false
	}
	groups := strings.Split(text, ":")
	if last := len(groups) - 1; last > 0 && isIPv4(groups[last]) {
		groups = append(groups[:last], "0", "0")
	}
	shortened := strings.Count(text, "::")
	good := !slices.ContainsFunc(groups, func(group string) bool {
		_, err := strconv.ParseUint(group, 16, 16)
		return group != "" && (err != nil || len(group) > 4)
	})
	edges := !strings.HasPrefix(text, ":") || strings.HasPrefix(text, "::")
	edges = edges && (!strings.HasSuffix(text, ":") || strings.HasSuffix(text, "::"))
	return good && edges && !strings.Contains(text, ":::") && (shortened == 1 && len(groups) <= 9 || shortened == 0 && len(groups) == 8)
}

// Address is where the socket listens, as ParseListen reads it, without its name.
func (l Listen) Address() string {
	switch {
	case l.Path != "":
		return l.Network + ":" + l.Path
	case strings.Contains(l.Host, ":"):
		return fmt.Sprintf("%s:[%s]:%d", l.Network, l.Host, l.Port)
	case l.Host != "":
		return fmt.Sprintf("%s:%s:%d", l.Network, l.Host, l.Port)
	}
	return fmt.Sprintf("%s:%d", l.Network, l.Port)
}

// String writes the socket as ParseListen reads it.
func (l Listen) String() string {
	if l.Name != "" {
		return l.Name + "=" + l.Address()
	}
	return l.Address()
}

const maxFDName = 255

// isFDName reports whether the name may stand in LISTEN_FDNAMES: see sd_listen_fds_with_names(3).
func isFDName(name string) bool {
	return name != "" && len(name) <= maxFDName && !strings.ContainsFunc(name, notInFDName)
}

func notInFDName(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' || r == '=' }

// FDName is what the socket is called in LISTEN_FDNAMES: by its name, or else by that of the service.
func (l Listen) FDName(s Service) string {
	if l.Name != "" {
		return l.Name
	}
	name := strings.Map(func(r rune) rune {
		if notInFDName(r) {
			return '_'
		}
		return r
	}, s.Service())
	return name[:min(len(name), maxFDName)]
}

// Sockets are those of the definition. One that cannot be read, which only a row written by hand can have, is an error.
func (s Service) Sockets() (sockets []Listen, err error) {
	for _, text := range s.Listen {
		l, err := ParseListen(text)
		if err != nil {
			return nil, Errorf(CodeUsage, "listen: %w", err)
		}
		sockets = append(sockets, l)
	}
	return sockets, nil
}

var listenOption = Option{
	Key: "listen", Flag: "listen", Arg: "[NAME=]SOCKET", Repeat: true, Default: "none",
	Help: "open a socket, hand it over by LISTEN_FDS, and keep it open over restarts: tcp:[HOST:]PORT, udp:[HOST:]PORT, unix:PATH",
	Detail: "Without a HOST it listens on all addresses, IPv6 and IPv4; unix-datagram:PATH is the fourth kind. " +
		"Its NAME in LISTEN_FDNAMES is that of the service unless given. All copies share the sockets. See docs/sockets.md.",
	Access: Access{setListen, func(s Service) []string { return s.Listen }},
}

func setListen(s *Service, value string, c Caller) error {
	l, err := ParseListen(value)
	if err != nil {
		return err
	}
	if l.Path != "" {
		if l.Path = c.Absolute(l.Path); len(l.Path) > maxSocketPath {
			return fmt.Errorf("the path %s is %d bytes long, and that of a socket may be %d", l.Path, len(l.Path), maxSocketPath)
		}
	}
	if slices.ContainsFunc(s.Listen, func(text string) bool {
		other, err := ParseListen(text)
		return err == nil && other.Address() == l.Address()
	}) {
		return fmt.Errorf("%s is there twice", l.Address())
	}
	s.Listen = append(slices.Clone(s.Listen), l.String())
	return nil
}
