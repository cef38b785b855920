package process

import (
	"bytes"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"tend"
)

// Cgroups are those of the runs of one database. All methods may be called at any time; they wait for nothing.
type Cgroups struct {
	dir     string       // holds those that are made; "" where nothing is delegated
	refused atomic.Int32 // how often

	mu   sync.Mutex
	held int               // descriptor of dir, with a lock that says that somebody uses it; -1 while there is none
	far  map[string]string // run → its directory, where that is not below dir
	full map[string]string // the same of runs that have ended, and whose directory was not empty yet
}

// NewCgroups returns those of the database with the key. What supervisors that have died have left beside them is removed.
func NewCgroups(key string) *Cgroups {
	c := &Cgroups{held: -1, far: map[string]string{}, full: map[string]string{}}
	if own := delegated(); own != "" {
		c.dir = filepath.Join(own, cgroupPrefix+key)
		removeAbandoned(own, filepath.Base(c.dir))
	}
	return c
}

// Make makes the cgroup of a run and opens it; nil where there can be none.
func (c *Cgroups) Make(run string) *os.File {
	if c.dir == "" || run == "" || c.refused.Load() >= oftenRefused {
		return nil
	}
	dir := filepath.Join(c.dir, run)
	err := unix.Mkdir(dir, 0o755)
	for range 3 { // somebody who cleans up may be faster than our lock
		if errors.Is(err, unix.ENOENT) {
			c.hold()
			err = unix.Mkdir(dir, 0o755)
		}
	}
	if err != nil {
		return nil
	}
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(fd), dir)
}

// hold makes the directory of all of them, and locks it: who finds one without a lock may remove it.
func (c *Cgroups) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = unix.Mkdir(c.dir, 0o755)
	if c.held >= 0 {
		unix.Close(c.held)
	}
	if c.held, _ = unix.Open(c.dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); c.held >= 0 {
		_ = unix.Flock(c.held, unix.LOCK_SH) // nobody holds another for longer than it takes to remove something
	}
}

// oftenRefused is more than can be by chance: somebody may have removed a cgroup that was still empty.
const oftenRefused = 3

// Refused notes that the kernel has refused to make a process in one. After some times none is made any more.
func (c *Cgroups) Refused() { c.refused.Add(1) }

// Adopt finds the cgroup of a run that an earlier supervisor has made, elsewhere perhaps: the main process is in it.
func (c *Cgroups) Adopt(run string, main tend.Identity) {
	if dir := c.of(run); main.IsZero() || dir != "" && unix.Access(dir, unix.F_OK) == nil {
		return
	}
	own := ownCgroup(main.PID)
	at := strings.Index(own+"/", "/"+run+"/")
	if run == "" || at < 0 || !Alive(main) {
		return
	}
	if dir := mounted(own[:at+1+len(run)]); dir != "" && dir != filepath.Join(c.dir, run) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.far[run] = dir
	}
}

// of returns the directory of a run, which need not exist.
func (c *Cgroups) of(run string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if dir := c.far[run]; dir != "" {
		return dir
	}
	if c.dir == "" || run == "" {
		return ""
	}
	return filepath.Join(c.dir, run)
}

// Members returns the processes in the cgroup of a run, and in those that they have made below it.
func (c *Cgroups) Members(run string) (found []tend.Identity) {
	dir := c.of(run)
	if dir == "" {
		return nil
	}
	for _, pid := range processesIn(dir) {
		stat, err := ReadStat(pid)
		if err != nil || stat.Dead() || pid <= 1 || pid == os.Getpid() || !strings.Contains(ownCgroup(pid)+"/", "/"+run+"/") {
			continue
		}
		if again, err := ReadStat(pid); err == nil && again.Start == stat.Start { // so it was this one that is in it
			found = append(found, stat.Identity)
		}
	}
	return found
}

// processesIn reads the pids in a cgroup and all below it; 0 is one of another pid namespace.
func processesIn(dir string) (pids []int) {
	text, err := readFile(unix.AT_FDCWD, dir+"/cgroup.procs", make([]byte, 0, 4096))
	if err != nil {
		return nil
	}
	pids = numbers(text)
	for _, below := range cgroupsIn(dir) {
		pids = append(pids, processesIn(below)...)
	}
	return pids
}

// cgroupsIn lists the cgroups right below one. A directory has two links and one for each of them.
func cgroupsIn(dir string) (below []string) {
	var stat unix.Stat_t
	if unix.Stat(dir, &stat) != nil || stat.Nlink == 2 {
		return nil
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() {
			below = append(below, filepath.Join(dir, e.Name()))
		}
	}
	return below
}

// Kill ends all that is in the cgroup of a run at once. Where the kernel is older than 5.14 it only keeps them from going
// on, so that they can be killed one by one.
func (c *Cgroups) Kill(run string) {
	dir := c.of(run)
	if dir == "" || strings.Contains(ownCgroup(os.Getpid())+"/", "/"+run+"/") {
		return
	}
	if err := writeFile(dir+"/cgroup.kill", "1"); errors.Is(err, unix.ENOENT) {
		_ = writeFile(dir+"/cgroup.freeze", "1") // a frozen process can be killed
	}
}

