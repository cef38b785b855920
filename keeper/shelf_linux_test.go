package keeper

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
	"tend/internal/fault"
)

// shelve puts a pipe on the shelf that holds the word, and that nobody has open besides.
func shelve(s *Shelf, name string) error {
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer out.Close()
	defer in.Close()
	if _, err := in.WriteString(name); err != nil {
		return err
	}
	return s.Put(name, out)
}

// contents says what the pipes hold, without taking it, in order of their names.
func contents(files map[string]*os.File) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		holds, err := unix.IoctlGetInt(int(files[name].Fd()), unix.TIOCINQ)
		if err != nil || holds != len(name) {
			name += fmt.Sprintf("(%d bytes, %v)", holds, err)
		}
		words = append(words, name)
	}
	return strings.Join(words, " ")
}

func closeAll(files map[string]*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// ends are the two ends of a shelf, which the test holds as keepers do.
type ends [2]int

func newEnds(t *testing.T) ends {
	t.Helper()
	in, out := newShelf()
	if in < 0 {
		t.Fatal("no shelf can be made")
	}
	t.Cleanup(func() {
		unix.Close(in)
		unix.Close(out)
	})
	return ends{in, out}
}

// open opens the shelf as a new supervisor does, and returns what it says is on it.
func (e ends) open(t *testing.T) (*Shelf, string) {
	t.Helper()
	for i, variable := range []string{shelfInVariable, shelfOutVariable} {
		copied, err := unix.FcntlInt(uintptr(e[i]), unix.F_DUPFD_CLOEXEC, 3)
		must(t, err)
		t.Setenv(variable, strconv.Itoa(copied))
	}
	s, err := OpenShelf()
	must(t, err)
	t.Cleanup(func() {
		unix.Close(s.in)
		unix.Close(s.out)
	})
	files, err := s.All()
	must(t, err)
	defer closeAll(files)
	return s, contents(files)
}

// Whatever was put and dropped, in whichever order, the next supervisor finds just what is left, and the queue does not grow
// with what was.
func TestShelf(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, uint64(os.Getpid())))
	e := newEnds(t)
	want := map[string]bool{}
	s, _ := e.open(t)
	for step := range 3000 {
		name := fmt.Sprintf("file-%d", rng.IntN(40))
		if rng.IntN(2) == 0 {
			must(t, shelve(s, name))
			want[name] = true
		} else {
			must(t, s.Drop(name))
			delete(want, name)
		}
		if most := 2*len(want) + 64; len(s.entries) > most {
			t.Fatalf("%d entries for %d files", len(s.entries), len(want))
		}
		if step%100 == 0 {
			var found string
			if s, found = e.open(t); found != strings.Join(slices.Sorted(maps.Keys(want)), " ") {
				t.Fatalf("step %d: on the shelf: %s; should be: %v", step, found, slices.Sorted(maps.Keys(want)))
			}
		}
	}
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil && len(fds) > 200 {
		t.Errorf("%d descriptors are open", len(fds))
	}
}

// What is released is open nowhere from then on, and the rest stays.
func TestReleasedIsClosed(t *testing.T) {
	s, _ := newEnds(t).open(t)
	must(t, shelve(s, "before"))
	out, in, err := os.Pipe()
	must(t, err)
	defer in.Close()
	must(t, s.Put("pipe", out))
	must(t, s.Put("pipe", out)) // it may lie there twice
	must(t, shelve(s, "after"))
	out.Close()
	if _, err := in.WriteString("x"); err != nil {
		t.Errorf("it is not kept: %v", err)
	}
	must(t, s.Release("pipe"))
	if _, err := in.WriteString("x"); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("it is still open: %v", err)
	}
	must(t, s.Release("pipe"))
	files, err := s.All()
	must(t, err)
	defer closeAll(files)
	if found := contents(files); found != "after before" {
		t.Errorf("on the shelf: %s", found)
	}
}

// What was being released when the supervisor died is closed by the next.
func TestSettledIsClosed(t *testing.T) {
	e := newEnds(t)
	s, _ := e.open(t)
	must(t, shelve(s, "before"))
	out, in, err := os.Pipe()
	must(t, err)
	defer in.Close()
	must(t, s.Put("pipe", out))
	out.Close()
	must(t, s.Drop("pipe"))
	next, found := e.open(t)
	if found != "before" {
		t.Errorf("on the shelf: %s", found)
	}
	if _, err := in.WriteString("x"); err != nil {
		t.Errorf("it is not open any more: %v", err)
	}
	must(t, next.Settle())
	if _, err := in.WriteString("x"); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("it is still open: %v", err)
	}
	if _, found := e.open(t); found != "before" {
		t.Errorf("on the shelf: %s", found)
	}
}

