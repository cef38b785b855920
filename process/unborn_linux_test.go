package process

import (
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tend"
)

// What is half born when its supervisor is killed must not be missed by the next one, which would make it again.
//
// Between clone and execve a child shows our environment, not its own. It has the mark of its run, but not everywhere are
// there marks. It also holds a copy of every descriptor that we hold, the supervisor's lock among them, and drops it only
// when execve returns: whoever gets that lock sees the run's id. With an exec stage between, the lock is free earlier, and
// the stage's environment shows the id.
//
// A lease on the program makes execve wait, for as long as the test likes; see F_SETLEASE in fcntl(2).
func TestTheHalfBornAreFound(t *testing.T) {
	if !Probe().Has("clone_parent") {
		t.Skip("children are the supervisor's own")
	}
	for name, held := range map[string]bool{"directly": true, "staged": false} {
		t.Run(name, func(t *testing.T) {
			if held && !Probe().Has("unshare_fs") {
				t.Skip("everything is staged")
			}
			const run = "a-run-that-is-half-born"
			lock, program := filepath.Join(t.TempDir(), "lock"), copyOf(t, sleepPath)
			h := playAs(t, map[bool][]string{false: {"TEND_WITHOUT=unshare_fs," + os.Getenv("TEND_WITHOUT")}}[held], "begetter", lock, program, run)
			h.hears() // it holds the lock
			executing := leased(t, program)
			h.stdin.Close() // it starts the program
			<-executing.begun
			h.cmd.Process.Kill()
			h.cmd.Wait()

			child := onlyChild(t)
			t.Cleanup(func() { endNow(t, child) })
			file, err := os.OpenFile(lock, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			free := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
			if free == held {
				t.Fatalf("the lock is free: %v", free)
			}
			if held {
				locked := make(chan error)
				go func() { locked <- unix.Flock(int(file.Fd()), unix.LOCK_EX) }()
				executing.release()
				if err := <-locked; err != nil {
					t.Fatal(err)
				}
			}
			all, err := Scan()
			if err != nil {
				t.Fatal(err)
			}
			living, _ := all.Tree(tend.Identity{}, run)
			if len(living) != 1 || living[0] != child {
				t.Errorf("found %+v, want only %+v", living, child)
			}
			executing.release()
		})
	}
}

// begetter locks a file and, once its input ends, starts `PROGRAM 1000` as a run: LOCK PROGRAM RUN.
func begetter(args []string) int {
	file, err := os.OpenFile(args[0], os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		err = unix.Flock(int(file.Fd()), unix.LOCK_EX)
	}
	s, spawnerErr := NewSpawner("/proc/self/exe", "exec")
	if err != nil || spawnerErr != nil {
		return 1
	}
	say("locked")
	io.Copy(io.Discard, os.Stdin)
	s.Start(Spec{Path: args[1], Args: []string{"sleep", "1000"}, Env: []string{"A=b", "TEND_RUN=" + args[2]}})
	return 1
}

// copyOf copies a program into a directory of the test's own.
func copyOf(t *testing.T, program string) string {
	t.Helper()
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), filepath.Base(program))
	if err := os.WriteFile(path, text, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// lease is held on a file: who opens it waits.
type lease struct {
	begun   chan os.Signal // tells that somebody waits
	release func()
}

func leased(t *testing.T, path string) lease {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	begun := make(chan os.Signal, 1)
	signal.Notify(begun, syscall.SIGIO)
	release := func() { unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK) }
	t.Cleanup(func() { release(); signal.Stop(begun); unix.Close(fd) })
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Skipf("this file system has no leases: %v", err)
	}
	return lease{begun, release}
}

// onlyChild returns the only child of the test.
func onlyChild(t *testing.T) tend.Identity {
	t.Helper()
	children, err := Children(os.Getpid())
	if err != nil || len(children) != 1 {
		t.Fatalf("children %v, %v", children, err)
	}
	return identify(t, children[0])
}
