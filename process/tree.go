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
	processes map[int]*seen   // by pid
	children  map[int][]*seen // by parent
	sessions  map[int][]*seen // by session
	byAge     []*seen         // the eldest first
	ours      map[int]bool    // this process and its ancestors
	keepers   map[int]bool    // those that orphans of services fall to
	missed    *bool           // somebody came and went before it could be asked whose it is
}

// Missed reports whether some process came and went before it could be asked which run it belongs to, as far as that was
// to be found out for what has been asked of the Snapshot so far.
func (s Snapshot) Missed() bool { return *s.missed }

// seen is one process of a Snapshot.
type seen struct {
	Stat
	run     string // its TEND_RUN, once asked for
	runRead bool
	mark    uint64 // its mark, once asked for
	marked  bool   // was asked for
	gone    bool   // it had ended when it was asked, and nobody knows what it would have said

	adrift, adriftRead bool // see Snapshot.adrift
}

// newSnapshot makes a Snapshot of the processes.
func newSnapshot(all []Stat) Snapshot {
	s := Snapshot{
		processes: make(map[int]*seen, len(all)), children: make(map[int][]*seen, len(all)), sessions: make(map[int][]*seen, len(all)),
		byAge: make([]*seen, 0, len(all)), missed: new(bool),
	}
	for _, stat := range all {
		s.insert(stat)
	}
	s.sort()
	s.ours, s.keepers = s.ownLine()
	return s
}

// insert adds a process; sort must follow.
func (s *Snapshot) insert(stat Stat) *seen {
	p := &seen{Stat: stat}
	s.processes[p.PID] = p
	s.children[p.PPID] = append(s.children[p.PPID], p)
	s.sessions[p.Session] = append(s.sessions[p.Session], p)
	s.byAge = append(s.byAge, p)
	return p
}

func (s *Snapshot) sort() {
	slices.SortFunc(s.byAge, func(a, b *seen) int { return ByAge(a.Identity, b.Identity) })
}

// ownLine returns this process with its ancestors, and the keepers among them: ourselves, our parent and its parent,
// but not process 1.
func (s Snapshot) ownLine() (ours, keepers map[int]bool) {
	ours, keepers = map[int]bool{0: true, 1: true}, map[int]bool{}
	for pid, level := os.Getpid(), 0; !ours[pid]; level++ {
		ours[pid] = true
		if level <= 2 {
			keepers[pid] = true
		}
		if p, ok := s.processes[pid]; ok {
			pid = p.PPID
		}
	}
	return ours, keepers
}

// ByAge orders processes, the eldest first. Of those that were made in the same tick, a hundredth of a second, it is the
// one with the lower pid: pids are given away in their order.
func ByAge(a, b tend.Identity) int {
	return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.PID, b.PID))
}

// Eldest returns the eldest process of a run, living or waiting to be reaped: the main one, if that is not gone for
// good. Of what is dead only the mark tells the run. The exceptions are not taken for it: who makes a process bears its
// mark for a moment, and may be dying just then.
func (s Snapshot) Eldest(run string, except ...tend.Identity) (tend.Identity, bool) {
	t := tree{Snapshot: s, run: run, mark: Mark(run)}
	for _, p := range s.byAge {
		if in, _ := t.says(p); in && !s.ours[p.PID] && !slices.Contains(except, p.Identity) {
			return p.Identity, true
		}
	}
	return tend.Identity{}, false
}

// Tree returns the processes that belong to a run: those of its session, those that have its mark or whose environment
// names the run, and all that descend from any of them. The living come with the main process first, then the eldest
// first; the dead are those that nobody has reaped yet. Never among them, nor passed through, are this process and its
// ancestors. A look at processes that fork is never complete: before a tree is called gone, look again.
func (s Snapshot) Tree(main tend.Identity, run string) (living, dead []tend.Identity) {
	t := &tree{Snapshot: s, main: main, run: run, mark: Mark(run), in: map[int]bool{}}
	t.addSession()
	t.addRun()
	slices.SortFunc(t.living, func(a, b tend.Identity) int {
		switch main {
		case a:
			return -1
		case b:
			return 1
		}
		return ByAge(a, b)
	})
	return t.living, t.dead
}

// tree is a Tree being made.
type tree struct {
	Snapshot
	main   tend.Identity
	run    string
	mark   uint64       // of the run
	in     map[int]bool // by pid
	living []tend.Identity
	dead   []tend.Identity // passed through
}

