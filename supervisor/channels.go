package supervisor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"tend/keeper"
	"tend/notify"
)

// channels are the ways by which runs tell how they are: the socket that NOTIFY_SOCKET names, see sd_notify(3), and the pipe
// of ready = fd:N. Both lie on the shelf from before the run has a process until it has ended, so that what is said while
// there is no supervisor waits for the next.
type channels struct {
	dir    string // runtime directory
	shelf  *keeper.Shelf
	server *notify.Server
	logf   func(format string, args ...any)

	mu    sync.Mutex
	known map[string]*channel // by run

	unshelved atomic.Bool // it was told that there is no room on the shelf
}

// channel is the socket of one run.
type channel struct {
	run      string
	file     string        // its name in the directory of the sockets
	watchdog time.Duration // WATCHDOG=1 comes at least that often; 0: none is awaited
	access   notify.Access // who may send; "": all
}

// What the names of channels on the shelf begin with.
const (
	onShelfNotify = "notify"
	onShelfReady  = "ready"
)

// The name of a socket is short, since its path, with those of the directories above, must fit into what socket(7) allows: that
// there is room for as much as "sock.new" in the runtime directory is checked before anything else.
const socketName = 6 // characters

func (s *Supervisor) newChannels() *channels {
	return &channels{
		dir: s.dir, shelf: s.shelf, logf: s.logf, known: map[string]*channel{},
		server: notify.NewServer(notify.Events{
			News:   func(n notify.News) { s.calls.put(func() { s.heard(n) }) },
			HungUp: func(key string) { s.calls.put(func() { s.stored.hungUp(key) }) },
		}),
	}
}

// socketKey and pipeKey are what the server knows the channels of a run by.
func socketKey(run string) string { return "socket " + run }
func pipeKey(run string) string   { return "pipe " + run }

func runOfKey(key string) string {
	_, run, _ := strings.Cut(key, " ")
	return run
}

// shelfName says all that there is to know of a channel.
func (ch channel) shelfName() string {
	return strings.Join([]string{onShelfNotify, ch.run, ch.file, ch.watchdog.String(), string(ch.access)}, shelfSeparator)
}

func (c *channels) path(file string) string {
	return filepath.Join(keeper.NotifyDirectory(c.dir), file)
}

// take takes over a socket that is on the shelf.
func (c *channels) take(name string, file *os.File) {
	fields := strings.Split(name, shelfSeparator)
	if len(fields) != 5 {
		file.Close()
		return
	}
	watchdog, _ := time.ParseDuration(fields[3])
	ch := channel{run: fields[1], file: fields[2], watchdog: watchdog, access: notify.Access(fields[4])}
	if old := c.known[ch.run]; old != nil { // one of us died while it wrote it down anew: why it did is heard again
		file.Close()
		c.unkeep(name)
		return
	}
	c.known[ch.run] = &ch
	if err := c.server.AddSocket(socketKey(ch.run), file); err != nil {
		c.logf("%v", err)
	}
}

// takePipe takes over a pipe that is on the shelf.
func (c *channels) takePipe(name string, file *os.File) {
	_, run, _ := strings.Cut(name, shelfSeparator)
	if err := c.server.AddPipe(pipeKey(run), file); err != nil {
		c.logf("%v", err)
	}
}

// open makes the socket of a run and returns its path. The run may have one already, if one of us died before it had made its
// process.
func (c *channels) open(run string, watchdog time.Duration) (path string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := c.known[run]
	if ch == nil {
		ch = &channel{run: run, file: c.freeName(run), watchdog: watchdog}
		c.known[run] = ch
	}
	if c.server.Has(socketKey(run)) {
		return c.path(ch.file), nil
	}
	return c.path(ch.file), c.bind(ch)
}

// freeName is the first name out of a run's id that no other run has taken. Ids are random.
func (c *channels) freeName(run string) string {
	for at := 0; at+socketName <= len(run); at++ {
		name, taken := run[at:at+socketName], false
		for _, ch := range c.known {
			taken = taken || ch.file == name
		}
		if !taken {
			return name
		}
	}
	return run
}

// bind makes a socket where the channel says. The caller has locked mu.
func (c *channels) bind(ch *channel) error {
	path := c.path(ch.file)
	_ = os.Mkdir(filepath.Dir(path), 0o700)
	_ = unix.Unlink(path) // left over: it is nobody's that we know
	socket, err := notify.Bind(path)
	if err != nil {
		return err
	}
	c.keep(ch.shelfName(), socket)
	return c.server.AddSocket(socketKey(ch.run), socket)
}

