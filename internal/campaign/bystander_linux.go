package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"tend"
	"tend/process"
)

// bystanderVariable names, in the environment of a bystander, the file that it writes each signal into.
const bystanderVariable = "CAMPAIGN_BYSTANDER"

// beBystander notes every signal that there is, for ever. SIGURG is what the Go runtime sends itself.
func beBystander(file string) int {
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	if appendLine(file, "here") != nil {
		return 1
	}
	for s := range signals {
		if s != syscall.SIGURG {
			_ = appendLine(file, "got %v", s)
		}
	}
	return 0
}

// bystander is a process that nobody has anything to do with.
type bystander struct {
	cmd  *exec.Cmd
	file string
	id   tend.Identity
}

// startBystanders starts some that look like nothing of ours, and some that look like processes of tend or services.
func startBystanders(program, dir, runtime string) ([]*bystander, error) {
	var all []*bystander
	for i, look := range [][]string{
		{"bystander"}, {"tend", "keep", runtime}, {"tend", "keep", "--inner", runtime}, {"tend", "supervise", runtime},
		{program, roleService, "silent", dir}, {program, roleService, "tree", dir},
	} {
		b := &bystander{file: filepath.Join(dir, fmt.Sprintf("bystander-%d", i))}
		b.cmd = &exec.Cmd{Path: program, Args: look, Dir: "/", SysProcAttr: &syscall.SysProcAttr{Setsid: i%2 == 0}}
		b.cmd.Env = []string{bystanderVariable + "=" + b.file, "TEND_SERVICE=silent-0", "TEND_RUN=NOBODYSRUN" + fmt.Sprint(i)}
		if err := b.cmd.Start(); err != nil {
			return all, fmt.Errorf("starting a bystander: %w", err)
		}
		all = append(all, b)
		stat, err := process.ReadStat(b.cmd.Process.Pid)
		if err != nil {
			return all, fmt.Errorf("starting a bystander: %w", err)
		}
		b.id = stat.Identity
	}
	return all, nil
}

// suffered says what has happened to it, "" for nothing.
func (b *bystander) suffered() string {
	text, _ := os.ReadFile(b.file)
	if got, found := strings.CutPrefix(string(text), "here\n"); found && got != "" {
		return strings.TrimSpace(got)
	}
	switch stat, err := process.ReadStat(b.id.PID); {
	case err != nil || stat.Identity != b.id || stat.Dead():
		return "is dead"
	case stat.Stopped():
		return "is stopped"
	}
	return ""
}

// end ends it.
func (b *bystander) end() {
	_ = b.cmd.Process.Signal(unix.SIGKILL)
	_ = b.cmd.Wait()
}
