package supervisor

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"tend/keeper"
	"tend/notify"
)

// stored are the descriptors that services have kept: see sd_pid_notify_with_fds(3), FDSTORE. A second one of each lies on the
// shelf for the supervisors to come.
type stored struct {
	shelf  *keeper.Shelf
	server *notify.Server // tells when one is hung up
	logf   func(format string, args ...any)

	mu     sync.Mutex
	of     map[string][]kept // by service
	serial int               // of the last
}

// kept is one descriptor. It is no os.File: the runtime would wait for whatever happens to it.
type kept struct {
	fd     int
	serial int
	name   string
	poll   bool // it is dropped when it is hung up
}

const onShelfStored = "store"

func (s *Supervisor) newStored() *stored {
	return &stored{shelf: s.shelf, server: s.channels.server, logf: s.logf, of: map[string][]kept{}}
}

func (k kept) shelfName(service string) string {
	return strings.Join([]string{onShelfStored, service, k.name, strconv.Itoa(k.serial), strconv.FormatBool(k.poll)}, shelfSeparator)
}

func heldKey(service string, serial int) string { return fmt.Sprintf("held %d %s", serial, service) }

// take takes over a descriptor that is on the shelf.
func (t *stored) take(name string, file *os.File) {
	defer file.Close()
	fields := strings.Split(name, shelfSeparator)
	if len(fields) != 5 {
		return
	}
	serial, _ := strconv.Atoi(fields[3])
	fd, err := duplicate(file)
	if err != nil {
		t.logf("a descriptor that %s has kept: %v", fields[1], err)
		return
	}
	t.serial = max(t.serial, serial)
	t.hold(fields[1], kept{fd: fd, serial: serial, name: fields[2], poll: fields[4] == "true"})
}

// duplicate returns another descriptor of the file.
func duplicate(file *os.File) (fd int, err error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return -1, err
	}
	failed := raw.Control(func(n uintptr) { fd, err = unix.FcntlInt(n, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(err, failed)
}

// file returns another descriptor of it.
func (k kept) file() (*os.File, error) {
	fd, err := unix.FcntlInt(uintptr(k.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), k.name), nil
}

// hold holds it, in the order in which they came, and waits for its being hung up.
func (t *stored) hold(service string, k kept) {
	all := append(t.of[service], k)
	slices.SortFunc(all, func(a, b kept) int { return a.serial - b.serial })
	t.of[service] = all
	if !k.poll {
		return
	}
	if file, err := k.file(); err == nil {
		_ = t.server.AddHeld(heldKey(service, k.serial), file) // a file is never hung up
	}
}

// errStoreFull: the service has as many descriptors kept as it may.
var errStoreFull = errors.New("it has as many descriptors kept as it may (fd_store)")

// add keeps a descriptor for the service. One that is kept already is not kept twice.
func (t *stored) add(service, name string, file *os.File, poll bool, most int) error {
	fd, err := duplicate(file)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range t.of[service] {
		if sameFile(k.fd, fd) {
			unix.Close(fd)
			return nil
		}
	}
	if len(t.of[service]) >= most {
		unix.Close(fd)
		return errStoreFull
	}
	t.serial++
	k := kept{fd: fd, serial: t.serial, name: name, poll: poll}
	t.hold(service, k)
	if err := t.shelf.Put(k.shelfName(service), file); err != nil && !errors.Is(err, keeper.ErrNoShelf) {
		t.logf("a descriptor that %s has kept is lost when the supervisor is killed: %v", service, err)
	}
	return nil
}

// drop closes those of the service that f says.
func (t *stored) drop(service string, f func(kept) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var left []kept
	for _, k := range t.of[service] {
		if !f(k) {
			left = append(left, k)
			continue
		}
		t.server.Remove(heldKey(service, k.serial))
		unix.Close(k.fd)
		if err := t.shelf.Release(k.shelfName(service)); err != nil && !errors.Is(err, keeper.ErrNoShelf) {
			t.logf("%v", err)
		}
	}
	if t.of[service] = left; len(left) == 0 {
		delete(t.of, service)
	}
}

func (t *stored) remove(service, name string) {
	t.drop(service, func(k kept) bool { return k.name == name })
}

func (t *stored) empty(service string) { t.drop(service, func(kept) bool { return true }) }

// hungUp drops what is good for nothing any more.
func (t *stored) hungUp(key string) {
	serial, service, _ := strings.Cut(strings.TrimPrefix(key, "held "), " ")
	t.drop(service, func(k kept) bool { return strconv.Itoa(k.serial) == serial })
}

// sweep closes what belongs to services for which nothing is kept any more.
func (t *stored) sweep(keeps func(service string) bool) {
	t.mu.Lock()
	var over []string
	for service := range t.of {
		if !keeps(service) {
			over = append(over, service)
		}
	}
	t.mu.Unlock()
	for _, service := range over {
		t.empty(service)
	}
}

// files are those that a run of the service is handed, in the order in which they came.
func (t *stored) files(service string, most int) (all []handed, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range t.of[service] {
		if len(all) >= most {
			break
		}
		file, failed := k.file()
		if failed != nil {
			err = failed
			break
		}
		all = append(all, handed{k.name, file})
	}
	if err != nil {
		for _, h := range all {
			h.file.Close()
		}
		return nil, err
	}
	return all, nil
}

// keepFor keeps descriptors for a service, or drops them, as it says.
func (s *Supervisor) keepFor(sv *service, n notify.News) {
	if n.Remove && n.Name != "" {
		s.stored.remove(sv.name(), n.Name)
	}
	if !n.Store {
		return
	}
	name := n.Name
	if name == "" {
		name = notify.DefaultName
	}
	for _, file := range n.Files {
		if err := s.stored.add(sv.name(), name, file, !n.NoPoll, sv.definition.FDStore); err != nil {
			if !sv.misheard {
				s.logf("a descriptor of %s is not kept: %v", sv.label(), err)
			}
			sv.misheard = true
			return
		}
	}
}
