package process

import (
	"bytes"
	"cmp"
	"os"
	"slices"

	"tend"
)

// Snapshot is what one look at all processes found. It is for one goroutine at a time: what is costly is read when it is
// first asked for.
type Snapshot struct {
	processes map[int]*seen
	children  map[int][]*seen
}

// seen is one process of a Snapshot.
type seen struct {
	Stat
	run     string // its TEND_RUN, once asked for
	runRead bool
}

// Member is a living process of a tree.
type Member struct {
	tend.Identity
	Parent, Session int
	Command         string
	State           byte
}

// newSnapshot makes a Snapshot of the processes.
func newSnapshot(all []Stat) Snapshot {
	s := Snapshot{processes: make(map[int]*seen, len(all)), children: make(map[int][]*seen, len(all))}
	for _, stat := range all {
		p := &seen{Stat: stat}
		s.processes[stat.PID] = p
		s.children[stat.PPID] = append(s.children[stat.PPID], p)
	}
	return s
}

// Tree returns the living processes that belong to a run, the main process first, then the eldest first: those of
// its session, those whose environment names the run, and all that descend from any of them. Never among them, nor
// passed through, are this process, its ancestors and the exceptions. A look at processes that fork is never complete:
// before a tree is called gone, look again.
func (s Snapshot) Tree(main tend.Identity, run string, except ...tend.Identity) []Member {
	t := tree{Snapshot: s, main: main, run: run, in: map[int]bool{}, out: s.ownLine()}
	for _, id := range except {
		t.out[id.PID] = true
	}
	for pid, p := range s.processes {
		if t.isRoot(pid, p) {
			t.add(p)
		}
	}
	for pid, p := range s.processes { // last and apart, because reading environments is what costs most
		if !t.in[pid] && t.inTime(p) && run != "" && p.runID() == run {
			t.add(p)
		}
	}
	slices.SortFunc(t.members, func(a, b Member) int {
		return cmp.Or(isMain(b, main)-isMain(a, main), cmp.Compare(a.Start, b.Start), cmp.Compare(a.PID, b.PID))
	})
	return t.members
}

func isMain(m Member, main tend.Identity) int {
	if m.Identity == main {
		return 1
	}
	return 0
}

// tree is a Tree being made.
type tree struct {
	Snapshot
	main    tend.Identity
	run     string
	in, out map[int]bool // by pid: members and zombies passed through; those that never are
	members []Member
}

// inTime reports whether the process is not older than the run. Nothing that is older can belong to it.
func (t *tree) inTime(p *seen) bool { return p.Start >= t.main.Start }

// isRoot reports whether the process is the main one or in its session.
func (t *tree) isRoot(pid int, p *seen) bool {
	if t.main.IsZero() || !t.inTime(p) {
		return false
	}
	if pid == t.main.PID {
		return p.Start == t.main.Start
	}
	if p.Session != t.main.PID {
		return false
	}
	if leader, ok := t.processes[t.main.PID]; ok {
		return leader.Start == t.main.Start // else the pid was given away: it names another session now
	}
	return t.isOfLostSession(p)
}

// isOfLostSession decides about a process of a session whose leader is gone. The number of such a session is not given
// away while anyone is left in it, but it may have emptied and been given away since, and that leader be gone too. So
// something else must speak for the process: its environment, or that it lives below a keeper.
func (t *tree) isOfLostSession(p *seen) bool {
	if run := p.runID(); run != "" {
		return run == t.run
	}
	keepers := t.keepers()
	for above, ok := t.processes[p.PPID]; ok; above, ok = t.processes[above.PPID] {
		if keepers[above.PID] {
			return true
		}
	}
	return false
}

// keepers are those that orphans of services fall to: ourselves, our parent and its parent, but not process 1.
func (t *tree) keepers() map[int]bool {
	found := map[int]bool{}
	for pid, levels := os.Getpid(), 0; pid > 1 && levels < 3; levels++ {
		found[pid] = true
		p, ok := t.processes[pid]
		if !ok {
			break
		}
		pid = p.PPID
	}
	return found
}

// add adds the process and what descends from it. Zombies are passed through, though they are no members.
func (t *tree) add(p *seen) {
	if t.in[p.PID] || t.out[p.PID] {
		return
	}
	t.in[p.PID] = true
	if !p.Dead() {
		t.members = append(t.members, Member{p.Identity, p.PPID, p.Session, p.Command, p.State})
	}
	for _, child := range t.children[p.PID] {
		t.add(child)
	}
}

// ownLine are this process and its ancestors.
func (s Snapshot) ownLine() map[int]bool {
	line := map[int]bool{0: true, 1: true}
	for pid := os.Getpid(); !line[pid]; {
		line[pid] = true
		if p, ok := s.processes[pid]; ok {
			pid = p.PPID
		}
	}
	return line
}

// runID returns the run that the process's environment names, "" for none and for an environment we may not read.
func (p *seen) runID() string {
	if !p.runRead {
		p.run, p.runRead = readRunID(p.PID), true
	}
	return p.run
}

// runVariable is how a service, and what it starts, know their run.
const runVariable = "TEND_RUN="

// runIDIn finds the run in an environment as the kernel has it.
func runIDIn(environ []byte) string {
	at := 0
	if !bytes.HasPrefix(environ, []byte(runVariable)) {
		if at = bytes.Index(environ, []byte("\x00"+runVariable)) + 1; at == 0 {
			return ""
		}
	}
	value, _, _ := bytes.Cut(environ[at+len(runVariable):], []byte{0})
	return string(value)
}
