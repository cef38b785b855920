package supervisor_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"tend/api"
	"tend/keeper"
	"tend/process"
	"tend/supervisor"
)

// This binary is all of tend's processes, as the command line is: keepers execute their own program. The tests run below
// a process that stands in for init: what loses every keeper falls to it and is reaped at once, and what the tests
// leave behind makes it end red.

const insideVariable = "SUPERVISOR_TEST_INSIDE"

func door(socket string, s *supervisor.Supervisor) supervisor.Door { return api.NewServer(socket, s) }

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch args := os.Args[2:]; os.Args[1] {
		case "keep":
			config, err := keeper.ParseArgs(args)
			if err != nil {
				panic(err)
			}
			os.Exit(keeper.Keep(context.Background(), config))
		case "supervise":
			_, leave, err := keeper.SuperviseArgs(args)
			if err != nil {
				panic(err)
			}
			os.Exit(supervisor.Main(os.Getenv("SERVER_FILE"), leave, door))
		case "exec":
			os.Exit(process.ExecStage(args))
		case "program":
			os.Exit(program(args))
		case "hog":
			os.Exit(hog(args))
		case "listener":
			os.Exit(listener(args))
		case "lock-database":
			os.Exit(lockDatabase(args[0]))
		}
	}
	if os.Getenv(insideVariable) == "" {
		os.Exit(standInForInit())
	}
	os.Unsetenv(insideVariable)
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		f.Value.Set("8") // they wait most of the time
	}
	status := m.Run()
	if err := goleak.Find(); err != nil && status == 0 {
		fmt.Println("FAIL: goroutines left behind:", err)
		status = 1
	}
	os.Exit(status)
}

// standInForInit runs the tests, with directories of their own, and reaps whatever falls to it.
func standInForInit() int {
	runtime.LockOSThread() // or the parent death signal would come when this thread ends
	home, err := os.MkdirTemp("", "tend")
	if err == nil {
		err = process.Subreaper()
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(home)
	tests := exec.Command("/proc/self/exe", os.Args[1:]...)
	tests.Stdin, tests.Stdout, tests.Stderr = os.Stdin, os.Stdout, os.Stderr
	tests.Env = append(os.Environ(), insideVariable+"=1", "HOME="+home, "TEND_RUNTIME="+home, "SERVER_FILE="+home+"/none.sqlite")
	tests.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if syscall.Geteuid() == 0 && syscall.Access("/proc/self/ns/mnt", 0) == nil {
		tests.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS // what they mount is theirs alone
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGQUIT) // theirs to obey
	if err := tests.Start(); err != nil {
		fmt.Println(err)
		return 1
	}
	status := reapUntil(tests.Process.Pid)
	return max(status, killLeftovers())
}

// reapUntil reaps everything until the process ends, and returns its exit status.
func reapUntil(pid int) int {
	for {
		var status syscall.WaitStatus
		switch reaped, err := syscall.Wait4(-1, &status, 0, nil); {
		case err == syscall.ECHILD, reaped == pid && status.Signaled():
			return 1
		case reaped == pid:
			return status.ExitStatus()
		}
	}
}

// killLeftovers ends what the tests left behind.
func killLeftovers() (status int) {
	for {
		left, err := process.Children(os.Getpid())
		if err != nil || len(left) == 0 {
			return status
		}
		for _, pid := range left {
			line, _ := process.CommandLine(pid) // none of what is just ending, which takes long where inotify instances end with it
			if stat, err := process.ReadStat(pid); err == nil && !stat.Dead() && len(line) > 0 {
				fmt.Printf("FAIL: left behind: process %d: %s\n", pid, strings.Join(line, " "))
				status = 1
				syscall.Kill(pid, syscall.SIGKILL)
			}
			syscall.Wait4(pid, nil, 0, nil)
		}
	}
}
