package process

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// ways are those that lead to a process.
func ways() map[string]func(*Spec) {
	return map[string]func(*Spec){
		"directly":          func(*Spec) {},
		"through the stage": func(s *Spec) { s.ListenPID = true },
	}
}

// eachWay does it by each of them, each time also into a cgroup, where there are any.
func eachWay(t *testing.T, do func(t *testing.T, s *Spawner, prepare func(*Spec))) {
	for name, prepare := range ways() {
		t.Run(name, func(t *testing.T) { do(t, newSpawner(t, stage...), prepare) })
		t.Run(name+" into a cgroup", func(t *testing.T) {
			if !Probe().Has("cgroup") {
				t.Skip("there are no cgroups")
			}
			groups := NewCgroups("stage-test-" + strconv.Itoa(os.Getpid()))
			t.Cleanup(groups.Close)
			do(t, newSpawner(t, stage...), func(spec *Spec) {
				prepare(spec)
				spec.Cgroup = groups.Make("run")
				t.Cleanup(func() { spec.Cgroup.Close(); groups.Remove("run") })
			})
		})
	}
}

func TestFilesBecomeTheNumbersFromThreeOn(t *testing.T) {
	eachWay(t, func(t *testing.T, s *Spawner, prepare func(*Spec)) {
		dir := t.TempDir()
		open := func(name string) *os.File {
			f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
			return f
		}
		listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "s")})
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		socket, err := listener.File()
		if err != nil {
			t.Fatal(err)
		}
		defer socket.Close()
		spec := Spec{Path: sleepPath, Args: []string{"sleep", "1000"}, Files: []*os.File{open("three"), nil, socket, open("six"), nil, nil, nil, nil, nil, nil, nil, nil, open("fifteen")}}
		prepare(&spec)
		child, err := s.Start(spec)
		if err != nil {
			t.Fatal(err)
		}
		defer endNow(t, child.Identity)
		defer unix.Close(child.PIDFD)
		if child.InCgroup != (spec.Cgroup != nil) {
			t.Errorf("in a cgroup: %v", child.InCgroup)
		}
		eventually(t, "exactly these descriptors", func() bool { // the loader opens libraries first
			return slices.Equal(descriptorsOf(child.PID), []string{"0", "1", "15", "2", "3", "5", "6"})
		})
		for fd, name := range map[string]string{"3": "three", "6": "six", "15": "fifteen"} {
			if target, _ := os.Readlink(procPath(child.PID, "fd/"+fd)); filepath.Base(target) != name {
				t.Errorf("%s is %s", fd, target)
			}
		}
		if target, _ := os.Readlink(procPath(child.PID, "fd/5")); !strings.HasPrefix(target, "socket:") {
			t.Errorf("5 is %s", target)
		}
		if raw, err := rawDescriptor(socket); err != nil || !nonblocking(t, raw) {
			t.Errorf("the socket was made to block, %v", err)
		}
	})
}

func nonblocking(t *testing.T, fd uintptr) bool {
	t.Helper()
	flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
	if err != nil {
		t.Fatal(err)
	}
	return flags&unix.O_NONBLOCK != 0
}

// A file may have any number with us, one of those that the child is to have as well.
func TestFilesWithLowNumbersAreNotWrittenOver(t *testing.T) {
	eachWay(t, func(t *testing.T, s *Spawner, prepare func(*Spec)) {
		dir := t.TempDir()
		var files []*os.File
		for i := range 6 {
			f, err := os.Create(filepath.Join(dir, strconv.Itoa(i)))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			files = append(files, f)
		}
		slices.Reverse(files)
		for range 40 { // so that our own numbers are among those that are asked for
			files = append(files, nil)
		}
		spec := Spec{Path: sleepPath, Args: []string{"sleep", "1000"}, Files: files}
		prepare(&spec)
		child, err := s.Start(spec)
		if err != nil {
			t.Fatal(err)
		}
		defer endNow(t, child.Identity)
		defer unix.Close(child.PIDFD)
		for i := range 6 {
			if target, _ := os.Readlink(procPath(child.PID, "fd/"+strconv.Itoa(3+i))); filepath.Base(target) != strconv.Itoa(5-i) {
				t.Errorf("%d is %s", 3+i, target)
			}
		}
	})
}

func TestTheStageTellsTheServiceItsPID(t *testing.T) {
	s := newSpawner(t, stage...)
	for name, spec := range map[string]Spec{
		"LISTEN_PID":              {ListenPID: true},
		"WATCHDOG_PID":            {WatchdogPID: true},
		"LISTEN_PID WATCHDOG_PID": {ListenPID: true, WatchdogPID: true},
	} {
		t.Run(name, func(t *testing.T) {
			spec.Path, spec.Args, spec.Env = sleepPath, []string{"sleep", "1000"}, []string{"A=1", "LISTEN_PID=7", "GODEBUG=inittrace=1", "LISTEN_FDS=1"}
			child, err := s.Start(spec)
			if err != nil {
				t.Fatal(err)
			}
			defer endNow(t, child.Identity)
			pid := strconv.Itoa(child.PID)
			want := []string{"A=1", "LISTEN_PID=7", "GODEBUG=inittrace=1", "LISTEN_FDS=1"}
			if spec.ListenPID {
				want = []string{"A=1", "GODEBUG=inittrace=1", "LISTEN_FDS=1", "LISTEN_PID=" + pid}
				if inode, ok := pidfdInode(child.PIDFD); ok {
					want = append(want, "LISTEN_PIDFDID="+strconv.FormatUint(inode, 10))
				}
			}
			if spec.WatchdogPID {
				want = append(want, "WATCHDOG_PID="+pid)
			}
			eventually(t, "the environment that was asked for", func() bool { // there is none in the middle of execve(2)
				got, _ := Environ(child.PID)
				return slices.Equal(got, want)
			})
			if child.PIDFD >= 0 {
				unix.Close(child.PIDFD)
			}
		})
	}
}

func TestWhatNeedsTheStageIsRefusedWithoutOne(t *testing.T) {
	if _, err := newSpawner(t).Start(Spec{Path: sleepPath, Args: []string{"sleep", "1000"}, ListenPID: true}); err == nil {
		t.Error("it was started")
	}
}
