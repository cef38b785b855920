package supervisor

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"tend"
	"tend/listen"
	"tend/process"
)

// What the loop, and the start of a run, have to do with sockets: see sockets.go.

// listening closes the sockets of a service that has come to rest. Between runs that follow by themselves they stay open, and
// what is left of others is removed.
func (s *Supervisor) listening(sv *service, before tend.State) {
	if sv.state.Phase == before.Phase && sv.state.Run == before.Run || s.sockets.none() {
		return
	}
	service := sv.definition.Service()
	if s.listens(sv) {
		s.effect(func() { s.sockets.clear(service) })
		return
	}
	s.effect(func() { s.closeSockets(service) })
}

// listens reports whether the copy needs its sockets.
func (s *Supervisor) listens(sv *service) bool {
	switch sv.state.Phase {
	case tend.PhaseBackoff, tend.PhaseWaiting:
		return s.elsewhere(sv) == ""
	}
	return sv.state.Phase.Live() && s.elsewhere(sv) == ""
}

// closeSockets closes those sockets of the service that are not needed any more: all, where none of its copies runs or is
// about to, or else those that it does not have by its definition.
func (s *Supervisor) closeSockets(service string) {
	copies := s.copiesOf(service)
	i := slices.IndexFunc(copies, s.listens)
	if i < 0 {
		s.sockets.closeAll(service)
		return
	}
	if sv := copies[i]; sv.broken == nil && !sv.removed {
		wanted, _ := sv.definition.Sockets()
		s.sockets.retain(service, wanted)
	}
}

// closeUnwanted closes what no definition asks for any more.
func (s *Supervisor) closeUnwanted() {
	for _, service := range s.sockets.services() {
		s.closeSockets(service)
	}
}

// findSockets looks for sockets that were not on the shelf with the processes that have them: when all of us were killed,
// the shelf was lost with the last keeper.
func (s *Supervisor) findSockets() {
	for _, sv := range sorted(s.services) {
		all, err := sv.definition.Sockets()
		if err != nil || len(all) == 0 || sv.state.Main.IsZero() || s.elsewhere(sv) != "" {
			continue
		}
		service := sv.definition.Service()
		missing := s.sockets.missing(service, all)
		if len(missing) == 0 { // the rule: they were on the shelf
			continue
		}
		for _, id := range append([]tend.Identity{sv.state.Main}, process.Descendants(sv.state.Main)...) {
			if len(missing) == 0 {
				break
			}
			found, err := listen.Search(id, missing)
			for i, socket := range found {
				if socket != nil {
					s.sockets.adopt(service, missing[i].Address(), socket)
				}
			}
			if err != nil && !errors.Is(err, process.ErrGone) {
				s.logf("the sockets of %s cannot be taken from its process %d, and will be closed when that ends: %v", sv.label(), id.PID, err)
				break
			}
			missing = s.sockets.missing(service, missing)
		}
	}
}

// alone reports whether no other copy of the service has a process, or is about to.
func (s *Supervisor) alone(sv *service) bool {
	return !slices.ContainsFunc(s.copiesOf(sv.definition.Service()), func(other *service) bool { return other != sv && other.state.Phase.Live() })
}

// handed is a descriptor that a run is handed by LISTEN_FDS, and its name in LISTEN_FDNAMES.
type handed struct {
	name string
	file *os.File
}

// openSockets are the sockets of a run.
func (s *Supervisor) openSockets(job spawnJob) (all []handed, err error) {
	wanted, err := job.def.Sockets()
	if err != nil || len(wanted) == 0 {
		return nil, err
	}
	files, err := s.sockets.files(job.def, wanted, job.alone)
	if errors.Is(err, listen.ErrTaken) {
		if who := s.holder(wanted, job.def); who != "" {
			err = fmt.Errorf("%w by %s", err, who)
		}
	}
	if err != nil {
		return nil, err
	}
	for i, l := range wanted {
		all = append(all, handed{l.FDName(job.def), files[i]})
	}
	return all, nil
}

// holder says who listens already where the service is to, "" if that cannot be seen.
func (s *Supervisor) holder(wanted []tend.Listen, d tend.Service) string {
	missing := s.sockets.missing(d.Service(), wanted)
	taken := func(l process.Listener) bool {
		return slices.ContainsFunc(missing, func(w tend.Listen) bool { return conflicts(l, w) })
	}
	var said []string
	for _, stat := range process.Holders(taken) {
		if stat.PID == s.self {
			continue // of a service, whose processes have it as well
		}
		who := fmt.Sprintf("process %d (%s", stat.PID, stat.Command)
		if name := serviceOf(stat.PID); name != "" {
			who += ", of " + name
		}
		said = append(said, who+")")
	}
	if len(said) == 0 {
		for _, l := range missing {
			if other := s.sockets.owner(l.Address()); other != "" {
				return other + ", which is about to be started again"
			}
		}
		return ""
	}
	return said[0]
}

// conflicts reports whether a socket that is open is in the way of one that is wanted.
func conflicts(l process.Listener, w tend.Listen) bool {
	if w.Path != "" {
		return l.Path == w.Path
	}
	host, err := netip.ParseAddr(w.Host)
	return l.Network == w.Network && l.Port == w.Port && (l.IP == nil || err != nil || slices.Equal(l.IP, host.AsSlice()))
}

// hand gives the process the descriptors from 3 on, as sd_listen_fds(3) has it. What its environment says of any, which may
// come from whoever wrote it, is not true.
func hand(spec *process.Spec, files *[]*os.File, all []handed) {
	spec.Env = slices.DeleteFunc(spec.Env, func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return name == "LISTEN_FDS" || name == "LISTEN_PID" || name == "LISTEN_PIDFDID" || name == "LISTEN_FDNAMES"
	})
	if len(all) == 0 {
		return
	}
	var names []string
	for _, h := range all {
		names = append(names, h.name)
		spec.Files = append(spec.Files, h.file)
		*files = append(*files, h.file)
	}
	spec.Env = append(spec.Env, "LISTEN_FDS="+strconv.Itoa(len(all)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	spec.ListenPID = true
}
