package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tend/internal/fault"
	"tend/internal/testenv"
	"tend/keeper"
	"tend/logs"
	"tend/process"
)

// installed is a world in which tend is a file of its own, which can be replaced, and in which a service writes numbered
// lines.
type installed struct {
	*world
	service int // pid
	faults  string
}

func newInstalled(t *testing.T) *installed {
	w := &installed{world: newWorld(t), faults: t.TempDir()}
	w.replace()
	w.environ = []string{fault.Variable + "=" + w.faults}
	w.must("run", "web", "--", "sh", "-c", "n=0; while sleep 0.005; do n=$((n+1)); echo $n; done")
	w.service = w.pid("web")
	return w
}

// shown is a column of the list.
func (w *installed) shown(name, column string) string {
	w.t.Helper()
	words := strings.Fields(w.must("list", "--columns", column, name))
	return words[len(words)-1] // below its title
}

func (w *installed) pid(name string) int {
	w.t.Helper()
	pid, err := strconv.Atoi(w.shown(name, "pid"))
	must(w.t, err)
	return pid
}

// replace puts a new file in the place of the program.
func (w *installed) replace() {
	w.t.Helper()
	self, err := os.Executable()
	must(w.t, err)
	bin := filepath.Join(filepath.Dir(w.home), "bin")
	must(w.t, os.MkdirAll(bin, 0o700))
	w.program = filepath.Join(bin, "tend")
	// Not by us: whoever forks while we write to it makes it busy for a moment longer; see ETXTBSY in execve(2).
	must(w.t, exec.Command("cp", self, w.program+".new").Run(), os.Chmod(w.program+".new", 0o755), os.Rename(w.program+".new", w.program))
}

func (w *installed) dir() string {
	dirs, _ := filepath.Glob(filepath.Join(w.runtime, "*"))
	return dirs[0]
}

// serving are the pids of tend's own processes, by role, once all three are there.
func (w *installed) serving() map[string]int {
	w.t.Helper()
	pids := map[string]int{}
	w.until("there are three processes", func() bool {
		all, err := keeper.Find(w.dir())
		must(w.t, err)
		clear(pids)
		for _, s := range all {
			pids[s.Role] = s.PID
		}
		return len(all) == 3 && len(pids) == 3
	})
	return pids
}

func (w *installed) until(what string, holds func() bool) {
	w.t.Helper()
	for end := time.Now().Add(patient); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			said, _ := os.ReadFile(keeper.TendLog(w.dir()))
			w.t.Fatalf("waiting until %s; tend.log:\n%s", what, said)
		}
	}
}

// runsThis checks that all three run the file that is in place now.
func (w *installed) runsThis() {
	w.t.Helper()
	var want, got syscall.Stat_t
	must(w.t, syscall.Stat(w.program, &want))
	for role, pid := range w.serving() {
		if err := syscall.Stat(fmt.Sprintf("/proc/%d/exe", pid), &got); err != nil || got.Ino != want.Ino {
			w.t.Errorf("the %s runs another program: %v", role, err)
		}
	}
}

// untouched checks that the service is the same process, that it was never started twice, and that its log is whole.
func (w *installed) untouched() {
	w.t.Helper()
	if pid := w.pid("web"); pid != w.service || w.shown("web", "state") != "running" {
		w.t.Errorf("the service is %s as process %d, should be process %d", w.shown("web", "state"), pid, w.service)
	}
	text, err := os.ReadFile(logs.Path(w.database(), "web"))
	must(w.t, err)
	lines := strings.Fields(string(text[:bytes.LastIndexByte(text, '\n')+1]))
	for i, line := range lines {
		if line != strconv.Itoa(i+1) {
			w.t.Fatalf("line %d is %s", i+1, line)
		}
	}
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	w := newInstalled(t)
	before := w.serving()
	if out := w.must("upgrade"); out != "tend runs "+versionNumber+", this very program, already\n" {
		t.Errorf("with nothing to upgrade it says %s", out)
	}
	w.replace()
	if out := w.must("version"); !strings.Contains(out, "tend upgrade") {
		t.Errorf("version does not say that another program runs: %s", out)
	}
	if out := w.must("--version"); strings.Contains(out, "tend upgrade") {
		t.Errorf("--version looks at what runs: %s", out)
	}
	out := w.must("upgrade")
	after := w.serving()
	want := fmt.Sprintf("Upgrading tend ...\n... outer keeper, process %d\n... inner keeper, process %d\n... supervisor, process %d\n... tend runs %s; 1 service was not touched\n",
		before["outer keeper"], before["inner keeper"], after["supervisor"], versionNumber)
	if out != want {
		t.Errorf("upgrade says\n%snot\n%s", out, want)
	}
	if after["outer keeper"] != before["outer keeper"] || after["inner keeper"] != before["inner keeper"] || after["supervisor"] == before["supervisor"] {
		t.Errorf("they were %v and are %v", before, after)
	}
	w.runsThis()
	w.untouched()
	if out := w.must("version"); strings.Contains(out, "tend upgrade") {
		t.Errorf("version says that another program runs: %s", out)
	}
	w.replace()
	if out := w.must("upgrade", "--json"); !strings.Contains(out, `"services": 1`) || !strings.Contains(out, `"outer keeper"`) {
		t.Errorf("upgrade --json: %s", out)
	}
	w.must("stop", "--all")
	waitUntilLeft(t, w.runtime)
	w.until("the last has ended", func() bool { // who has let go of the lock may live for a moment
		all, err := keeper.Find(w.dir())
		return err == nil && len(all) == 0
	})
	if out := w.must("upgrade"); out != "No supervisor is running, nothing has to be done\n" {
		t.Errorf("when nothing runs it says %s", out)
	}
}

