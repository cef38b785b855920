package process

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tend"
)

// commandsOf returns the commands of a run's tree.
func commandsOf(t *testing.T, main tend.Identity, run string) []string {
	t.Helper()
	s, err := Scan()
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	living, _ := s.Tree(main, run)
	for _, m := range living {
		if line, _ := CommandLine(m.PID); len(line) > 1 {
			commands = append(commands, line[1])
		}
		if m.PID == os.Getpid() || m.PID == os.Getppid() || m.PID == 1 {
			t.Errorf("%+v is in the tree", m)
		}
	}
	slices.Sort(commands)
	return commands
}

func TestTreeFindsWhoTriesToLeave(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip(err)
	}
	tests := map[string]struct {
		script string
		want   []string
	}{
		"alone":                                  {"exec sleep 1001", []string{"1001"}},
		"a child":                                {"sleep 1002 & exec sleep 1001", []string{"1001", "1002"}},
		"a second fork and a session":            {"(setsid sleep 1002 & ) & wait; exec sleep 1001", []string{"1001", "1002"}},
		"a second fork and no environment":       {"(env -i sleep 1002 & ) & wait; exec sleep 1001", []string{"1001", "1002"}},
		"a session and no environment":           {"setsid env -i sleep 1002 & exec sleep 1001", []string{"1001", "1002"}},
		"everything at once":                     {"(setsid env -i sleep 1002 & ) ; exec sleep 1001", []string{"1001", "1002"}},
		"a grandchild of one that left, cleared": {`(setsid sh -c "env -i sleep 1002 & exec sleep 1003" & ) & wait; exec sleep 1001`, []string{"1001", "1002", "1003"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if name == "everything at once" {
				needsMark(t)
			}
			run := "run-of-" + t.Name()
			s := newSpawner(t, stage...)
			child := start(t, s, test.script, "TEND_RUN="+run)
			defer unix.Close(child.PIDFD)
			t.Cleanup(func() { endTree(t, child.Identity, run) })
			eventually(t, fmt.Sprint(test.want), func() bool { return slices.Equal(commandsOf(t, child.Identity, run), test.want) })
			endTree(t, child.Identity, run)
			eventually(t, "the tree is gone", func() bool { return commandsOf(t, child.Identity, run) == nil })
		})
	}
}

// endTree ends all of a tree.
func endTree(t *testing.T, main tend.Identity, run string) {
	s, err := Scan()
	if err != nil {
		t.Fatal(err)
	}
	living, _ := s.Tree(main, run)
	for _, id := range living {
		endNow(t, id)
	}
}

// A process that is just executing a program is not a stranger for that moment.
func TestTheRunIsReadDuringExec(t *testing.T) {
	s := newSpawner(t, stage...)
	for range 30 {
		child := start(t, s, "exec env sleep 1001", "TEND_RUN=a-run")
		t.Cleanup(func() { endNow(t, child.Identity) })
		for {
			begun := time.Now()
			run := readRunID(child.PID)
			waited := run == "" && time.Since(begun) >= longestExec // on a busy machine an exec may take longer than is waited for
			if run != "a-run" && !waited {
				t.Fatalf("the run of process %d is %q", child.PID, run)
			}
			if line, _ := CommandLine(child.PID); len(line) == 2 && line[0] == "sleep" {
				break
			}
		}
		unix.Close(child.PIDFD)
	}
}

func TestAnEmptyEnvironmentIsNotWaitedFor(t *testing.T) {
	s := newSpawner(t, stage...)
	child := start(t, s, "exec env -i sleep 1001")
	defer unix.Close(child.PIDFD)
	defer endNow(t, child.Identity)
	eventually(t, "it has no environment", func() bool { return hasNoEnvironment(child.PID) })
	if !hasNoEnvironment(2) || hasNoEnvironment(os.Getpid()) {
		t.Error("a kernel thread has an environment, or we have none")
	}
}

func TestTreeOutlivesItsMain(t *testing.T) {
	const run = "a-run-whose-main-ends"
	s := newSpawner(t, stage...)
	child := start(t, s, "sleep 1002 & env -i sleep 1003 & read x", "TEND_RUN="+run)
	defer unix.Close(child.PIDFD)
	t.Cleanup(func() { endTree(t, child.Identity, run) })
	eventually(t, "main has ended, the others are there", func() bool {
		reapOwn(child.PID)
		return !Alive(child.Identity) && slices.Equal(commandsOf(t, child.Identity, run), []string{"1002", "1003"})
	})
}

// made makes a process of a Snapshot.
func made(pid, ppid, session int, start uint64, state byte) Stat {
	return Stat{Identity: tend.Identity{PID: pid, Start: start}, PPID: ppid, Session: session, State: state, Threads: 1}
}

