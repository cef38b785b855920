package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A way of keeping a log, and what it cost.
type way struct {
	name      string
	options   []string
	wanted    float64 // times a plain file
	took, cpu []time.Duration
}

// output measures what it costs a service to write much, by the way in which its log is kept, against writing to a plain
// file, in turn, and what tend itself does meanwhile. Then it reads the end of such a log.
func output(t *table, h *home, s size) {
	self, err := os.Executable()
	check(err)
	h.fill(1)
	h.tend("start", name(0)) // the chain is there and stays
	ways := []*way{
		{name: "rotated every 64 MiB", options: []string{"--log-max", "64MiB"}, wanted: 1.3},
		{name: "with times", options: []string{"--log-max", "never", "--log-format", "time"}, wanted: 2.5},
		{name: "not rotated", options: []string{"--log-max", "never"}, wanted: 1.05},
	}
	var plain []time.Duration
	for round := range s.rounds {
		progress("writing %d MB in %d ways, round %d of %d", s.output/1e6, len(ways)+1, round+1, s.rounds)
		plain = append(plain, h.writePlain(self, s.output))
		for _, w := range ways {
			h.unwritten()
			h.write(w, self, s.output)
		}
	}
	for _, w := range ways {
		what := fmt.Sprintf("%d MB of output, %s", s.output/1e6, w.name)
		t.compare(what, median(w.took), median(plain), "plain file", w.wanted)
		t.add("… CPU of tend meanwhile", ms(median(w.cpu)), "", "")
	}

	var ours, nothing []time.Duration
	for run := range s.runs + 2 {
		a, b := lasts(h.command("logs", "-n", "100", writer)), lasts(h.command("--version"))
		if run >= 2 {
			ours, nothing = append(ours, a), append(nothing, b)
		}
	}
	t.add(fmt.Sprintf("tend logs -n 100, of %d MB", s.output/1e6), ms(median(ours)), "tend --version: "+ms(median(nothing)),
		fmt.Sprintf("%s more (wanted: at most 10 ms)", ms(median(ours)-median(nothing))))
	h.tend("remove", writer)
	h.unwritten()
	h.tend("stop", name(0))
	h.idle()
}

const writer = "writer"

// write has a service write, and takes down how long it took by its own account.
func (h *home) write(w *way, self string, n int64) {
	if len(w.took) > 0 || len(h.services()) == 0 {
		_ = h.command("remove", writer).Run() // of the last way
	}
	report := filepath.Join(h.dir, "report")
	before := count(h.chain(), cpu)
	h.tend(append(append([]string{"run", "--restart", "no"}, w.options...), writer, "--", self, "-write", strconv.FormatInt(n, 10), report)...)
	w.took = append(w.took, awaitReport(report))
	h.tend("stop", writer)
	w.cpu = append(w.cpu, time.Duration(count(h.chain(), cpu)-before))
}

// writePlain has a process write to a file that was opened as a service's is.
func (h *home) writePlain(self string, n int64) time.Duration {
	path, report := filepath.Join(h.dir, "plain"), filepath.Join(h.dir, "report")
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	check(err)
	defer os.Remove(path)
	defer file.Close()
	cmd := exec.Command(self, "-write", strconv.FormatInt(n, 10), report)
	cmd.Stdout = file
	check(cmd.Run())
	return awaitReport(report)
}

// unwritten removes what was written before, and has the disk finish with it, so that nobody pays for another's bytes.
func (h *home) unwritten() {
	logs, err := filepath.Glob(filepath.Join(h.dir, "server.sqlite-logs", writer+".log*"))
	check(err)
	for _, path := range logs {
		check(os.Remove(path))
	}
	syscall.Sync()
}

// awaitReport waits for what a writer says of how long it took.
func awaitReport(path string) time.Duration {
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(path); err == nil {
			check(os.Remove(path))
			ns, err := strconv.ParseInt(string(text), 10, 64)
			check(err)
			return time.Duration(ns)
		}
	}
	check(fmt.Errorf("no report of the writer in 5 minutes"))
	return 0
}

// beWriter writes so many bytes of lines to its standard output, 64 KiB at a time, and reports how long it took.
func beWriter(args []string) {
	left, err := strconv.Atoi(args[0])
	check(err)
	const chunk = 64 << 10
	lines := []byte(strings.Repeat(strings.Repeat("0123456789", 10)[1:]+"\n", chunk/100+1))[:chunk]
	begun := time.Now()
	for left > 0 {
		n, err := os.Stdout.Write(lines[:min(left, chunk)])
		check(err)
		left -= n
	}
	took := time.Since(begun)
	temporary := args[1] + ".new"
	check(os.WriteFile(temporary, []byte(strconv.FormatInt(took.Nanoseconds(), 10)), 0o600))
	check(os.Rename(temporary, args[1]))
}