// An old supervisor may be one that never begins: a command of the new program has brought the database up to date, and the
// old one cannot read it. Here somebody holds its lock.
func TestUpgradeOfASupervisorThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	w := newInstalled(t)
	before := w.serving()
	lock, err := os.OpenFile(keeper.LockFile(w.dir()), os.O_RDWR, 0)
	must(t, err)
	defer lock.Close()
	held := make(chan error)
	go func() { held <- syscall.Flock(int(lock.Fd()), syscall.LOCK_EX) }()
	for got := false; !got; {
		syscall.Kill(w.serving()["supervisor"], syscall.SIGKILL)
		select {
		case err := <-held:
			must(t, err)
			got = true
		case <-time.After(100 * time.Millisecond): // another one was faster
		}
	}
	w.replace()
	var out bytes.Buffer
	cmd := w.command("upgrade")
	cmd.Stdout, cmd.Stderr = &out, &out
	must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var want syscall.Stat_t
	must(t, syscall.Stat(w.program, &want))
	w.until("the inner keeper is upgraded", func() bool {
		var got syscall.Stat_t
		return syscall.Stat(fmt.Sprintf("/proc/%d/exe", before["inner keeper"]), &got) == nil && got.Ino == want.Ino
	})
	must(t, lock.Close())
	if err := <-ended; err != nil {
		t.Fatalf("upgrade: %v\n%s", err, &out)
	}
	w.runsThis()
	w.untouched()
}

// The program is deleted, and each of tend's processes is killed in turn; then all are, and a new program takes over.
func TestDeletedProgram(t *testing.T) {
	t.Parallel()
	w := newInstalled(t)
	must(t, os.Remove(w.program))
	for _, role := range []string{"supervisor", "inner keeper", "outer keeper", "supervisor"} {
		victim := w.serving()[role]
		must(t, syscall.Kill(victim, syscall.SIGKILL))
		w.until(role+" is replaced", func() bool { return !slices.Contains(values(w.serving()), victim) })
	}
	w.until("all have gone", func() bool {
		all, err := keeper.Find(w.dir())
		for _, s := range all {
			syscall.Kill(s.PID, syscall.SIGKILL)
		}
		return err == nil && len(all) == 0
	})
	w.replace()
	w.untouched()
	w.runsThis()
}

func values(m map[string]int) (all []int) {
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

// Each of tend's processes is killed at each point of an upgrade. The command waits for whoever comes after.
func TestUpgradeGoesOnAfterSIGKILL(t *testing.T) {
	t.Parallel()
	w := newInstalled(t)
	for _, point := range []fault.Point{
		fault.OuterUpgrading, fault.OuterUpgraded, fault.InnerUpgrading, fault.InnerUpgraded, fault.InnerPromoting, fault.InnerPromoted,
		fault.SupervisorLocked, fault.SupervisorResumed, fault.SupervisorListening,
	} {
		w.serving()
		w.replace()
		must(t, fault.Arm(w.faults, point, ""))
		if point == fault.InnerPromoting || point == fault.InnerPromoted { // and the outer keeper before that: only the supervisor is left
			must(t, syscall.Kill(w.serving()["outer keeper"], syscall.SIGKILL))
		}
		if out, status := w.tend("upgrade"); status != "0" {
			said, _ := os.ReadFile(keeper.TendLog(w.dir()))
			t.Errorf("at %s: exit status %s\n%s\n%s", point, status, out, said)
		}
		if fault.Armed(w.faults, point) {
			t.Errorf("nobody came to %s", point)
		}
		fault.Disarm(w.faults, point)
		w.must("list")                                                     // where both keepers were killed just after the supervisor had given way, nobody else is left
		if point == fault.InnerPromoting || point == fault.InnerPromoted { // a supervisor that was left alone may have started its own program again, after upgrade had looked
			w.must("upgrade")
		}
		t.Log(point, w.serving())
		w.runsThis()
		w.untouched()
	}
}

// Services start and stop, and the program is replaced, again and again at the same time.
func TestUpgradeWhileServicesStartAndStop(t *testing.T) {
	t.Parallel()
	w := newInstalled(t)
	w.must("add", "other", "--", "sleep", "1000")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 8 {
			w.replace()
			if out, status := w.tend("upgrade"); status != "0" {
				t.Errorf("upgrade: exit status %s\n%s", status, out)
			}
			w.runsThis()
		}
	}()
	for going := true; going; {
		select {
		case <-done:
			going = false
		default:
		}
		for _, command := range []string{"start", "restart", "stop"} {
			if out, status := w.tend(command, "other"); status != "0" {
				t.Errorf("%s: exit status %s\n%s", command, status, out)
			}
		}
	}
	w.untouched()
}

