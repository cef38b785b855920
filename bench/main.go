// Bench measures tend against what the machine itself can do, in one run, so that the ratios hold on a slow machine as
// well. See README.md in this folder.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
)

// size says how much is measured.
type size struct {
	many, few int // services
	rounds    int // of starting and stopping many
	runs      int // of each command
	idle      int // seconds
	crashes   int
	kills     int   // of the supervisor
	output    int64 // bytes
}

func main() {
	quick := flag.Bool("quick", false, "a tenth of everything, to see that it works")
	program := flag.String("tend", "", "the `program` to measure; default: ./cmd/tend, built for the purpose")
	asWriter := flag.Bool("write", false, "for the use of this program itself")
	asLimit := flag.Bool("limit", false, "for the use of this program itself")
	flag.Parse()
	if *asLimit {
		beLimit(flag.Args())
		return
	}
	if *asWriter {
		beWriter(flag.Args())
		return
	}
	if runtime.GOOS != "linux" {
		check(fmt.Errorf("this reads /proc as Linux has it"))
	}
	s := size{many: 1000, few: 100, rounds: 3, runs: 30, idle: 10, crashes: 50, kills: 200, output: 1e9}
	if *quick {
		s = size{many: 100, few: 10, rounds: 1, runs: 10, idle: 2, crashes: 5, kills: 5, output: 1e8}
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		check(fmt.Errorf("interrupted"))
	}()

	dir, err := os.MkdirTemp("", "tend-bench-")
	check(err)
	atEnd(func() { _ = os.RemoveAll(dir) })
	defer end()
	built := filepath.Join(dir, "tend")
	if *program == "" {
		build(built, "./cmd/tend")
	} else {
		check(exec.Command("cp", *program, built).Run()) // under a name that only our processes have
	}
	measure(dir, built, s)
}

func measure(dir, program string, s size) {
	t := newTable()
	written := newHome(program, 3)
	atEnd(written.leave)
	output(t, written, s)

	many := newHome(program, 1)
	atEnd(many.leave)
	progress("adding %d services", s.many)
	many.fill(s.many)
	startAndStop(t, many, dir, s)
	commands(t, many, dir, s)
	footprint(t, many, s.many, s)
	takeBack(t, many, s.many, s.kills/4)
	many.tend("stop", "--all")
	many.idle()

	few := newHome(program, 2)
	atEnd(few.leave)
	few.fill(s.few)
	few.tend("start", "--all")
	footprint(t, few, s.few, s)
	takeBack(t, few, s.few, s.kills)
	crash(t, few, s)
	few.tend("stop", "--all")
	few.idle()

	checked := newHome(program, 4)
	atEnd(checked.leave)
	health(t, checked, s.many, s)
	t.print()
}

func build(to, what string) {
	progress("building %s", what)
	cmd := exec.Command("go", "build", "-o", to, what)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	check(cmd.Run())
}

// ends is what must be done at the end, however that comes; the last first.
var ends struct {
	sync.Mutex
	list []func()
}

func atEnd(do func()) {
	ends.Lock()
	defer ends.Unlock()
	ends.list = append(ends.list, do)
}

func end() {
	ends.Lock() // who comes second, after Ctrl-C for instance, waits and finds nothing to do
	defer ends.Unlock()
	for len(ends.list) > 0 {
		last := ends.list[len(ends.list)-1]
		ends.list = ends.list[:len(ends.list)-1]
		last()
	}
}

// check ends the whole measurement if something went wrong.
func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		end()
		os.Exit(1)
	}
}

func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+" …\n", args...) }
