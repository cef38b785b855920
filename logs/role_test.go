package logs

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// role names what a process that the tests start is to be, instead of running tests.
const role = "TEND_LOGS_ROLE"

// play does what the environment says. Whatever it is ends when its standard input does: when who started it is gone.
func play(name string, args []string) {
	if name == "hold" {
		playHolder(args)
		return
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	switch name {
	case "write":
		playWriter(args)
	case "rotate":
		playRotator(args)
	case "step":
		playStep(args)
	}
}

// playWriter writes what one writer has to say into a log, and ends.
func playWriter(args []string) {
	kind, id, path := args[0], args[1], args[2]
	bytes, _ := strconv.Atoi(args[3])
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		panic(err)
	}
	records(kind, id, bytes, func(record []byte) {
		for len(record) > 0 {
			n, err := file.Write(record)
			if record = record[n:]; err != nil {
				panic(err)
			}
		}
	})
}

// records calls write with each record of a writer.
func records(kind, id string, size int, write func([]byte)) {
	big := []byte(strings.Repeat("x", 1<<20))
	for seq := 0; size > 0; seq++ {
		var record []byte
		switch kind {
		case "bytes":
			record = []byte{byte(seq % 251)}
		case "same":
			record = []byte("the same line as ever\n")
		case "binary": // much of it NULs, which are not to be taken for holes
			record = make([]byte, 1+seq%9000)
			copy(record, id+strconv.Itoa(seq))
		case "mixed":
			head := fmt.Sprintf("%s %d ", id, seq)
			length := seq * 7919 % 200
			if seq%500 == 499 {
				length = 1<<20 - len(head) - 1
			}
			record = append([]byte(head), big[:length]...)
			record = append(record, '\n')
		}
		write(record)
		size -= len(record)
	}
}

func actingRotator() *Rotator {
	without := strings.Split(os.Getenv("TEND_WITHOUT"), ",")
	return &Rotator{Without: func(m string) bool { return slices.Contains(without, m) }, Log: func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}}
}

// playStep does what a supervisor does with a log, once.
func playStep(args []string) {
	r, path := actingRotator(), args[0]
	most, _ := strconv.ParseInt(args[1], 10, 64)
	limits := Limits{Max: most}
	limits.Keep, _ = strconv.Atoi(args[2])
	err := r.Recover(path)
	if err == nil {
		_, err = r.Rotate(path, limits, time.Now())
	}
	if err == nil {
		_, err = r.Swap(path, limits, time.Now())
	}
	if err == nil {
		err = r.Compress(context.Background(), path)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// playRotator rotates logs until it is killed.
func playRotator(args []string) {
	most, _ := strconv.ParseInt(args[0], 10, 64)
	r := actingRotator()
	logs := args[1:]
	for _, path := range logs {
		if err := r.Recover(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	go func() {
		for {
			for _, path := range logs {
				if err := r.Compress(context.Background(), path); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
			}
			time.Sleep(time.Millisecond)
		}
	}()
	known := map[string]int64{}
	for {
		for _, path := range logs {
			found, err := r.Look(path, known[path])
			if err == nil && (found.Truncated || found.Replaced || found.Missing && found.End > 0) {
				err = fmt.Errorf("%s: found %+v, knew %d", path, found, known[path])
			}
			if err == nil {
				known[path] = found.End
				_, err = r.Rotate(path, Limits{Max: most}, time.Now())
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		time.Sleep(200 * time.Microsecond) // the writers want a processor as well
	}
}

// playHolder has a file open for writing.
func playHolder(args []string) {
	file, err := os.OpenFile(args[0], os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		panic(err)
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = file.Close()
}

// actor is a process that plays a role.
type actor struct {
	*exec.Cmd
	ended  chan struct{}
	errors bytes.Buffer
}

func startActor(t testing.TB, env []string, name string, args ...string) *actor {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	a := &actor{Cmd: exec.Command(self, args...), ended: make(chan struct{})}
	a.Env = append(append(os.Environ(), role+"="+name), env...)
	a.Stderr = &a.errors
	if _, err = a.StdinPipe(); err != nil { // Wait closes it
		t.Fatal(err)
	}
	if err := a.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = a.Wait()
		close(a.ended)
	}()
	t.Cleanup(func() { a.kill() })
	return a
}

// kill kills the actor and reports whether it had lived till then, or died of a SIGKILL that it gave itself.
func (a *actor) kill() bool {
	_ = a.Process.Kill()
	<-a.ended
	status, ok := a.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signal() == syscall.SIGKILL
}