// inTime reports whether the process is not older than the run. Nothing that is older can belong to it.
func (t *tree) inTime(p *seen) bool { return p.Start >= t.main.Start }

// addSession adds the main process and its session. If its pid is there with another start, it was given away, which
// cannot be while anyone is left in the session that bears its number.
func (t *tree) addSession() {
	if t.main.IsZero() {
		return
	}
	main, isThere := t.processes[t.main.PID]
	if isThere && main.Start != t.main.Start {
		return
	}
	if isThere {
		t.add(main)
	}
	for _, p := range t.sessions[t.main.PID] {
		if t.inTime(p) && (isThere || t.isOfLostSession(p)) {
			t.add(p)
		}
	}
}

// addRun adds those that have the mark of the run or whose environment names it. Asking is what costs most; those who
// cannot belong to the run are spared.
func (t *tree) addRun() {
	for _, p := range slices.Backward(t.byAge) {
		if !t.inTime(p) || t.run == "" {
			return
		}
		if in, _ := t.says(p); in {
			t.add(p)
		}
	}
}

// says reports what the process itself says: whether it belongs to the run, and whether it says anything. Who bears a
// mark need not be asked for its environment, which may be on its way to another; see readRunID.
func (t *tree) says(p *seen) (in, anything bool) {
	if mark := p.markRead(); mark != 0 {
		return mark == t.mark, true
	}
	run := p.runID()
	if p.gone && t.adrift(p) {
		*t.missed = true
	}
	return run == t.run, run != ""
}

// adrift reports whether a process that is gone may have been of the run for all that its parent says. A parent that lives
// and is no keeper would have brought it in, if it were of the run itself; most of what comes and goes on a busy machine has
// such a one. That is asked once, for many runs want to know.
func (s Snapshot) adrift(p *seen) bool {
	if !p.adriftRead {
		above := s.processes[p.PPID]
		p.adrift, p.adriftRead = p.PPID <= 1 || s.keepers[p.PPID] || above == nil || !Alive(above.Identity), true
	}
	return p.adrift
}

// isOfLostSession decides about a process of a session whose leader is gone. The number of such a session is not given
// away while anyone is left in it, but it may have emptied and been given away since, and that leader be gone too. So
// something else must speak for the process: its mark, its environment, or that it lives below a keeper.
func (t *tree) isOfLostSession(p *seen) bool {
	if in, anything := t.says(p); anything {
		return in
	}
	for above, ok := t.processes[p.PPID]; ok; above, ok = t.processes[above.PPID] {
		if t.keepers[above.PID] {
			return true
		}
	}
	return false
}

// add adds the process and what descends from it.
func (t *tree) add(p *seen) {
	if t.in[p.PID] || t.ours[p.PID] {
		return
	}
	t.in[p.PID] = true
	if p.Dead() {
		t.dead = append(t.dead, p.Identity)
	} else {
		t.living = append(t.living, p.Identity)
	}
	for _, child := range t.children[p.PID] {
		t.add(child)
	}
}

// runID returns the run that the process's environment names, "" for none and for an environment we may not read.
func (p *seen) runID() string {
	if !p.runRead {
		p.run, p.runRead = readRunID(p.PID), true
		p.gone = p.run == "" && !Alive(p.Identity)
	}
	return p.run
}

// markRead returns the mark of the process, 0 for none.
func (p *seen) markRead() uint64 {
	if !p.marked {
		p.mark, p.marked = ReadMark(p.PID), true
	}
	return p.mark
}

// runVariable is how a service, and what it starts, know their run.
const runVariable = "TEND_RUN="

// runIDIn finds the run in an environment as the kernel has it: TEND_RUN=ID, or, in an exec stage that has not executed
// the service's program yet, N=TEND_RUN=ID.
func runIDIn(environ []byte) string {
	for at := 0; ; at += len(runVariable) {
		i := bytes.Index(environ[at:], []byte(runVariable))
		if i < 0 {
			return ""
		}
		at += i
		before := environ[:at]
		if place, staged := bytes.CutSuffix(before, []byte{'='}); staged {
			before = bytes.TrimRight(place, "0123456789")
		}
		if len(before) == 0 || before[len(before)-1] == 0 {
			value, _, _ := bytes.Cut(environ[at+len(runVariable):], []byte{0})
			return string(value)
		}
	}
}