// keep puts a channel on the shelf. What finds no room there is made anew by the next of us, and what was said meanwhile is lost.
func (c *channels) keep(name string, file *os.File) {
	if err := c.shelf.Put(name, file); err != nil && !errors.Is(err, keeper.ErrNoShelf) && !c.unshelved.Swap(true) {
		c.logf("what services say while no supervisor is there may be lost: %v", err)
	}
}

func (c *channels) unkeep(name string) {
	if err := c.shelf.Drop(name); err != nil && !errors.Is(err, keeper.ErrNoShelf) {
		c.logf("%v", err)
	}
}

// openPipe makes the pipe of a run, and returns the end for its process.
func (c *channels) openPipe(run string) (*os.File, error) {
	service, read, err := notify.NewPipe()
	if err != nil {
		return nil, err
	}
	c.closePipe(run) // that of a process which was never made
	return service, c.addPipe(run, service, read)
}

// addPipe waits for a line in the pipe.
func (c *channels) addPipe(run string, service, read *os.File) error {
	c.keep(onShelfReady+shelfSeparator+run, read)
	err := c.server.AddPipe(pipeKey(run), read)
	if err != nil && service != nil {
		service.Close()
	}
	return err
}

// closePipe drops the pipe of a run, if it has one.
func (c *channels) closePipe(run string) {
	if key := pipeKey(run); c.server.Has(key) {
		c.server.Remove(key)
		c.unkeep(onShelfReady + shelfSeparator + run)
	}
}

// find returns what is known of the socket of a run.
func (c *channels) find(run string) (ch channel, found bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.known[run]; known != nil {
		return *known, true
	}
	return channel{}, false
}

// change writes down anew what is known of the socket of a run.
func (c *channels) change(run string, change func(*channel)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := c.known[run]
	if ch == nil {
		return
	}
	before := ch.shelfName()
	change(ch)
	if ch.shelfName() == before {
		return
	}
	if file, err := c.server.File(socketKey(run)); err == nil {
		c.keep(ch.shelfName(), file)
		file.Close()
	}
	c.unkeep(before)
}

// close ends what a run may say: it has ended.
func (c *channels) close(run string) {
	c.closePipe(run)
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := c.known[run]
	if ch == nil {
		return
	}
	delete(c.known, run)
	c.server.Remove(socketKey(run))
	_ = unix.Unlink(c.path(ch.file))
	c.unkeep(ch.shelfName())
}

// sweep closes the channels of runs that do not live any more, and removes what is left over of sockets.
func (c *channels) sweep(lives func(run string) bool) {
	c.mu.Lock()
	var over []string
	files := map[string]bool{}
	for run, ch := range c.known {
		files[ch.file] = lives(run)
		if !lives(run) {
			over = append(over, run)
		}
	}
	c.mu.Unlock()
	for _, run := range append(over, c.pipesOfOthers(lives)...) {
		c.close(run)
	}
	entries, _ := os.ReadDir(keeper.NotifyDirectory(c.dir))
	for _, e := range entries {
		if !files[e.Name()] {
			_ = os.Remove(c.path(e.Name()))
		}
	}
}

// pipesOfOthers are the runs that a pipe was left of, and that do not live any more.
func (c *channels) pipesOfOthers(lives func(run string) bool) (over []string) {
	for _, key := range c.server.Keys() {
		if run := runOfKey(key); key == pipeKey(run) && !lives(run) {
			over = append(over, run)
		}
	}
	return over
}

// nameless are the runs whose sockets' files somebody has removed.
func (c *channels) nameless() (runs []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for run, ch := range c.known {
		if c.isNameless(ch) {
			runs = append(runs, run)
		}
	}
	return runs
}

func (c *channels) isNameless(ch *channel) bool {
	_, err := os.Lstat(c.path(ch.file))
	return err != nil
}

// remake makes the socket of a run again whose file somebody has removed.
func (c *channels) remake(run string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := c.known[run]
	if ch == nil || !c.isNameless(ch) { // it has ended, or its socket was made again already
		return nil
	}
	c.server.Remove(socketKey(run))
	if err := c.bind(ch); err != nil {
		return fmt.Errorf("the socket of a run: %w", err)
	}
	return nil
}

// setVariable sets a variable in an environment, whatever it was before.
func setVariable(env []string, name, value string) []string {
	kept := env[:0:0]
	for _, entry := range env {
		if !strings.HasPrefix(entry, name+"=") {
			kept = append(kept, entry)
		}
	}
	return append(kept, name+"="+value)
}

func microseconds(d time.Duration) string { return strconv.FormatInt(d.Microseconds(), 10) }
