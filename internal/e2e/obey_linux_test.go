package e2e

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// obey is this test program as a service: `obey DIRECTORY CODE [PAUSE]`. It holds a lock for as long as it lives, which
// shows a second copy, appends its pid to the file lives, writes a numbered line each PAUSE, if there is one, and
// exits with the code on SIGUSR1.
func obey(args []string) int {
	code, err := strconv.Atoi(args[1])
	if err != nil {
		return 2
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	lock, err := os.OpenFile(filepath.Join(args[0], "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return 2
	}
	jot(args[0], "lives")
	if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		jot(args[0], "second")
		return 99
	}
	jot(args[0], "ready")
	var tick <-chan time.Time
	if len(args) > 2 {
		pause, _ := time.ParseDuration(args[2])
		tick = time.NewTicker(pause).C
	}
	for n := 1; ; n++ {
		select {
		case <-asked:
			return code
		case <-tick:
			fmt.Printf("%d %d\n", os.Getpid(), n)
		}
	}
}

// jot appends our pid to a file.
func jot(dir, file string) {
	if f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err == nil {
		fmt.Fprintln(f, os.Getpid())
		f.Close()
	}
}
