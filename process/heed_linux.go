package process

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"tend"
)

// WouldEnd reports whether the signal ends the process, because it neither handles, ignores nor blocks it: see signal(7) and
// SigCgt in proc_pid_status(5). What cannot be found out is not claimed. A program may handle a signal by ending, too.
func WouldEnd(id tend.Identity, signal string) bool {
	number := unix.SignalNum("SIG" + signal)
	switch number {
	case 0, unix.SIGCHLD, unix.SIGCONT, unix.SIGURG, unix.SIGWINCH, unix.SIGSTOP, unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU:
		return false
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", id.PID))
	if err != nil || !Alive(id) {
		return false
	}
	found := 0
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		if name != "SigBlk" && name != "SigIgn" && name != "SigCgt" {
			continue
		}
		mask, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		if err != nil || mask&(1<<(uint(number)-1)) != 0 {
			return false
		}
		found++
	}
	return found == 3
}