// Where there is no room, or no more descriptors may be under way, it is said, and what is there stays.
func TestShelfIsFull(t *testing.T) {
	e := newEnds(t)
	must(t, unix.SetsockoptInt(e[0], unix.SOL_SOCKET, unix.SO_SNDBUF, 1)) // as little as there can be
	s, _ := e.open(t)
	n, err := 0, error(nil)
	for ; err == nil && n < 1000; n++ {
		err = shelve(s, fmt.Sprintf("%03d", n))
	}
	if !errors.Is(err, unix.EAGAIN) {
		t.Fatalf("after %d: %v", n, err)
	}
	s, found := e.open(t)
	if len(strings.Fields(found)) != n-1 {
		t.Errorf("%d were put, there are: %s", n-1, found)
	}
	must(t, s.Drop("000"))
	must(t, shelve(s, "another"))
	if _, found := e.open(t); !strings.HasSuffix(found, "another") || strings.HasPrefix(found, "000") {
		t.Errorf("after one was dropped and another put there are: %s", found)
	}
}

// A supervisor that is killed while it clears the shelf leaves everything there that is to be.
func TestShelfSurvivesBeingCleared(t *testing.T) {
	const ofTest = "TEND_TEST_CLEARS"
	if os.Getenv(ofTest) != "" {
		s, err := OpenShelf()
		if err == nil {
			var files map[string]*os.File
			files, err = s.All()
			closeAll(files)
		}
		if err == nil {
			err = s.clear()
		}
		if err != nil {
			fmt.Println(err)
		}
		os.Exit(0)
	}
	e := newEnds(t)
	s, _ := e.open(t)
	var want []string
	for i := range 12 {
		must(t, shelve(s, fmt.Sprintf("file-%02d", i)))
		if i%3 == 1 {
			must(t, s.Drop(fmt.Sprintf("file-%02d", i)))
		} else {
			want = append(want, fmt.Sprintf("file-%02d", i))
		}
	}
	faults := t.TempDir()
	for range 40 { // each kill lets one entry more be gone through: no two begin at the same place
		must(t, fault.Arm(faults, fault.SupervisorShelving, ""))
		cmd := exec.CommandContext(context.Background(), "/proc/self/exe", "-test.run=^TestShelfSurvivesBeingCleared$")
		cmd.ExtraFiles = []*os.File{os.NewFile(uintptr(must1(unix.Dup(e[0]))), "in"), os.NewFile(uintptr(must1(unix.Dup(e[1]))), "out")}
		cmd.Env = append(os.Environ(), ofTest+"=1", fault.Variable+"="+faults, shelfInVariable+"=3", shelfOutVariable+"=4")
		said, err := cmd.CombinedOutput()
		for _, f := range cmd.ExtraFiles {
			f.Close()
		}
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
			t.Fatalf("it was not killed: %v: %s", err, said)
		}
		var found string
		if s, found = e.open(t); found != strings.Join(want, " ") {
			t.Fatalf("there is %s; should be %s", found, want)
		}
	}
	must(t, s.clear())
	if _, found := e.open(t); found != strings.Join(want, " ") || len(s.entries) != len(want) {
		t.Errorf("%d entries, there is %s; should be %s", len(s.entries), found, want)
	}
}

func must1(fd int, err error) int {
	if err != nil {
		panic(err)
	}
	return fd
}

// As long as one keeper lives, what the supervisor left on the shelf is there.
func TestKilledChainLeavesTheShelf(t *testing.T) {
	c := newChain(t)
	c.mustLaunch()
	for _, word := range []string{"one", "two", "three"} {
		if said := c.ask("shelve " + word); said != "<nil>" {
			t.Fatal(said)
		}
	}
	if said := c.ask("drop two"); said != "<nil>" {
		t.Fatal(said)
	}
	for _, who := range []struct {
		name string
		pids func() []int
	}{
		{"the supervisor", func() []int { return []int{c.supervisor()} }},
		{"the inner keeper", func() []int { inner, _ := c.above(); return []int{inner} }},
		{"the outer keeper", func() []int { _, outer := c.above(); return []int{outer} }},
		{"the supervisor and the inner keeper", func() []int { inner, _ := c.above(); return []int{inner, c.supervisor()} }},
		{"the supervisor and the outer keeper", func() []int { _, outer := c.above(); return []int{outer, c.supervisor()} }},
	} {
		c.above()
		before := c.supervisor()
		for _, pid := range who.pids() {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH { // it may have made room just now
				t.Fatal(err)
			}
		}
		c.gone(before)
		if found := c.ask("shelved"); found != "one three" {
			t.Errorf("after %s was killed, there is on the shelf: %s", who.name, found)
		}
	}
}