func TestTreeRules(t *testing.T) {
	us, parent := os.Getpid(), os.Getppid()
	main := tend.Identity{PID: 500, Start: 100}
	line := []Stat{made(1, 0, 1, 1, 'S'), made(parent, 1, parent, 10, 'S'), made(us, parent, parent, 20, 'S')}
	tests := map[string]struct {
		processes []Stat
		runs      map[int]string
		want      []int
	}{
		"main first, then by age": {
			processes: []Stat{made(490, 500, 500, 100, 'S'), made(500, parent, 500, 100, 'S'), made(502, 1, 500, 130, 'S'), made(501, 1, 500, 140, 'S')},
			want:      []int{500, 490, 502, 501},
		},
		"zombies are passed through": {
			processes: []Stat{made(500, parent, 500, 100, 'Z'), made(501, 500, 501, 110, 'Z'), made(502, 501, 502, 120, 'S')},
			want:      []int{502},
		},
		"what is older is not of it": {
			processes: []Stat{made(500, parent, 500, 100, 'S'), made(499, 1, 500, 99, 'S'), made(498, 1, 498, 98, 'S')},
			runs:      map[int]string{498: "r"},
			want:      []int{500},
		},
		"the pid was given away": {
			processes: []Stat{made(500, 1, 500, 300, 'S'), made(501, 1, 500, 310, 'S'), made(502, 500, 500, 320, 'S'), made(503, 1, 503, 330, 'S')},
			runs:      map[int]string{503: "r"},
			want:      []int{503},
		},
		"a session whose leader is gone": {
			processes: []Stat{made(501, parent, 500, 110, 'S'), made(502, 1, 500, 120, 'S'), made(503, 1, 500, 130, 'S'), made(504, parent, 500, 140, 'S')},
			runs:      map[int]string{503: "r", 504: "another"},
			want:      []int{501, 503}, // below a keeper; by its environment; not what nothing speaks for
		},
		"never we nor our parents, nor what is ours alone": {
			processes: []Stat{made(500, parent, 500, 100, 'S'), made(501, us, 501, 110, 'S')},
			runs:      map[int]string{us: "r", parent: "r"},
			want:      []int{500},
		},
		"a circle": {
			processes: []Stat{made(500, 501, 500, 100, 'S'), made(501, 500, 500, 110, 'S')},
			want:      []int{500, 501},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSnapshot(slices.Concat(line, test.processes))
			for pid, p := range s.processes {
				p.run, p.runRead, p.marked = test.runs[pid], true, true
			}
			var got []int
			living, _ := s.Tree(main, "r")
			for _, id := range living {
				got = append(got, id.PID)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestRunIDIn(t *testing.T) {
	for environ, want := range map[string]string{
		"TEND_RUN=a\x00B=1\x00": "a", "B=1\x00TEND_RUN=b": "b", "B=1\x00XTEND_RUN=c\x00": "", "": "", "B=TEND_RUN=d\x00": "", "A=\x00TEND_RUN=\x00": "",
		"0=A=b\x0012=TEND_RUN=e\x00": "e", "B1=TEND_RUN=f\x00TEND_RUN=g\x00": "g", "=TEND_RUN=h\x001TEND_RUN=i\x00": "h",
	} {
		if got := runIDIn([]byte(environ)); got != want {
			t.Errorf("%q: got %q, want %q", environ, got, want)
		}
	}
}

// many starts n sleeping processes.
func many(b *testing.B, n int) (mains []tend.Identity) {
	s := newSpawner(b, stage...)
	for i := range n {
		child, err := s.Start(Spec{Path: sleepPath, Args: []string{"sleep", "1000"}, Env: append(os.Environ(), fmt.Sprint("TEND_RUN=bench-", i))})
		if err != nil {
			b.Fatal(err)
		}
		unix.Close(child.PIDFD)
		end(b, child.Identity)
		mains = append(mains, child.Identity)
	}
	return mains
}

func BenchmarkScan1000(b *testing.B) {
	many(b, 1000)
	for b.Loop() {
		if _, err := Scan(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTreeOf1000(b *testing.B) { // all trees of one look, environments included
	mains := many(b, 1000)
	for b.Loop() {
		s, err := Scan()
		if err != nil {
			b.Fatal(err)
		}
		for i, main := range mains {
			if got, _ := s.Tree(main, fmt.Sprint("bench-", i)); len(got) != 1 {
				b.Fatalf("got %v", got)
			}
		}
	}
}

// On a busy machine somebody comes and goes in every look. Only who may have been of the run is a reason to look again.
func TestMissedIsOnlyWhoMayHaveBeenOfTheRun(t *testing.T) {
	other := exec.Command("sleep", "1000")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = other.Process.Kill()
		_ = other.Wait()
	}()
	living, err := ReadStat(other.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	const nobody = 1<<22 + 1 // more than there can be
	for name, test := range map[string]struct {
		parent int
		missed bool
	}{
		"a living process": {living.PID, false}, "somebody who is gone as well": {nobody + 1, true}, "init": {1, true}, "a keeper": {os.Getppid(), true},
	} {
		gone := Stat{Identity: tend.Identity{PID: nobody, Start: living.Start + 1}, PPID: test.parent, Session: nobody, State: 'R', Threads: 1}
		s := newSnapshot([]Stat{living, gone})
		if members, _ := s.Tree(tend.Identity{}, "RUN"); len(members) != 0 || s.Missed() != test.missed {
			t.Errorf("below %s: %v, missed %v", name, members, s.Missed())
		}
	}
}
