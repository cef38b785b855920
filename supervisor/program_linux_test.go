package supervisor_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// secondCopy is the exit status of a program that finds another copy of itself alive.
const secondCopy = 99

// program is what the tests have supervised. It holds a lock for as long as it lives, which shows second copies, and
// writes its pid into the file lives, so that the test knows every life there was. SIGTERM is counted in the file terms,
// SIGUSR1 makes it exit as -code says.
func program(args []string) int {
	f := flag.NewFlagSet("program", flag.ContinueOnError)
	dir := f.String("dir", "", "where its files are")
	lines := f.Duration("lines", 0, "write a numbered line that often")
	stubborn := f.Bool("stubborn", false, "do not end on SIGTERM")
	code := f.Int("code", 0, "exit status on SIGUSR1, or at once with -fail")
	fail := f.Bool("fail", false, "say so and exit at once")
	memory := f.Int("memory", 0, "bytes of memory to take, at once or on SIGUSR2 with -late")
	late := f.Bool("late", false, "see -memory")
	below := f.Int("below", 0, "that many children take -memory each, in its place")
	copy := f.Bool("copy", false, "there are several, with a directory for each")
	if f.Parse(args) != nil {
		return 2
	}
	if *copy {
		*dir += "." + os.Getenv("TEND_INSTANCE")
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2)
	lock, err := os.OpenFile(filepath.Join(*dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return 2
	}
	note(*dir, "lives", os.Getpid())
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		note(*dir, "second", os.Getpid())
		return secondCopy
	}
	note(*dir, "ready", os.Getpid())
	if *fail {
		fmt.Printf("one of %d\ntwo of %d\n", os.Getpid(), os.Getpid())
		return *code
	}
	if !*late {
		defer runtime.KeepAlive(take(*memory, *below))
	}
	var tick <-chan time.Time
	if *lines > 0 {
		tick = time.NewTicker(*lines).C
	}
	for n := 0; ; {
		select {
		case s := <-signals:
			if s == syscall.SIGUSR1 {
				return *code
			}
			if s == syscall.SIGUSR2 {
				defer runtime.KeepAlive(take(*memory, *below))
				continue
			}
			note(*dir, "terms", os.Getpid())
			if !*stubborn {
				return 0
			}
		case <-tick:
			n++
			os.Stdout.WriteString(fmt.Sprintf("%d %d\n", os.Getpid(), n))
		}
	}
}

// take takes memory, or has children take it.
func take(bytes, below int) (taken []byte) {
	for range below {
		child := exec.Command("/proc/self/exe", "hog", strconv.Itoa(bytes))
		if child.Start() != nil {
			return nil
		}
	}
	if below > 0 {
		return nil
	}
	return slices.Repeat([]byte{1}, bytes)
}

// hog takes memory and stays.
func hog(args []string) int {
	bytes, _ := strconv.Atoi(args[0])
	defer runtime.KeepAlive(take(bytes, 0))
	_ = syscall.Pause()
	return 0
}

// note appends a pid to a file.
func note(dir, file string, pid int) {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		fmt.Fprintln(f, pid)
		f.Close()
	}
}
