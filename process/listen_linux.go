package process

import (
	"encoding/binary"
	"encoding/hex"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"tend"
)

// Listening returns on what the processes wait for others: for each socket its address, once. Processes that cannot be asked
// are passed over.
func Listening(members []tend.Identity) []Listener {
	held := map[uint64]bool{}
	pid := 0
	for _, id := range members {
		found := sockets(id.PID)
		for _, inode := range found {
			held[inode] = true
		}
		if pid == 0 && len(found) > 0 {
			pid = id.PID
		}
	}
	if len(held) == 0 {
		return nil
	}
	var found []Listener
	for inode, l := range listeners(pid) {
		if held[inode] && !slices.ContainsFunc(found, l.Equal) {
			found = append(found, l)
		}
	}
	slices.SortFunc(found, Listener.compare)
	return found
}

// Holders returns the processes that wait for others on what is asked for, as far as we may see them. It looks at all of /proc.
func Holders(wanted func(Listener) bool) []Stat {
	inodes := map[uint64]bool{}
	for inode, l := range listeners(os.Getpid()) {
		if wanted(l) {
			inodes[inode] = true
		}
	}
	if len(inodes) == 0 {
		return nil
	}
	all, err := All()
	if err != nil {
		return nil
	}
	var found []Stat
	for _, stat := range all {
		if slices.ContainsFunc(sockets(stat.PID), func(inode uint64) bool { return inodes[inode] }) {
			found = append(found, stat)
		}
	}
	return found
}

// sockets are the inodes of the sockets that a process has open.
func sockets(pid int) (inodes []uint64) {
	dir, err := os.Open(procPath(pid, "fd"))
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	target := make([]byte, 64)
	for _, name := range names {
		n, err := unix.Readlinkat(int(dir.Fd()), name, target)
		if err != nil {
			continue
		}
		if text, ok := strings.CutPrefix(string(target[:n]), "socket:["); ok {
			if inode, err := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 64); err == nil {
				inodes = append(inodes, inode)
			}
		}
	}
	return inodes
}

// listeners are all sockets in the network namespace of the process that wait for others, by inode. See proc_pid_net(5).
func listeners(pid int) map[uint64]Listener {
	found := map[uint64]Listener{}
	client := clientPorts()
	for _, network := range []string{"tcp", "tcp6", "udp", "udp6"} {
		text, _ := os.ReadFile(procPath(pid, "net/"+network))
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			const address, state, inode = 1, 3, 9
			if len(fields) <= inode {
				continue
			}
			const listens, unconnected = "0A", "07"
			isTCP := strings.HasPrefix(network, "tcp")
			if isTCP && fields[state] != listens || !isTCP && fields[state] != unconnected {
				continue
			}
			l, ok := parseListener(network[:3], fields[address])
			if number, err := strconv.ParseUint(fields[inode], 10, 64); ok && err == nil && (isTCP || !client(l.Port)) {
				found[number] = l
			}
		}
	}
	text, _ := os.ReadFile(procPath(pid, "net/unix"))
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		const flags, inode, path = 3, 6, 7
		const accepts = 1 << 16 // __SO_ACCEPTCON
		if len(fields) <= path {
			continue
		}
		set, err := strconv.ParseUint(fields[flags], 16, 64)
		if number, failed := strconv.ParseUint(fields[inode], 10, 64); err == nil && failed == nil && set&accepts != 0 {
			found[number] = Listener{Network: "unix", Path: fields[path]}
		}
	}
	return found
}

// clientPorts reports of a port whether it is one that the kernel gives to clients: a socket of UDP does not say which it is.
func clientPorts() func(int) bool {
	low, high := 32768, 60999
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if fields := strings.Fields(string(text)); err == nil && len(fields) == 2 {
		low, _ = strconv.Atoi(fields[0])
		high, _ = strconv.Atoi(fields[1])
	}
	return func(port int) bool { return port >= low && port <= high }
}

// parseListener reads 0100007F:1F90: the address as words of the machine, the port as a number.
func parseListener(network, text string) (Listener, bool) {
	address, port, _ := strings.Cut(text, ":")
	ip, err := hex.DecodeString(address)
	number, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil || number == 0 || len(ip)%4 != 0 {
		return Listener{}, false
	}
	for at := 0; at < len(ip); at += 4 {
		binary.BigEndian.PutUint32(ip[at:], binary.NativeEndian.Uint32(ip[at:]))
	}
	if slices.Max(ip) == 0 {
		ip = nil
	}
	return Listener{Network: network, IP: ip, Port: int(number)}, true
}
