package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tend"
	"tend/process"
)

// patient is how long anything may take before a test gives up, on a machine that is busy with something else.
const patient = time.Minute

// eventually waits for something outside our control, about which no event tells.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patient); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// identify returns who the pid is now.
func identify(t testing.TB, pid int) tend.Identity {
	t.Helper()
	stat, err := process.ReadStat(pid)
	if err != nil {
		t.Fatalf("process %d: %v", pid, err)
	}
	return stat.Identity
}

// kill ends one process, if it is still the same.
func kill(id tend.Identity) { _ = process.Signal(id, "KILL") }

// awaitEnd waits for the end of a process, whoever's child it is.
func awaitEnd(t testing.TB, id tend.Identity) {
	t.Helper()
	fd, err := unix.PidfdOpen(id.PID, 0)
	if err != nil || !process.Alive(id) {
		unix.Close(fd)
		return
	}
	defer unix.Close(fd)
	for deadline := time.Now().Add(patient); ; {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(max(0, time.Until(deadline)).Milliseconds()))
		if n > 0 {
			return
		}
		if err != unix.EINTR {
			t.Fatalf("process %d does not end", id.PID)
		}
	}
}

// seen is a living process.
type seen struct {
	process.Stat
	words []string
}

func (s seen) String() string {
	return fmt.Sprintf("process %d (parent %d, session %d, %s) %s", s.PID, s.PPID, s.Session, s.Command, strings.Join(s.words, " "))
}

// living lists all processes but zombies.
func living() []seen {
	var all []seen
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		pid, _ := strconv.Atoi(filepath.Base(folder))
		if stat, err := process.ReadStat(pid); err == nil && !stat.Dead() {
			words, _ := process.CommandLine(pid)
			all = append(all, seen{stat, words})
		}
	}
	return all
}

// below lists the living processes that descend from the pid.
func below(pid int) []seen {
	line := map[int]bool{pid: true}
	var found []seen
	for all, grown := living(), true; grown; {
		grown = false
		for _, p := range all {
			if line[p.PPID] && !line[p.PID] {
				line[p.PID], grown = true, true
				found = append(found, p)
			}
		}
	}
	return found
}

// of reads one value of a file like /proc/PID/status: the words after "NAME:".
func of(t testing.TB, pid int, file, name string) []string {
	t.Helper()
	for line := range strings.Lines(read(t, fmt.Sprintf("/proc/%d/%s", pid, file))) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.Fields(strings.TrimPrefix(rest, ":"))
		}
	}
	t.Fatalf("no %s in %s of process %d", name, file, pid)
	return nil
}

// descriptors lists the descriptors of a process.
func descriptors(t testing.TB, pid int) []string {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	var fds []string
	for _, e := range entries {
		fds = append(fds, e.Name())
	}
	slices.Sort(fds)
	return fds
}

// link reads a link of a process: cwd, exe, fd/1.
func link(t testing.TB, pid int, name string) string {
	t.Helper()
	target, err := os.Readlink(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t testing.TB, path, text string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// wordsOf returns the command line of a process.
func wordsOf(t testing.TB, id tend.Identity) []string {
	t.Helper()
	words, err := process.CommandLine(id.PID)
	if err != nil {
		t.Fatal(err)
	}
	return words
}
