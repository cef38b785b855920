package supervisor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"tend/internal/fault"
	"tend/keeper"
	"tend/logs"
)

// pipes are those through which services write whose lines are to have times. What a service has written is moved to its log
// by the pump, which is ours, so it waits in the pipe as long as there is no supervisor. Nothing in it is lost as long as
// somebody has the pipe open: the service itself, or, when that has ended, the shelf, on which each lies from before the
// service's beginning until it is empty and nobody can write into it any more.
type pipes struct {
	dir   string // runtime directory
	shelf *keeper.Shelf
	pump  *logs.Pump
	logf  func(format string, args ...any)

	mu        sync.Mutex
	known     map[string]bool // by name
	made      int
	unshelved bool // it was told that there is no room on the shelf
	begun     bool // whoever had the shelf before us has looked for pipes that were not on it
}

// What is on the shelf is named by its fields, of which the first says what it is.
const (
	onShelf    = "output"
	wasLooked  = onShelf + shelfSeparator + "looked" // no pipe: says that processes were looked at
	pipePrefix = "pipe."
)

// shelfName names a pipe on the shelf, and says all that there is to know of it.
func shelfName(s logs.Source) string {
	return strings.Join([]string{onShelf, s.Name, s.Run, strconv.FormatBool(s.Own), strconv.FormatUint(uint64(s.Perm), 8), s.Marks, s.Path}, shelfSeparator)
}

func parseShelfName(name string) (s logs.Source, ok bool) {
	fields := strings.Split(name, shelfSeparator)
	if len(fields) != 7 || fields[0] != onShelf {
		return s, false
	}
	perm, err := strconv.ParseUint(fields[4], 8, 32)
	return logs.Source{
		Name: fields[1], Run: fields[2], Own: fields[3] == "true", Perm: os.FileMode(perm), Marks: fields[5], Path: fields[6],
	}, err == nil
}

// newPipes returns the pipes; those that are on the shelf are taken over with it.
func (s *Supervisor) newPipes() *pipes {
	p := &pipes{dir: s.dir, shelf: s.shelf, logf: s.logf, known: map[string]bool{}}
	p.pump = logs.NewPump(logs.PumpEvents{
		Ended: func(source logs.Source) {
			p.forget(source)
			s.calls.put(func() {}) // there may be nothing left to do
		},
		Waits: func(source logs.Source, err error) { s.calls.put(func() { s.outputWaits(source, err) }) },
	})
	return p
}

// take takes over what is on the shelf of pipes.
func (p *pipes) take(name string, file *os.File) {
	source, ok := parseShelfName(name)
	if !ok {
		p.begun = p.begun || name == wasLooked
		file.Close()
		return
	}
	p.known[source.Name] = true
	if err := p.pump.Add(source, file); err != nil {
		p.logf("%s: %v", source.Path, err)
	}
}

// open makes a pipe for a run that is about to begin, and returns the service's end.
func (p *pipes) open(source logs.Source, stream int) (*os.File, error) {
	p.mu.Lock()
	p.made++
	source.Name = fmt.Sprintf("%s%s.%d.%d-%d", pipePrefix, source.Run, stream, os.Getpid(), p.made)
	p.known[source.Name] = true
	p.mu.Unlock()
	service, read, err := logs.NewPipe(filepath.Join(p.dir, source.Name))
	if err != nil {
		return nil, err
	}
	p.keep(source, read)
	fault.At(fault.SupervisorShelved)
	if err := p.pump.Add(source, read); err != nil {
		service.Close()
		p.forget(source)
		return nil, err
	}
	return service, nil
}

// keep puts the pipe on the shelf. What finds no room there is lost only if the service and all of us die at once.
func (p *pipes) keep(source logs.Source, read *os.File) {
	err := p.shelf.Put(shelfName(source), read)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil && !errors.Is(err, keeper.ErrNoShelf) && !p.unshelved {
		p.unshelved = true
		p.logf("output of %s is not kept in case that both it and the supervisor are killed: %v", source.Path, err)
	}
}

// forget drops a pipe that is done with.
func (p *pipes) forget(source logs.Source) {
	p.mu.Lock()
	delete(p.known, source.Name)
	p.mu.Unlock()
	if err := p.shelf.Drop(shelfName(source)); err != nil && !errors.Is(err, keeper.ErrNoShelf) {
		p.logf("%v", err)
	}
}

// knows reports whether the pipe is one that the pump has.
func (p *pipes) knows(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[name]
}

// adopt takes a pipe over that was found with a process.
func (p *pipes) adopt(source logs.Source, read *os.File) {
	p.mu.Lock()
	known := p.known[source.Name]
	p.known[source.Name] = true
	p.mu.Unlock()
	if known {
		read.Close()
		return
	}
	p.keep(source, read)
	if err := p.pump.Add(source, read); err != nil {
		p.logf("%s: %v", source.Path, err)
	}
}
