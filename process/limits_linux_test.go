package process

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tend"
	"tend/internal/testenv"
)

func ptr(n int) *int { return &n }

// startLimited starts a sleep with the limits; it ends with the test.
func startLimited(t *testing.T, s *Spawner, limits Limits, env ...string) Child {
	t.Helper()
	child, err := s.Start(Spec{Path: sleepPath, Args: []string{"sleep", "1000"}, Env: env, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	end(t, child.Identity)
	if child.PIDFD >= 0 {
		unix.Close(child.PIDFD)
	}
	return child
}

// resourceOf reads a limit of a process.
func resourceOf(t *testing.T, pid int, name string) tend.Limit {
	t.Helper()
	var l unix.Rlimit
	if err := unix.Prlimit(pid, resources()[name], nil, &l); err != nil {
		t.Fatal(err)
	}
	return tend.Limit{Soft: l.Cur, Hard: l.Max}
}

// niceOf reads the niceness of a process, field 19 of its stat.
func niceOf(pid int) string {
	text, _ := os.ReadFile(procPath(pid, "stat"))
	_, rest, _ := strings.Cut(string(text), ") ")
	return strings.Fields(rest)[19-3]
}

func ioprioOf(pid int) uintptr {
	priority, _, _ := unix.RawSyscall(unix.SYS_IOPRIO_GET, 1, uintptr(pid), 0)
	return priority
}

func TestLimitsAreThoseThatWereAskedFor(t *testing.T) {
	s := newSpawner(t, stage...)
	const run = "a-run-with-limits"
	wanted := map[string]string{"nofile": "100:200", "core": "0", "as": "1GB", "stack": "1MiB:2MiB", "cpu": "600", "fsize": "1TB", "nproc": "unlimited"}
	if !mayRaise() {
		delete(wanted, "nproc")
	}
	child := startLimited(t, s, Limits{Resources: wanted, Nice: ptr(7), IONice: "best-effort:6", CPUs: "0", OOMScoreAdj: ptr(321)}, "TEND_RUN="+run)
	for name, text := range wanted {
		if got := resourceOf(t, child.PID, name).Text(name); got != text {
			t.Errorf("%s is %s, not %s", name, got, text)
		}
	}
	if got := niceOf(child.PID); got != "7" {
		t.Errorf("its niceness is %s", got)
	}
	if got := ioprioOf(child.PID); got != 2<<13|6 {
		t.Errorf("its order of input and output is %#x", got)
	}
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(child.PID, &set); err != nil || set.Count() != 1 || !set.IsSet(0) {
		t.Errorf("its processors are %v, %v", set, err)
	}
	if text, err := os.ReadFile(procPath(child.PID, "oom_score_adj")); strings.TrimSpace(string(text)) != "321" {
		t.Errorf("its oom_score_adj is %q, %v", text, err)
	}
	if Probe().Has("mark") && ReadMark(child.PID) != Mark(run) {
		t.Error("it has lost its mark")
	}
	if stat, err := ReadStat(child.PID); err != nil || stat.Identity != child.Identity {
		t.Errorf("it is %v, was told to be %v, %v", stat.Identity, child.Identity, err)
	}
}

func TestLimitsThatAreNotAskedForStay(t *testing.T) {
	s := newSpawner(t, stage...)
	plain := startLimited(t, s, Limits{})
	nice := startLimited(t, s, Limits{Nice: ptr(3)})
	for name := range resources() {
		if a, b := resourceOf(t, plain.PID, name), resourceOf(t, nice.PID, name); a != b {
			t.Errorf("%s is %v in place of %v", name, b, a)
		}
	}
	if idle := startLimited(t, s, Limits{IONice: "idle"}); ioprioOf(idle.PID)>>13 != 3 {
		t.Errorf("its order of input and output is %#x", ioprioOf(idle.PID))
	}
}

// The stage must get through with less than it has itself, again and again, and so must its failures.
func TestLimitsOfMemoryDoNotHitTheStage(t *testing.T) {
	s := newSpawner(t, stage...)
	env := []string{"LARGE=" + strings.Repeat("x", 100<<10), "LARGER=" + strings.Repeat("y", 120<<10)}
	tight := Limits{Resources: map[string]string{"as": "16MB", "data": "8MB", "nofile": "16"}}
	for range 10 {
		child := startLimited(t, s, tight, env...)
		if got := resourceOf(t, child.PID, "as"); got.Hard != 16e6 {
			t.Fatalf("its memory is limited to %v", got)
		}
		endNow(t, child.Identity)
		_, err := s.Start(Spec{Path: "/no/such/program", Args: []string{"x"}, Env: env, Limits: tight})
		if err == nil || err.Error() != `cannot execute "/no/such/program": no such file or directory` {
			t.Fatalf("got %v", err)
		}
	}
}

func TestLimitsThatAreNoneAreToldOf(t *testing.T) {
	s := newSpawner(t, stage...)
	for want, limits := range map[string]Limits{
		`limit files=3: "files" is not a limit`:                   {Resources: map[string]string{"files": "3"}},
		`limit nofile=much: "much" is not a limit of nofile`:      {Resources: map[string]string{"nofile": "much"}},
		`cpus x: "x" is not a list of processors`:                 {CPUs: "x"},
		`ionice fast: "fast" is not an order of input and output`: {IONice: "fast"},
		"cpus 1023: invalid argument (those here are 0":           {CPUs: "1023"},
		"oom_score_adj 5000: invalid argument":                    {OOMScoreAdj: ptr(5000)},
	} {
		_, err := s.Start(Spec{Path: sleepPath, Args: []string{"sleep", "1000"}, Limits: limits})
		if err == nil || !strings.HasPrefix(err.Error(), want) || Temporary(err) {
			t.Errorf("got %v, want %s", err, want)
		}
		if checked := limits.Check(); checked == nil || checked.Error() != err.Error() {
			t.Errorf("checked %v, started %v", checked, err)
		}
	}
	if err := (Limits{CPUs: "0,1000-1003"}).Check(); err == nil || !strings.Contains(err.Error(), "those here are ") {
		t.Errorf("processors that are not there: %v", err)
	}
	before := resourceOf(t, os.Getpid(), "nofile")
	err := (Limits{Resources: map[string]string{"nofile": "1000000000000"}}).Check()
	if err == nil || !strings.Contains(err.Error(), "limit nofile=1000000000000: operation not permitted (") {
		t.Errorf("got %v", err)
	}
	if after := resourceOf(t, os.Getpid(), "nofile"); after != before {
		t.Errorf("our own limit became %v", after)
	}
}

// forbidden is what only root may have, with what is said to anybody else.
func forbidden() map[string]Limits {
	return map[string]Limits{
		"limit nofile=99999999: operation not permitted (its hard limit here is 4096)":           {Resources: map[string]string{"nofile": "99999999"}},
		"limit core=0:unlimited: operation not permitted (its hard limit here is 1MB)":           {Resources: map[string]string{"core": "0:unlimited"}},
		"nice -5: permission denied (the lowest here is 3)":                                      {Nice: ptr(-5)},
		"ionice realtime:4: operation not permitted (only root may have that)":                   {IONice: "realtime:4"},
		"oom_score_adj -100: permission denied (only root may go that low; tend itself has 200)": {OOMScoreAdj: ptr(-100)},
		"": {Resources: map[string]string{"nofile": "10:4096", "core": "1MB"}, Nice: ptr(3), OOMScoreAdj: ptr(200), IONice: "idle", CPUs: "0"},
		"limit nofile=5000: operation not permitted (its hard limit here is 4096)": {Resources: map[string]string{"nofile": "5000"}, Nice: ptr(19)},
	}
}

func TestLimitsThatOnlyRootMayHave(t *testing.T) {
	testenv.NeedRoot(t)
	h := play(t, "limited", "drop")
	for range forbidden() {
		if words := h.hears(); words[0] != "ok" {
			t.Error(strings.Join(words, " "))
		}
	}
}

// limitedRole starts, as an ordinary user, processes with the limits that it must not have.
func limitedRole(args []string) int {
	if slices.Contains(args, "drop") {
		runtime.LockOSThread() // which alone is made nicer, and executes the program
		for resource, limit := range map[int]unix.Rlimit{unix.RLIMIT_NOFILE: {Cur: 1024, Max: 4096}, unix.RLIMIT_CORE: {Cur: 0, Max: 1e6}} {
			if err := syscall.Setrlimit(resource, (*syscall.Rlimit)(&limit)); err != nil {
				say(err)
				return 1
			}
		}
		const nobody = 65534
		err := os.WriteFile("/proc/self/oom_score_adj", []byte("200"), 0)
		if err == nil {
			err = unix.Setpriority(unix.PRIO_PROCESS, 0, 3)
		}
		if err == nil {
			err = syscall.Setgid(nobody)
		}
		if err == nil {
			err = syscall.Setuid(nobody)
		}
		if err == nil {
			err = syscall.Exec("/proc/self/exe", []string{os.Args[0], "role:limited"}, os.Environ())
		}
		say(err)
		return 1
	}
	s, err := NewSpawner("/proc/self/exe", "exec")
	if err != nil {
		say(err)
		return 1
	}
	for want, limits := range forbidden() {
		child, err := s.Start(Spec{Path: "/bin/true", Args: []string{"true"}, Limits: limits, Own: true})
		if err == nil {
			reapOwn(child.PID)
		}
		if got := message(err); got != want {
			say(fmt.Sprintf("started: got %q, want %q", got, want))
		} else if got := message(limits.Check()); got != want {
			say(fmt.Sprintf("checked: got %q, want %q", got, want))
		} else {
			say("ok")
		}
	}
	return 0
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
