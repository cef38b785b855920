//go:build !linux

package process

import (
	"encoding/hex"
	"fmt"

	"golang.org/x/sys/unix"

	"tend"
)

// readPlace reads where we are: both name their boots, older FreeBSDs know when they booted.
func readPlace() (tend.Place, error) {
	host, err := hostName()
	if err != nil {
		return tend.Place{}, fmt.Errorf("reading the host name: %w", err)
	}
	if boot, err := unix.Sysctl("kern.bootsessionuuid"); err == nil {
		return tend.Place{Host: host, Boot: boot}, nil
	}
	if boot, err := unix.SysctlRaw("kern.boot_id"); err == nil { // since FreeBSD 13
		return tend.Place{Host: host, Boot: hex.EncodeToString(boot)}, nil
	}
	boot, err := unix.SysctlRaw("kern.boottime") // another one whenever the clock is set
	if err != nil {
		return tend.Place{}, fmt.Errorf("reading the time of boot: %w", err)
	}
	return tend.Place{Host: host, Boot: hex.EncodeToString(boot)}, nil
}
