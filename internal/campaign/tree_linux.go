package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// lockDescriptor is where a process of a tree has the lock of its service.
const lockDescriptor = 3

// grow makes the run a tree: a child, one in a session of its own, and one that is nobody's child by the time that
// this returns. All of them hold the service's lock.
func (r *run) grow() error {
	for _, child := range []struct {
		role    string
		session bool
		ends    bool
	}{
		{roleLeaf, false, false}, {roleLeaf, true, false}, {roleFork, false, true},
	} {
		cmd := r.child(child.role)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: child.session}
		if err := cmd.Start(); err != nil {
			return err
		}
		if child.ends {
			if err := cmd.Wait(); err != nil {
				return err
			}
		}
	}
	return nil
}

// child is this program in another role, with the lock and with the run's output.
func (r *run) child(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = os.Stdout, os.Stderr, []*os.File{r.lock}
	return cmd
}

// beFork starts a leaf that loses its parent.
func beFork() int {
	r := &run{lock: os.NewFile(lockDescriptor, "lock")}
	cmd := r.child(roleLeaf)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if cmd.Start() != nil {
		return 1
	}
	return 0
}

// writers is how many write the lines of a chatty service: half of them are processes of their own.
const writers = 4

// startWriters starts them.
func (r *run) startWriters() error {
	for n := range writers / 2 {
		if err := r.child(roleWriter, r.dir, strconv.Itoa(n)).Start(); err != nil {
			return err
		}
	}
	for n := writers / 2; n < writers; n++ {
		count, err := openCount(r.dir, r.service, r.id)
		if err != nil {
			return err
		}
		go writeLines(r.id, n, count)
	}
	return nil
}

// writeFew writes some lines at once.
func (r *run) writeFew() error {
	count, err := openCount(r.dir, r.service, r.id)
	if err != nil {
		return err
	}
	defer count.Close()
	for seq := 1; seq <= 5 && err == nil; seq++ {
		if _, err = os.Stdout.WriteString(line(r.id, 0, seq)); err == nil {
			_, err = count.WriteAt(counted(seq), 0)
		}
	}
	return err
}

func beWriter(dir, number string) int {
	n, err := strconv.Atoi(number)
	if err != nil {
		return 1
	}
	run := os.Getenv("TEND_RUN")
	count, err := openCount(dir, os.Getenv("TEND_SERVICE"), run)
	if err != nil {
		return 1
	}
	writeLines(run, n, count)
	return 1
}

// openCount opens the file that holds how many lines each writer of the run has written, eight bytes for each.
func openCount(dir, service, run string) (*os.File, error) {
	return os.OpenFile(countPath(dir, service, run), os.O_RDWR|os.O_CREATE, 0o600)
}

// writeLines writes lines for ever, each in one write: mostly one at a time, now and then many in a row. A line is
// counted when it is written, by a write to a file, which SIGKILL does not undo.
func writeLines(run string, writer int, count *os.File) {
	seq := 0
	for {
		in := 1
		if seq%100 == 50 {
			in = 30
		}
		for range in {
			seq++
			if _, err := os.Stdout.WriteString(line(run, writer, seq)); err != nil {
				return
			}
			if _, err := count.WriteAt(counted(seq), int64(writer)*countSize); err != nil {
				return
			}
		}
		time.Sleep(time.Duration(20+(seq*7+writer*13)%30) * time.Millisecond)
	}
}

// line is what a writer writes, of different lengths.
func line(run string, writer, seq int) string {
	return fmt.Sprintf("%s %d %d %.*s\n", run, writer, seq, seq*31%(paddings*len(padding)), strings.Repeat(padding, paddings))
}

// paddings is how often the padding is repeated in the longest lines: a log that is to be rotated every few seconds.
const paddings = 5

const padding = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01234567"
