package main

import (
	"bufio"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// What tend is measured against: a loop that starts the same program and does nothing else. It is C where there is a C
// compiler, and else this program itself, which is a little slower.

//go:embed limit/spawn.c
var spawnSource []byte

// limit returns the command line of the loop, N PROGRAM ARGUMENT to follow, and its name.
func limit(dir string) (command []string, name string) {
	source, program := filepath.Join(dir, "spawn.c"), filepath.Join(dir, "spawn")
	if err := os.WriteFile(source, spawnSource, 0o600); err == nil {
		if err := exec.Command("gcc", "-O2", "-o", program, source).Run(); err == nil {
			return []string{program}, "posix_spawn loop (C)"
		}
	}
	self, err := os.Executable()
	check(err)
	return []string{self, "-limit"}, "fork and exec loop (Go)"
}

// runLimit runs the loop once and returns how long it took to start n copies and to end them again.
func runLimit(command []string, n int, argument string) (start, end time.Duration) {
	words := append(append([]string{}, command...), strconv.Itoa(n), sleep, argument)
	goOn, hold, err := os.Pipe()
	check(err)
	results, report, err := os.Pipe()
	check(err)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.ExtraFiles = []*os.File{goOn, report}
	check(cmd.Start())
	goOn.Close()
	report.Close()

	lines := bufio.NewScanner(results)
	start = nextDuration(lines)
	hold.Close()
	end = nextDuration(lines)
	check(cmd.Wait())
	results.Close()
	return start, end
}

func nextDuration(lines *bufio.Scanner) time.Duration {
	if !lines.Scan() {
		check(fmt.Errorf("the limit said nothing: %v", lines.Err()))
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(lines.Text()), 10, 64)
	check(err)
	return time.Duration(ns)
}

// beLimit is spawn.c where there is no C compiler.
func beLimit(args []string) {
	n, err := strconv.Atoi(args[0])
	check(err)
	syscall.CloseOnExec(3)
	syscall.CloseOnExec(4)
	pids := make([]int, n)
	attributes := &syscall.ProcAttr{Files: []uintptr{0, 1, 2}, Env: os.Environ()}
	report := os.NewFile(4, "report")

	begun := time.Now()
	for i := range pids {
		pids[i], err = syscall.ForkExec(args[1], args[1:], attributes)
		check(err)
	}
	fmt.Fprintln(report, time.Since(begun).Nanoseconds())

	_, _ = os.NewFile(3, "go on").Read(make([]byte, 1))
	begun = time.Now()
	for _, pid := range pids {
		check(syscall.Kill(pid, syscall.SIGTERM))
	}
	for _, pid := range pids {
		_, err := syscall.Wait4(pid, nil, 0, nil)
		check(err)
	}
	fmt.Fprintln(report, time.Since(begun).Nanoseconds())
}
