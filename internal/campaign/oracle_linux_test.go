package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tend/process"
)

// broken is a campaign without tend, for what can be checked of processes alone.
func broken(t *testing.T) (c *campaign, said func() string) {
	t.Helper()
	dir := t.TempDir()
	if err := makeServiceDirectory(dir); err != nil {
		t.Fatal(err)
	}
	c = &campaign{world: &world{servicesDir: dir}, report: newReport(plan{})}
	return c, func() string {
		c.quickCheck()
		all := strings.Join(c.report.Violations, "\n")
		c.report.Violations = nil
		return all
	}
}

// eventually waits for what another process does.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestASignalToABystanderIsSeen(t *testing.T) {
	c, said := broken(t)
	var err error
	if c.bystanders, err = startBystanders("/proc/self/exe", c.servicesDir, c.servicesDir); err != nil {
		t.Fatal(err)
	}
	defer func() {
		for _, b := range c.bystanders {
			b.end()
		}
	}()
	for _, b := range c.bystanders {
		eventually(t, "a bystander is there", func() bool { _, err := os.Stat(b.file); return err == nil })
	}
	if got := said(); got != "" {
		t.Fatalf("nothing has happened: %s", got)
	}
	for i, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGCONT, syscall.SIGUSR1, syscall.SIGHUP} {
		c.bystanders[i].cmd.Process.Signal(s)
		eventually(t, s.String()+" is seen", func() bool { return strings.Contains(said(), s.String()) })
	}
	c.bystanders[4].cmd.Process.Signal(syscall.SIGKILL)
	eventually(t, "a death is seen", func() bool { return strings.Contains(said(), "is dead") })
	c.bystanders[5].cmd.Process.Signal(syscall.SIGSTOP)
	eventually(t, "a stop is seen", func() bool { return strings.Contains(said(), "is stopped") })
}

// runOf starts a run of a service, which ends with the test.
func runOf(t *testing.T, c *campaign, kind, run string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", roleService, kind, c.servicesDir)
	cmd.Env = append(os.Environ(), "TEND_SERVICE=one", "TEND_RUN="+run)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

func TestASecondCopyIsSeen(t *testing.T) {
	c, said := broken(t)
	first := runOf(t, c, "silent", "FIRST")
	eventually(t, "the first has its lock", func() bool { run, _, _ := holder(c.servicesDir, "one"); return run == "FIRST" })
	if got := said(); got != "" {
		t.Fatalf("there is one copy: %s", got)
	}
	if runOf(t, c, "silent", "SECOND").Wait(); !strings.Contains(said(), `two copies: the lock is held by a process of the run "FIRST`) {
		t.Error("the second copy is not seen")
	}
	first.Process.Kill()
	first.Wait()
	if runOf(t, c, "silent", "FIRST").Wait(); !strings.Contains(said(), "begun twice") {
		t.Error("that a run is begun twice is not seen")
	}
}

// What a tree leaves behind holds the lock, so that neither a stop nor the next run goes by it.
func TestTheRestOfATreeIsSeen(t *testing.T) {
	c, said := broken(t)
	main := runOf(t, c, "tree", "FIRST")
	eventually(t, "the tree is there", func() bool {
		grown := 0
		for _, stat := range processesOf(exe(t)) {
			if words, _ := process.CommandLine(stat.PID); len(words) == 2 && words[1] == roleLeaf {
				grown++
			}
		}
		return grown == 3
	})
	defer func() {
		for _, stat := range processesOf(exe(t)) {
			if words, _ := process.CommandLine(stat.PID); len(words) == 2 && words[1] == roleLeaf {
				_ = process.Signal(stat.Identity, "KILL")
			}
		}
	}()
	main.Process.Kill()
	main.Wait()
	s := newService("one", kindNamed("tree"))
	c.nobodyLeft(s, result{})
	if got := said(); !strings.Contains(got, "its lock is held") {
		t.Errorf("what is left is not seen: %s", got)
	}
	if runOf(t, c, "tree", "SECOND").Wait(); !strings.Contains(said(), "two copies") {
		t.Error("a run beside it is not seen")
	}
}

func exe(t *testing.T) string {
	t.Helper()
	path, err := filepath.EvalSymlinks("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestADeathIsSeen(t *testing.T) {
	c, said := broken(t)
	cmd := runOf(t, c, "silent", "FIRST")
	eventually(t, "it has its lock", func() bool { run, _, _ := holder(c.servicesDir, "one"); return run == "FIRST" })
	s := newService("one", kindNamed("silent"))
	run, id, _ := holder(c.servicesDir, "one")
	s.steady.Store(&steady{run, id})
	c.services = []*service{s}
	if got := said(); got != "" {
		t.Fatalf("it lives: %s", got)
	}
	cmd.Process.Kill()
	cmd.Wait()
	if got := said(); !strings.Contains(got, "nobody wanted that") {
		t.Errorf("its death is not seen: %q", got)
	}
}

// A record that is damaged is no record of anything.
func TestReadRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "web.RUN")
	for text, ok := range map[string]bool{
		"begin 7 8 9\ntold 10\nsignal TERM 11\n": true, "begin 7 8 9\nexit 3 10\n": true, "": true,
		"begin 7 8\n": false, "exit\n": false, "begin 7 8 9\nnonsense\n": false,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := readRecord(path)
		if (err == nil) != ok {
			t.Errorf("%q: %+v, %v", text, r, err)
		}
	}
}
