package task

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"tend"
	"tend/process"
)

func TestACommandGetsWhatItIsGivenAndWhatItWritesComesBack(t *testing.T) {
	w := newWorld(t)
	c := w.command(`read word; echo "$word $PWD $(umask) $SHOP"; echo error >&2; exit 3`)
	c.Env = append(c.Env, "SHOP=books")
	c.Stdin = []byte("hello\n")
	r := w.run(c)
	if want := "hello " + w.dir + " 0077 books\nerror\n"; r.Output != want || r.Exit != (tend.Exit{Code: 3}) || r.OK() {
		t.Errorf("%+v, want the output %q", r, want)
	}
	if r.String() != "exited with status 3: error" {
		t.Errorf("in words: %s", r)
	}
	if left := w.record(); left != "" {
		t.Errorf("the record is not empty: %q", left)
	}
}

func TestACommandIsNoneOfTheServicesProcesses(t *testing.T) {
	w := newWorld(t)
	if r := w.run(w.command(`echo "$TEND_RUN"`)); strings.Contains(r.Output, "of-the-service") || len(r.Output) < 20 {
		t.Errorf("its TEND_RUN is %q", r.Output)
	}
}

func TestOfWhatACommandWritesTheEndIsKept(t *testing.T) {
	w := newWorld(t)
	c := w.command(`i=0; while [ $i -lt 5000 ]; do echo "line $i"; i=$((i+1)); done`)
	c.Keep = 100
	if r := w.run(c); len(r.Output) != 100 || !strings.HasSuffix(r.Output, "line 4999\n") || !r.OK() {
		t.Errorf("%d bytes: %+v", len(r.Output), r)
	}
}

func TestWhoDoesNotReadItsStdinIsNotWaitedFor(t *testing.T) {
	w := newWorld(t)
	c := w.command("exit 0")
	c.Stdin = make([]byte, 1<<20)
	if r := w.run(c); !r.OK() {
		t.Errorf("%+v", r)
	}
}

func TestWhatGoesToTheBackgroundIsNotWaitedFor(t *testing.T) {
	w := newWorld(t)
	r := w.run(w.command("sleep 1000 & echo $! > background; echo done"))
	if left := w.pid("background"); !r.OK() || r.Output != "done\n" || !process.Alive(left) {
		t.Errorf("%+v", r)
	}
}

// hides is a command of which one process leaves the session and its parent.
const hides = `python3 -c '
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open("new", "w").write("%d\n" % os.getpid())
        os.rename("new", "hidden")
        time.sleep(1000)
    os._exit(0)
os.wait()
'; echo waits; sleep 1000`

func TestACommandThatTakesTooLongIsEndedWithAllItsTree(t *testing.T) {
	w := newWorld(t)
	c := w.command(hides)
	c.Timeout = 5 * time.Second // for a machine that is busy
	r := w.run(c)
	if r.TimedOut != c.Timeout || r.OK() || r.Exit.Signal != "KILL" {
		t.Errorf("%+v", r)
	}
	if r.String() != "did not end within 5s: waits" {
		t.Errorf("in words: %s", r)
	}
	w.gone(w.pidOrGone("hidden"))
}

// pidOrGone is pid for one that may have ended.
func (w *world) pidOrGone(file string) tend.Identity {
	w.Helper()
	if _, err := os.ReadFile(w.dir + "/" + file); err != nil {
		w.Fatal("it never hid: ", err)
	}
	return w.pid(file)
}

func TestACommandMayBeAskedToEndFirst(t *testing.T) {
	w := newWorld(t)
	c := w.command(`trap 'echo asked; exit 4' TERM; echo ready > ready; while :; do sleep 0.05; done`)
	c.Timeout, c.Grace = 300*time.Millisecond, 20*time.Second
	if r := w.run(c); r.TimedOut == 0 || !strings.Contains(r.Output, "asked") || r.Exit.Code != 4 {
		t.Errorf("%+v", r)
	}
}

func TestACommandThatNobodyWantsAnyMoreIsEnded(t *testing.T) {
	w := newWorld(t)
	why := errors.New("not wanted")
	ctx, cancel := context.WithCancelCause(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := w.runner.Run(ctx, w.command("echo $$ > main; sleep 1000; true")); err != why {
			t.Error(err)
		}
	})
	id := w.pid("main")
	cancel(why)
	all.Wait()
	w.gone(id)
	if left := w.record(); left != "" {
		t.Errorf("the record is not empty: %q", left)
	}
}

func TestARunnerThatIsClosedLeavesNothing(t *testing.T) {
	w := newWorld(t)
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := w.runner.Run(context.Background(), w.command(hides)); err != ErrClosed {
			t.Error(err)
		}
	})
	id := w.pid("hidden")
	w.runner.Close()
	all.Wait()
	if _, err := w.runner.Run(context.Background(), w.command("true")); err != ErrClosed {
		t.Error(err)
	}
	next := w.newRunner()
	defer next.Close()
	w.gone(id)
	w.eventually("the record is empty", func() bool { return w.record() == "" })
}

func TestWhatAKilledProcessHasLeftTheNextOneEnds(t *testing.T) {
	w := newWorld(t)
	supervisor := exec.Command("/proc/self/exe", "run", w.dir, hides)
	w.check(supervisor.Start())
	id := w.pid("hidden")
	w.check(supervisor.Process.Kill())
	_ = supervisor.Wait()
	if !process.Alive(id) {
		t.Fatal("it was to outlive who started it")
	}
	next := w.newRunner()
	defer next.Close()
	w.gone(id)
	w.eventually("the record is empty", func() bool { return w.record() == "" })
}

func TestTheRecordDoesNotGrow(t *testing.T) {
	w := newWorld(t)
	r, _ := openRecord(w.dir + "/tasks")
	r.add("one that goes on")
	for range 10 * mostLines {
		id := newID()
		r.add(id)
		r.remove(id)
	}
	if text := w.record(); !strings.Contains(text, "one that goes on\n") || len(text) > 2*mostLines*len(newID()) {
		t.Errorf("%d bytes", len(text))
	}
}

func TestWhatCannotBeStartedSaysWhy(t *testing.T) {
	w := newWorld(t)
	c := w.command("true")
	c.Dir = w.dir + "/nowhere"
	if _, err := w.runner.Run(context.Background(), c); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Error(err)
	}
}
