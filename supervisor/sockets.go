package supervisor

import (
	"errors"
	"os"
	"slices"
	"strings"
	"sync"

	"tend"
	"tend/keeper"
	"tend/listen"
)

// sockets are those of the services that listen. They are opened before the first run of a service that needs them, and all of
// its copies share them. They stay open as long as the service is to run: between runs, whoever connects waits. A second
// descriptor lies on the shelf for the supervisors to come; where there is none, they look for the sockets with the
// processes of the service.
type sockets struct {
	shelf *keeper.Shelf
	logf  func(format string, args ...any)

	mu   sync.Mutex
	open map[string]map[string]*listen.Socket // by service, and by tend.Listen.Address
	left map[string][]tend.Listen             // by service: the files of unix sockets that were closed, and that a run has yet
}

// onShelfListens is what the names of sockets on the shelf begin with.
const onShelfListens = "listen"

func newSockets(s *Supervisor) *sockets {
	return &sockets{shelf: s.shelf, logf: s.logf, open: map[string]map[string]*listen.Socket{}, left: map[string][]tend.Listen{}}
}

// take takes over a socket that is on the shelf.
func (k *sockets) take(name string, file *os.File) {
	fields := strings.Split(name, shelfSeparator)
	socket, err := listen.Take(file)
	switch {
	case err != nil:
		k.logf("a socket that was kept: %v", err)
	case len(fields) != 3:
		socket.Close()
	default:
		k.mu.Lock()
		k.put(fields[1], fields[2], socket)
		k.mu.Unlock()
	}
}

// put keeps a socket. The caller has locked mu.
func (k *sockets) put(service, address string, socket *listen.Socket) {
	if k.open[service] == nil {
		k.open[service] = map[string]*listen.Socket{}
	}
	if old := k.open[service][address]; old != nil {
		old.Close()
	}
	k.open[service][address] = socket
}

// keep keeps a socket, here and on the shelf. The caller has locked mu.
func (k *sockets) keep(service, address string, socket *listen.Socket) {
	k.put(service, address, socket)
	file, err := socket.File(address)
	if err == nil {
		err = k.shelf.Put(strings.Join([]string{onShelfListens, service, address}, shelfSeparator), file)
		file.Close()
	}
	if err != nil && !errors.Is(err, keeper.ErrNoShelf) {
		k.logf("the socket %s of %s is not kept in case that both the service and the supervisor are killed: %v", address, service, err)
	}
}

// files returns the sockets of a service for a run of it, and opens those that are not open yet. Where no other copy
// lives, they are made to block again: what ran before may have changed that.
func (k *sockets) files(d tend.Service, wanted []tend.Listen, alone bool) (files []*os.File, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, l := range wanted {
		socket := k.open[d.Service()][l.Address()]
		if socket == nil {
			if socket, err = listen.Open(l, *d.Umask); err != nil {
				break
			}
			k.keep(d.Service(), l.Address(), socket)
		}
		if alone {
			err = socket.Block()
		}
		var file *os.File
		if err == nil {
			file, err = socket.File(l.Address())
		}
		if err != nil {
			break
		}
		files = append(files, file)
	}
	if err != nil {
		for _, file := range files {
			file.Close()
		}
		return nil, err
	}
	return files, nil
}

// missing are those of the wanted sockets that are not open.
func (k *sockets) missing(service string, wanted []tend.Listen) []tend.Listen {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(wanted), func(l tend.Listen) bool { return k.open[service][l.Address()] != nil })
}

// adopt keeps a socket that was found with a process.
func (k *sockets) adopt(service, address string, socket *listen.Socket) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keep(service, address, socket)
}

// none reports whether no socket is open, and no file left of one.
func (k *sockets) none() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.open) == 0 && len(k.left) == 0
}

// owner is the service that has a socket open there, "" if none has.
func (k *sockets) owner(address string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	for service, open := range k.open {
		if open[address] != nil {
			return service
		}
	}
	return ""
}

// services are those of which a socket is open.
func (k *sockets) services() (names []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for name := range k.open {
		names = append(names, name)
	}
	return names
}

// retain closes the sockets of a service but for those that are wanted.
func (k *sockets) retain(service string, wanted []tend.Listen) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for address, socket := range k.open[service] {
		if slices.ContainsFunc(wanted, func(l tend.Listen) bool { return l.Address() == address }) {
			continue
		}
		socket.Close()
		delete(k.open[service], address)
		name := strings.Join([]string{onShelfListens, service, address}, shelfSeparator)
		if err := k.shelf.Release(name); err != nil && !errors.Is(err, keeper.ErrNoShelf) {
			k.logf("%v", err)
		}
		if l, err := tend.ParseListen(address); err == nil && listen.Clear(l) {
			k.left[service] = append(k.left[service], l)
		}
	}
	if len(k.open[service]) == 0 {
		delete(k.open, service)
	}
}

// closeAll closes the sockets of a service that rests.
func (k *sockets) closeAll(service string) {
	k.retain(service, nil)
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.left, service) // whoever has them yet is not ours
}

// clear removes the files that the sockets of a service have left, if no run has these any more. Where a supervisor dies before
// that, they stay, and are in nobody's way: see listen.Open.
func (k *sockets) clear(service string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left[service] = slices.DeleteFunc(k.left[service], func(l tend.Listen) bool {
		return k.open[service][l.Address()] != nil || !listen.Clear(l)
	})
	if len(k.left[service]) == 0 {
		delete(k.left, service)
	}
}
