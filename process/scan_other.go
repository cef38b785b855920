//go:build !linux

package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tend"
)

// What Linux says in /proc, ps(1) says here: a start time in seconds, no wait status, no environment. A second is long
// enough for a pid to be given away again only on a machine that starts tens of thousands of processes in it.

// ReadStat reads what is known of the process. The error is ErrGone when there is none.
func ReadStat(pid int) (Stat, error) {
	all, err := ps("-p", strconv.Itoa(pid))
	if err != nil {
		return Stat{}, fmt.Errorf("reading process %d: %w", pid, err)
	}
	if len(all) != 1 {
		return Stat{}, fmt.Errorf("reading process %d: %w", pid, ErrGone)
	}
	return all[0], nil
}

// Scan looks at every process, once.
func Scan() (Snapshot, error) {
	all, err := ps("-ax")
	if err != nil {
		return Snapshot{}, fmt.Errorf("looking at all processes: %w", err)
	}
	return newSnapshot(all), nil
}

// All returns every process.
func All() ([]Stat, error) { return ps("-ax") }

// ps runs ps with the selection.
func ps(selection ...string) ([]Stat, error) {
	cmd := exec.Command("ps", append(selection, "-o", "pid=", "-o", "ppid=", "-o", "state=", "-o", "lstart=", "-o", "comm=")...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !(errors.As(err, &exit) && len(out) == 0) { // 1: nothing selected
		return nil, fmt.Errorf("running ps: %w", err)
	}
	var all []Stat
	for line := range strings.Lines(string(out)) {
		if stat, ok := parsePS(line); ok {
			all = append(all, stat)
		}
	}
	return all, nil
}

// parsePS reads a line: 123 1 Ss Mon Jan  2 15:04:05 2006 /bin/sleep.
func parsePS(line string) (Stat, bool) {
	words := strings.Fields(line)
	if len(words) < 9 {
		return Stat{}, false
	}
	pid, _ := strconv.Atoi(words[0])
	ppid, _ := strconv.Atoi(words[1])
	start, err := time.Parse("Jan 2 15:04:05 2006", strings.Join(words[4:8], " "))
	if err != nil {
		return Stat{}, false
	}
	session, _ := unix.Getsid(pid)
	return Stat{
		Identity: tend.Identity{PID: pid, Start: uint64(start.Unix())}, PPID: ppid, Session: session,
		State: words[2][0], Threads: 1, Command: strings.Join(words[8:], " "),
	}, true
}

// isProcess: ps knows no threads by their own ids.
func isProcess(int) bool { return true }

// readRunID: the environment of others is not for us to read.
func readRunID(int) string { return "" }

// Children returns the pids of the children of the process, zombies among them.
func Children(pid int) ([]int, error) {
	all, err := ps("-ax")
	if err != nil {
		return nil, fmt.Errorf("looking for the children of process %d: %w", pid, err)
	}
	var found []int
	for _, stat := range all {
		if stat.PPID == pid {
			found = append(found, stat.PID)
		}
	}
	return found, nil
}

// Owner cannot be had.
func Owner(int) (int, error) { return 0, errors.ErrUnsupported }

// Descendants are not listed anywhere.
func Descendants(tend.Identity) []tend.Identity { return nil }

// Environ cannot be had.
func Environ(int) ([]string, error) { return nil, errors.ErrUnsupported }

// CommandLine returns the arguments of the process, cut at blanks: ps does not tell those within one from those between.
func CommandLine(pid int) ([]string, error) {
	out, err := exec.Command("ps", "-p", strconv.Itoa(pid), "-o", "args=").Output()
	if err != nil {
		return nil, fmt.Errorf("reading the command line of process %d: %w", pid, ErrGone)
	}
	return strings.Fields(string(out)), nil
}

// WorkingDirectory cannot be had.
func WorkingDirectory(int) (string, error) { return "", errors.ErrUnsupported }
