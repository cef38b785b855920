package supervisor

import (
	"fmt"
	"math"
	"sync"
	"time"

	"tend"
	"tend/process"
)

// How much memory the trees of those services have together that say how much they may have. Where the kernel sees to it
// nothing is looked at. Otherwise they are weighed all at once, in a goroutine that is there only as long as one of them runs.

// weighPause is the time between two looks.
const weighPause = 2 * time.Second

// lightAgain is the part of what it may have that a tree must fall below before it is told of again.
const lightAgain = 0.9

// A load is a tree that is weighed.
type load struct {
	main tend.Identity
	most tend.Size
}

// scales weigh trees.
type scales struct {
	cgroups *process.Cgroups
	heavy   func(run string, bytes int64) // told once, until it is light again
	pause   time.Duration

	mu      sync.Mutex
	loads   map[string]load // by run
	over    map[string]bool // told of
	running bool
}

func newScales(cgroups *process.Cgroups, heavy func(run string, bytes int64)) *scales {
	return &scales{cgroups: cgroups, heavy: heavy, pause: weighPause, loads: map[string]load{}, over: map[string]bool{}}
}

// put has a tree weighed from now on.
func (s *scales) put(run string, l load) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loads[run].most != l.most {
		delete(s.over, run)
	}
	s.loads[run] = l
	if !s.running {
		s.running = true
		go s.weighAll()
	}
}

// take has it weighed no more.
func (s *scales) take(run string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.loads, run)
	delete(s.over, run)
}

// weighAll weighs all trees, again and again, until there is none.
func (s *scales) weighAll() {
	for {
		time.Sleep(s.pause) // nothing tells when a process has got memory
		loads := s.present()
		if loads == nil {
			return
		}
		mains, weights := map[string]tend.Identity{}, map[string]int64{}
		for run, l := range loads {
			if bytes, known := s.cgroups.Memory(run); known {
				weights[run] = bytes
			} else {
				mains[run] = l.main
			}
		}
		if len(mains) > 0 {
			for run, kin := range process.Kin(mains) {
				weights[run] = process.Memory(kin, int64(loads[run].most))
			}
		}
		for run, bytes := range weights {
			s.weighed(run, bytes)
		}
	}
}

// present returns what there is to be weighed, nil if nothing: then the goroutine must end.
func (s *scales) present() map[string]load {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.loads) == 0 {
		s.running = false
		return nil
	}
	loads := make(map[string]load, len(s.loads))
	for run, l := range s.loads {
		loads[run] = l
	}
	return loads
}

func (s *scales) weighed(run string, bytes int64) {
	s.mu.Lock()
	l, still := s.loads[run]
	tell := still && !s.over[run] && bytes > int64(l.most)
	if tell {
		s.over[run] = true
	} else if still && float64(bytes) < lightAgain*float64(l.most) {
		delete(s.over, run)
	}
	s.mu.Unlock()
	if tell {
		s.heavy(run, bytes)
	}
}

// weigh has the memory of a run looked at as long as it is there and not being ended.
func (s *Supervisor) weigh(sv *service, before tend.State) {
	if sv.weighed && before.Run != sv.state.Run {
		s.scales.take(before.Run)
		sv.weighed = false
	}
	most, runs := sv.definition.MemoryMax, sv.state.Phase == tend.PhaseStarting || sv.state.Phase == tend.PhaseRunning
	switch {
	case most > 0 && runs && !sv.state.Main.IsZero() && s.elsewhere(sv) == "" && !s.cgroups.MemoryLimited(sv.state.Run):
		s.scales.put(sv.state.Run, load{sv.state.Main, most})
		sv.weighed = true
	case sv.weighed:
		s.scales.take(sv.state.Run)
		sv.weighed = false
	}
}

// limitMemory has the kernel see to the memory of a run that is about to begin in a cgroup of its own. What is only to be
// warned of it must not end.
func (s *Supervisor) limitMemory(job spawnJob) {
	if d := job.def; d.MemoryMax > 0 && d.MemoryAction != tend.MemoryWarn {
		s.cgroups.LimitMemory(job.run, int64(d.MemoryMax))
	}
}

// tooHeavy does what the definition says about a run that has too much memory.
func (s *Supervisor) tooHeavy(run string, bytes int64) {
	sv := s.byRun(run)
	if sv == nil || sv.definition.MemoryMax <= 0 || bytes <= int64(sv.definition.MemoryMax) {
		return
	}
	why := fmt.Sprintf("took %s of memory, and may have %s", roughly(bytes), sv.definition.MemoryMax)
	action := sv.definition.WithDefaults().MemoryAction
	if action == tend.MemoryWarn {
		s.pending.notes = append(s.pending.notes, tend.Entry{At: s.now, Service: sv.name(), Run: run, Kind: tend.NoteMemory, Text: why})
		return
	}
	s.apply(sv, tend.Faulted{Run: run, Why: why, Stop: action == tend.MemoryStop, Kind: tend.NoteMemory})
}

// killedByKernel takes in that a run is ending because the kernel has killed it for want of memory, before its end.
func (s *Supervisor) killedByKernel(sv *service, exit tend.Exit) {
	if exit.Signal != "KILL" || !s.cgroups.OutOfMemory(sv.state.Run) {
		return
	}
	why := "was killed by the kernel, which had no more memory for it"
	stop := false
	if most := sv.definition.MemoryMax; most > 0 {
		why = fmt.Sprintf("was killed by the kernel, because it took more memory than the %s that it may have", most)
		stop = sv.definition.MemoryAction == tend.MemoryStop
	}
	s.apply(sv, tend.Faulted{Run: sv.state.Run, Why: why, Stop: stop, Kind: tend.NoteMemory})
}

// byRun returns the service whose present run it is, nil if that is over.
func (s *Supervisor) byRun(run string) *service {
	for _, sv := range s.services {
		if sv.state.Run == run && sv.state.Phase.Live() {
			return sv
		}
	}
	return nil
}

// roughly is a size that nobody needs to the byte.
func roughly(bytes int64) tend.Size {
	unit := 1e3
	if bytes >= 10e6 {
		unit = 1e6
	}
	return tend.Size(math.Round(float64(bytes)/unit) * unit)
}
