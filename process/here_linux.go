package process

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"tend"
)

// firstNamespace is the inode of the first pid namespace: PROC_PID_INIT_INO in the kernel.
const firstNamespace = 0xEFFFFFFC

// inContainer names the place of all containers that the database was ever used in: one that is made again has another
// name, and what its image says of a machine is anybody's, but it must find its services again. Two that live at a time
// are kept apart by the lock on the directory of the logs.
func inContainer(host string) string {
	name, _, _ := strings.Cut(host, "/")
	return name + "/container"
}

// readPlace reads where we are. The boot id is the host's also inside a container, hence the pid namespace.
func readPlace() (tend.Place, error) {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return tend.Place{}, fmt.Errorf("reading the boot id: %w", err)
	}
	var ns unix.Stat_t
	if err := unix.Stat("/proc/self/ns/pid", &ns); err != nil { // before Linux 3.8
		ns.Ino = 0
	}
	host, err := hostName()
	if err != nil {
		return tend.Place{}, fmt.Errorf("reading the host name: %w", err)
	}
	if ns.Ino != 0 && ns.Ino != firstNamespace {
		host = inContainer(host)
	}
	return tend.Place{Host: host, Boot: strings.TrimSpace(string(boot)), Namespace: ns.Ino}, nil
}
