package process

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"tend"
)

// readPlace reads where we are. The boot id is the host's also inside a container, hence the pid namespace.
func readPlace() (tend.Place, error) {
	host, err := hostName()
	if err != nil {
		return tend.Place{}, fmt.Errorf("reading the host name: %w", err)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return tend.Place{}, fmt.Errorf("reading the boot id: %w", err)
	}
	var ns unix.Stat_t
	if err := unix.Stat("/proc/self/ns/pid", &ns); err != nil { // before Linux 3.8
		ns.Ino = 0
	}
	return tend.Place{Host: host, Boot: strings.TrimSpace(string(boot)), Namespace: ns.Ino}, nil
}
