package cli

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"tend/process"
)

// together runs the command lines at the same time, and returns their exit statuses, sorted, and all that they said.
func (w *world) together(lines ...[]string) (statuses []string, said string) {
	w.t.Helper()
	var all sync.WaitGroup
	outs, codes := make([]string, len(lines)), make([]string, len(lines))
	for i, args := range lines {
		all.Go(func() { outs[i], codes[i] = w.tend(args...) })
	}
	all.Wait()
	slices.Sort(codes)
	return codes, strings.Join(outs, "")
}

func times(n int, args ...string) [][]string { return slices.Repeat([][]string{args}, n) }

// processesOf counts the live processes that run the program.
func processesOf(t *testing.T, program string) int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	must(t, err)
	found := 0
	for _, line := range lines {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(line)))
		words, err := process.CommandLine(pid)
		if err == nil && len(words) > 1 && slices.Contains(words, program) && words[0] == "sleep" {
			found++
		}
	}
	return found
}

// TestTwoCommandsAtOnce: what several people ask of the same service at the same time is done once, or said to be in
// conflict, and what is reported is what is.
func TestTwoCommandsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const marker = "98712.25" // seconds, which no other test sleeps

	codes, said := w.together(times(6, "add", "web", "sleep "+marker)...)
	if !slices.Equal(codes, []string{"0", "5", "5", "5", "5", "5"}) {
		t.Errorf("add: %v\n%s", codes, said)
	}
	codes, said = w.together(times(6, "start", "web")...)
	if slices.Max(codes) != "0" || processesOf(t, marker) != 1 {
		t.Errorf("start: %v, %d processes\n%s", codes, processesOf(t, marker), said)
	}
	codes, said = w.together(times(6, "restart", "web")...)
	if slices.Max(codes) != "0" || processesOf(t, marker) != 1 {
		t.Errorf("restart: %v, %d processes\n%s", codes, processesOf(t, marker), said)
	}
	codes, said = w.together(times(6, "stop", "web")...)
	if slices.Max(codes) != "0" || processesOf(t, marker) != 0 {
		t.Errorf("stop: %v, %d processes\n%s", codes, processesOf(t, marker), said)
	}
	for range 3 {
		_, said = w.together([]string{"start", "web"}, []string{"stop", "web"}, []string{"start", "web"}, []string{"restart", "web"})
		list := w.must("list", "--columns", "state")
		if n := processesOf(t, marker); list != map[int]string{0: "STATE\nstopped\n", 1: "STATE\nrunning\n"}[n] {
			t.Errorf("start, stop and restart: %d processes, and %s\n%s", n, list, said)
		}
	}
	codes, said = w.together(times(4, "remove", "--stop", "web")...)
	if codes[0] != "0" || slices.Contains(codes, "1") || processesOf(t, marker) != 0 {
		t.Errorf("remove: %v, %d processes\n%s", codes, processesOf(t, marker), said)
	}
	if list := w.must("list"); list != "No processes\n" {
		t.Error(list)
	}
}