func writeFile(path, text string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	_, err = unix.Write(fd, []byte(text))
	return err
}

// Remove removes the cgroup of a run that has ended. One that is not empty yet is tried again with the next.
func (c *Cgroups) Remove(run string) {
	dir := c.of(run)
	if dir == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.far, run)
	for run, dir := range c.full {
		if removeCgroup(dir) {
			delete(c.full, run)
		}
	}
	if !removeCgroup(dir) {
		c.full[run] = dir
	}
}

// Sweep removes the cgroups of all runs but the living.
func (c *Cgroups) Sweep(living func(run string) bool) {
	if c.dir == "" {
		return
	}
	if len(cgroupsIn(c.dir)) > 0 {
		c.hold()
	}
	for _, dir := range cgroupsIn(c.dir) {
		if !living(filepath.Base(dir)) {
			removeCgroup(dir)
		}
	}
}

// Close removes what is empty.
func (c *Cgroups) Close() {
	for _, dir := range c.full {
		removeCgroup(dir)
	}
	if c.dir != "" {
		_ = unix.Rmdir(c.dir)
	}
}

// removeCgroup removes a cgroup with those below it, if nobody is in any of them, and reports whether it is gone.
func removeCgroup(dir string) bool {
	err := unix.Rmdir(dir)
	if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.ENOTEMPTY) {
		for _, below := range cgroupsIn(dir) {
			removeCgroup(below)
		}
		err = unix.Rmdir(dir)
	}
	return err == nil || errors.Is(err, unix.ENOENT)
}

// removeAbandoned removes the empty cgroups of databases that nobody supervises.
func removeAbandoned(own, except string) {
	for _, dir := range cgroupsIn(own) {
		if name := filepath.Base(dir); !strings.HasPrefix(name, cgroupPrefix) || name == except {
			continue
		}
		fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil {
			removeCgroup(dir)
		}
		unix.Close(fd)
	}
}

// LeaveRun takes this process out of the cgroup of a run that it was started in, so that it does not end with that.
func LeaveRun() {
	own := ownCgroup(os.Getpid())
	at := strings.Index(own, "/"+cgroupPrefix)
	if at < 0 || SwitchedOff("cgroup") {
		return
	}
	if dir := mounted(own[:at] + "/"); dir != "" {
		_ = writeFile(dir+"/cgroup.procs", "0") // or it goes with the run, as without this
	}
}

// ownCgroup returns the path of the cgroup v2 that a process is in, as /proc/PID/cgroup has it, "" if there is none.
func ownCgroup(pid int) string {
	text, err := readFile(unix.AT_FDCWD, procPath(pid, "cgroup"), make([]byte, 0, 1024))
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte("0::")); ok {
			return strings.TrimSuffix(string(rest), "\n")
		}
	}
	return ""
}

// mounted returns the directory of a cgroup v2, "" if it is not below one that is mounted.
func mounted(cgroup string) string {
	text, err := readFile(unix.AT_FDCWD, "/proc/self/mountinfo", make([]byte, 0, 16<<10))
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(text) {
		before, after, _ := bytes.Cut(line, []byte(" - "))
		words := bytes.Fields(before)
		if !bytes.HasPrefix(after, []byte("cgroup2 ")) || len(words) < 5 || bytes.ContainsRune(words[4], '\\') {
			continue
		}
		root, point := string(words[3]), string(words[4])
		if rest, below := strings.CutPrefix(cgroup, strings.TrimSuffix(root, "/")); below && (rest == "" || rest[0] == '/') {
			return path.Clean(point + rest)
		}
	}
	return ""
}

// delegated returns the directory of our own cgroup, if we may make others in it. For root every directory can be
// written. So it must be the top of all that is to be seen, as in a container, or be marked as delegated, as systemd
// does: in a session of its, all below belongs to it.
func delegated() string {
	if !Probe().Has("cgroup") {
		return ""
	}
	return findDelegated()
}

func findDelegated() string {
	own := ownCgroup(os.Getpid())
	if own == "" || strings.Contains(own, "/"+cgroupPrefix) || strings.HasPrefix(own, "/..") {
		return ""
	}
	dir := mounted(own)
	if dir == "" || unix.Access(dir, unix.W_OK) != nil || unix.Access(dir+"/cgroup.procs", unix.W_OK) != nil {
		return ""
	}
	if os.Geteuid() == 0 && own != "/" && !marked(dir, "trusted.delegate") && !marked(dir, "user.delegate") {
		return ""
	}
	return dir
}

func marked(dir, attribute string) bool {
	value := make([]byte, 2)
	n, err := unix.Getxattr(dir, attribute, value)
	return err == nil && string(value[:n]) == "1"
}

func haveCgroup() bool { return findDelegated() != "" }
