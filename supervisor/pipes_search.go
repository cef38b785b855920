package supervisor

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tend"
	"tend/logs"
	"tend/process"
)

// Where all of us were killed at once, the shelf was lost with the last keeper. The pipes are there as long as services have
// them open, and are found with them: what the kernel says of a descriptor is the name that the pipe had for a moment.

// foundPipe is one that a process has open.
type foundPipe struct {
	name    string
	file    *os.File
	run     string
	service string // or copy of one, as the process's environment says, "" if it does not
}

// searchPipes looks for pipes that are not on the shelf, if nobody of this chain has done so yet. It takes some milliseconds,
// and nobody waits for it.
func (s *Supervisor) searchPipes() {
	p := s.pipes
	if p.begun || len(s.services) == 0 {
		return
	}
	go func() {
		found := p.search()
		s.calls.put(func() {
			for _, f := range found {
				s.adoptPipe(f)
			}
			p.lookedAt()
		})
	}()
}

func (p *pipes) search() (found []foundPipe) {
	all, err := process.All()
	if err != nil {
		p.logf("looking for pipes of services: %v", err)
		return nil
	}
	dir, err := filepath.EvalSymlinks(p.dir) // as the kernel says it
	if err != nil {
		dir = p.dir
	}
	prefix, seen := filepath.Join(dir, pipePrefix), map[string]bool{}
	for _, stat := range all {
		if owner, err := process.Owner(stat.PID); err != nil || owner != os.Geteuid() || stat.PID == os.Getpid() || stat.Dead() {
			continue
		}
		files, err := process.OpenFiles(stat.PID)
		if err != nil {
			continue // it is gone, or is one that nobody may look into
		}
		for path, target := range files {
			rest, ours := strings.CutPrefix(target, prefix)
			run, _, _ := strings.Cut(rest, ".")
			name := pipePrefix + strings.TrimSuffix(rest, " (deleted)")
			if !ours || seen[name] || p.knows(name) {
				continue
			}
			if file, err := logs.OpenPipe(path); err == nil {
				seen[name] = true
				found = append(found, foundPipe{name: name, file: file, run: run, service: serviceOf(stat.PID)})
			}
		}
	}
	return found
}

// serviceOf is the service that the process says it is of.
func serviceOf(pid int) string {
	environ, _ := process.Environ(pid)
	name, _ := tend.Caller{Environ: environ}.Getenv("TEND_SERVICE")
	instance, _ := tend.Caller{Environ: environ}.Getenv("TEND_INSTANCE")
	if copy, err := strconv.Atoi(instance); err == nil {
		name = tend.CopyName(name, copy)
	}
	return name
}

// adoptPipe takes over a pipe that was found. Where it leads is for today's definition to say: who knew is dead.
func (s *Supervisor) adoptPipe(f foundPipe) {
	sv := s.services[f.service]
	for _, other := range s.services {
		if other.state.Run == f.run {
			sv = other
		}
	}
	if sv == nil {
		s.logf("a process has the pipe of a run open that nobody knows any more: %s", f.name)
		f.file.Close()
		return
	}
	path, d := sv.definition.Stdout, sv.definition.WithDefaults()
	if stream, _, _ := strings.Cut(strings.TrimPrefix(f.name, pipePrefix+f.run+"."), "."); stream == "2" && d.Stderr != "" {
		path = d.Stderr
	}
	source, ok := s.source(s.logFile(path, sv.definition), *d.Umask, f.run)
	if !ok { // it went to a file, and would go to nothing
		source, _ = s.source(s.logFile("", sv.definition), *d.Umask, f.run)
	}
	source.Name = f.name
	s.pipes.adopt(source, f.file)
}

// lookedAt notes for the supervisors to come that they need not look.
func (p *pipes) lookedAt() {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return
	}
	defer null.Close()
	_ = p.shelf.Put(wasLooked, null) // where it cannot be noted, they look
	p.begun = true
}