// What cannot be executed, and what nobody has tried, changes nothing.
func TestUpgradeToWhatIsNoProgram(t *testing.T) {
	t.Parallel()
	w := newInstalled(t)
	before := w.serving()
	broken := filepath.Join(w.home, "broken")
	for _, c := range []struct {
		mode os.FileMode
		same bool
		says string
	}{{0o755, true, "exec format error"}, {0o600, true, "permission denied"}, {0o755, false, "another file"}} {
		must(t, os.WriteFile(broken, []byte("\x7fELF and no more"), 0o600), os.Chmod(broken, c.mode))
		var stat syscall.Stat_t
		must(t, syscall.Stat(broken, &stat))
		if !c.same {
			stat.Ino++
		}
		text := fmt.Sprintf(`{"path":%q,"device":%d,"inode":%d}`, broken, stat.Dev, stat.Ino)
		must(t, os.WriteFile(filepath.Join(w.dir(), "upgrade"), []byte(text), 0o600))
		for _, role := range []string{"outer keeper", "inner keeper"} {
			must(t, syscall.Kill(before[role], syscall.SIGUSR2))
			w.until(fmt.Sprintf("the %s says %s", role, c.says), func() bool {
				said, _ := os.ReadFile(keeper.TendLog(w.dir()))
				return slices.ContainsFunc(strings.Split(string(said), "\n"), func(line string) bool {
					return strings.Contains(line, fmt.Sprint(" keeper ", before[role], ":")) && strings.Contains(line, c.says)
				})
			})
		}
	}
	if after := w.serving(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("they were %v and are %v", before, after)
	}
	w.untouched()
	w.replace() // and a good one is taken after that
	w.must("upgrade")
	w.runsThis()
	w.untouched()
}

// The exit of a service that ends while the keepers execute another program is known.
func TestExitDuringUpgrade(t *testing.T) {
	t.Parallel()
	w := newInstalled(t)
	w.must("add", "--restart", "no", "short", "--", "sh", "-c", "trap 'exit 33' USR1; while :; do sleep 0.01; done")
	for range 3 {
		w.must("start", "short")
		stat, err := process.ReadStat(w.pid("short"))
		must(t, err)
		w.replace()
		must(t, fault.Arm(w.faults, fault.InnerUpgrading, "STOP")) // the outer one has it go on
		must(t, process.Signal(stat.Identity, "USR1"))
		w.must("upgrade")
		w.until("its end is known", func() bool { return w.shown("short", "state") == "failed" })
		if out, _ := w.tend("status", "short"); !strings.Contains(out, "status 33") {
			t.Errorf("its exit is not known: %s", out)
		}
	}
}

// Whoever tells the outer keeper to leave, just as it executes another program, is heard.
func TestLeaveDuringUpgrade(t *testing.T) {
	t.Parallel()
	w := newInstalled(t)
	for range 3 {
		outer := w.serving()["outer keeper"]
		w.replace()
		must(t, fault.Arm(w.faults, fault.OuterUpgrading, "STOP"))
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.tend("upgrade") // which has it go on
		}()
		w.until("the outer keeper is stopped", func() bool {
			stat, err := process.ReadStat(outer)
			return err == nil && stat.Stopped()
		})
		must(t, syscall.Kill(outer, syscall.SIGTERM))
		w.until("it has left", func() bool {
			stat, err := process.ReadStat(outer)
			return err != nil || stat.Dead()
		})
		<-done
		w.must("start", "web") // it is still wanted: any command brings it back
	}
}

// A command of a newer program changes the schema under a chain of the older one, which could not be replaced from then on.
func TestNewSchemaHasTheChainFollow(t *testing.T) {
	testenv.Need(t, "sqlite3")
	t.Parallel()
	w := newInstalled(t)
	w.replace()
	out, err := exec.Command("sqlite3", w.database(), ".timeout 5000",
		"BEGIN; ALTER TABLE run DROP COLUMN ended_after; ALTER TABLE event DROP COLUMN supervision; PRAGMA user_version = 1; COMMIT").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	w.must("history", "web")
	w.runsThis()
	w.untouched()
}
