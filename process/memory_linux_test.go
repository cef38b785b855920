package process

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"tend"
)

// hogRole takes BYTES for itself, or where a FILE is named, shares it with whoever else does.
func hogRole(args []string) int {
	size, _ := strconv.Atoi(args[0])
	fd, flags := -1, unix.MAP_PRIVATE|unix.MAP_ANON
	if len(args) > 1 {
		file, err := os.OpenFile(args[1], os.O_RDWR, 0)
		if err != nil {
			return 1
		}
		fd, flags = int(file.Fd()), unix.MAP_SHARED
	}
	text, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		return 1
	}
	for i := 0; i < size; i += os.Getpagesize() {
		text[i] = 1
	}
	say(os.Getpid())
	hear()
	return 0
}

func TestMemory(t *testing.T) {
	const large = 32 << 20
	between := func(got, least, most int64) {
		t.Helper()
		if got < least || got > most {
			t.Errorf("%d MB, not between %d and %d", got>>20, least>>20, most>>20)
		}
	}
	one := play(t, "hog", strconv.Itoa(large)).hearsPID()
	between(Memory([]tend.Identity{one}, 1<<40), large, 2*large)
	between(Memory([]tend.Identity{one}, 0), large, 2*large)

	path := filepath.Join(t.TempDir(), "shared")
	if err := os.WriteFile(path, make([]byte, large), 0o600); err != nil {
		t.Fatal(err)
	}
	var together []tend.Identity
	for range 3 {
		together = append(together, play(t, "hog", strconv.Itoa(large), path).hearsPID())
	}
	between(Memory(together, 1<<40), 3*large, 6*large)
	if _, ok := proportionalOf(one.PID); !ok {
		t.Skip("this kernel does not say who shares what")
	}
	between(Memory(together, 0), large, 5*large/2)

	if got := Memory([]tend.Identity{{PID: 1 << 30}}, 0); got != 0 {
		t.Errorf("what is not there has %d", got)
	}
}

func TestKin(t *testing.T) {
	s := newSpawner(t, stage...)
	const script = `sleep 1000 & (setsid env -i /bin/sleep 1001 &); sh -c "sleep 1002; :" & wait`
	want := []string{"sh -c " + script, "sh -c sleep 1002; :", "sleep 1000", "sleep 1002", "/bin/sleep 1001"}
	if !Probe().Has("mark") {
		want = want[:4] // who has no environment is missed
	}
	slices.Sort(want)
	mains := map[string]tend.Identity{}
	for i := range 2 {
		run := fmt.Sprintf("kin-%d", i)
		child := start(t, s, script, "TEND_RUN="+run)
		if child.PIDFD >= 0 {
			unix.Close(child.PIDFD)
		}
		mains[run] = child.Identity
		t.Cleanup(func() {
			for _, id := range append(Kin(mains)[run], childrenCalled("/bin/sleep 1001")...) {
				endNow(t, id)
			}
		})
	}
	eventually(t, "both have orphaned one", func() bool { return len(childrenCalled("/bin/sleep 1001")) == 2 })
	for run := range mains {
		eventually(t, "the kin of both", func() bool { return slices.Equal(commandLines(Kin(mains)[run]), want) })
	}
}

// BenchmarkKin is what a look costs that many services have asked for.
func BenchmarkKin(b *testing.B) {
	s := newSpawner(b, stage...)
	mains := map[string]tend.Identity{}
	for i := range 100 {
		run := fmt.Sprintf("kin-%d", i)
		child := start(b, s, "exec sleep 1000", "TEND_RUN="+run)
		unix.Close(child.PIDFD)
		mains[run] = child.Identity
	}
	for b.Loop() {
		for _, kin := range Kin(mains) {
			Memory(kin, 1<<40)
		}
	}
}

func commandLines(ids []tend.Identity) (lines []string) {
	for _, id := range ids {
		words, _ := CommandLine(id.PID)
		lines = append(lines, strings.Join(words, " "))
	}
	slices.Sort(lines)
	return lines
}

// childrenCalled are the children of the keeper with that command line.
func childrenCalled(line string) (found []tend.Identity) {
	children, _ := Children(os.Getppid())
	for _, pid := range children {
		words, err := CommandLine(pid)
		if stat, statErr := ReadStat(pid); err == nil && statErr == nil && strings.Join(words, " ") == line {
			found = append(found, stat.Identity)
		}
	}
	return found
}

// No kernel is at hand that passes the memory controller on to a test, so the files are made up.
func TestMemoryOfACgroup(t *testing.T) {
	own := t.TempDir()
	c := &Cgroups{dir: filepath.Join(own, ".tend-x"), far: map[string]string{}}
	run := filepath.Join(c.dir, "run")
	if err := os.MkdirAll(run, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if c.LimitMemory("run", 1000) || c.MemoryLimited("run") || c.OutOfMemory("run") {
		t.Error("there is no memory controller")
	}
	if _, known := c.Memory("run"); known {
		t.Error("nobody knows how much it has")
	}
	for _, name := range []string{"memory.max", "memory.oom.group"} {
		write(filepath.Join(run, name), "max\n")
	}
	if c.MemoryLimited("run") {
		t.Error("max is no limit")
	}
	if !c.LimitMemory("run", 1000) || !c.MemoryLimited("run") {
		t.Error("it was not limited")
	}
	if text, _ := os.ReadFile(filepath.Join(run, "memory.max")); !strings.HasPrefix(string(text), "1000") {
		t.Errorf("memory.max is %q", text)
	}
	write(filepath.Join(run, "memory.current"), "5000\n")
	write(filepath.Join(run, "memory.stat"), "anon 3000\ninactive_file 1500\n")
	if bytes, known := c.Memory("run"); bytes != 3500 || !known {
		t.Errorf("it has %d, %v", bytes, known)
	}
	write(filepath.Join(run, "memory.events"), "low 0\noom 1\noom_kill 0\n")
	if c.OutOfMemory("run") {
		t.Error("nobody was killed")
	}
	write(filepath.Join(run, "memory.events"), "low 0\noom 1\noom_kill 2\n")
	if !c.OutOfMemory("run") {
		t.Error("two were killed")
	}
}
