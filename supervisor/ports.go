package supervisor

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"tend"
	"tend/probe"
	"tend/process"
)

// What runs listen on is nobody's secret and nobody's state: it is looked up when somebody asks, outside the loop.

// fewEnough is of how many services at once it is said what they listen on.
const fewEnough = 16

// listensOn says on what the processes of a run wait for others: tcp:127.0.0.1:8000, udp:*:53, unix:/run/web.sock.
func listensOn(main tend.Identity) (addresses []string) {
	for _, l := range process.Listening(append(process.Descendants(main), main)) {
		addresses = append(addresses, endpoint(l))
	}
	return addresses
}

func endpoint(l process.Listener) string {
	if l.Network == "unix" {
		return "unix:" + l.Path
	}
	host := "*"
	if ip, ok := netip.AddrFromSlice(l.IP); ok {
		if host = ip.Unmap().String(); strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
	}
	return l.Network + ":" + host + ":" + strconv.Itoa(l.Port)
}

// serves reports whether who listens there has been reached.
func serves(l process.Listener, r probe.Reached) bool {
	if r.Socket != "" {
		return l.Network == "unix" && l.Path == r.Socket
	}
	ip, fixed := netip.AddrFromSlice(l.IP)
	return l.Network == "tcp" && l.Port == int(r.Address.Port()) && (!fixed || ip.Unmap() == r.Address.Addr().Unmap())
}

// heldByOthers says who has answered in place of a run that is starting: somebody else's process has the port. Only who was
// there before the run, or is of another service, is surely somebody else; and who cannot be seen is believed: the proxy of
// a container for instance is no child of the command that started it.
func heldByOthers(r probe.Reached, main tend.Identity, run string) error {
	if !r.Here && r.Socket == "" {
		return nil
	}
	reached := func(l process.Listener) bool { return serves(l, r) }
	if slices.ContainsFunc(process.Listening(append(process.Descendants(main), main)), reached) {
		return nil
	}
	var stranger *process.Stat
	for _, holder := range process.Holders(reached) {
		if _, err := process.Member(holder.PID, main, run); err == nil {
			return nil
		}
		mark := process.ReadMark(holder.PID)
		if holder.Start < main.Start || mark != 0 && mark != process.Mark(run) {
			stranger = &holder
		}
	}
	if stranger == nil {
		return nil
	}
	what := r.Socket
	if what == "" {
		what = "port " + strconv.Itoa(int(r.Address.Port()))
	}
	return fmt.Errorf("%s, which is none of its processes", holds(what, *stranger))
}

func holds(what string, by process.Stat) string {
	return fmt.Sprintf("%s is held by process %d (%s)", what, by.PID, by.Command)
}

// portOf is the port of this host that the check asks; 0: it asks none.
func portOf(c tend.Check) int {
	address := ""
	switch {
	case c.Kind == tend.CheckTCP:
		address = c.Target
	case c.Kind == tend.CheckHTTP && c.Socket == "":
		_, rest, _ := strings.Cut(c.Target, "://")
		address, _, _ = strings.Cut(rest, "/")
	}
	host, port := "localhost", address
	if at := strings.LastIndexByte(address, ':'); at >= 0 {
		host, port = address[:at], address[at+1:]
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return 0
	}
	n, _ := strconv.Atoi(port)
	return n
}

// whoHas says who has the port that a run could not get, "" if nobody has who was there before it.
func whoHas(port int, before tend.Identity) string {
	if port == 0 {
		return ""
	}
	for _, holder := range process.Holders(func(l process.Listener) bool { return l.Network == "tcp" && l.Port == port }) {
		if holder.Start < before.Start {
			return holds("port "+strconv.Itoa(port), holder)
		}
	}
	return ""
}

// blame finds out whether a run that has ended before it was ready did so because somebody else has its port, which is said
// as long as no run is ready.
func (s *Supervisor) blame(sv *service, before tend.State) {
	port := portOf(sv.definition.Ready)
	if sv.state.Phase == tend.PhaseRunning || sv.state.Phase == tend.PhaseStopped || port == 0 {
		sv.holder = ""
		return
	}
	ended := before.Phase == tend.PhaseStarting && !before.Main.IsZero() && (sv.state.Main.IsZero() || sv.state.Run != before.Run)
	if !ended || before.Fault != "" {
		return
	}
	go func() {
		who := whoHas(port, before.Main)
		s.calls.put(func() {
			if sv.state.Phase != tend.PhaseRunning && sv.state.Phase != tend.PhaseStopped {
				sv.holder = who
			}
		})
	}()
}
