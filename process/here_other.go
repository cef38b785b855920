//go:build !linux

package process

import (
	"encoding/hex"
	"fmt"

	"golang.org/x/sys/unix"

	"tend"
)

// readPlace reads where we are: macOS names its boots, FreeBSD knows when it booted.
func readPlace() (tend.Place, error) {
	host, err := hostName()
	if err != nil {
		return tend.Place{}, fmt.Errorf("reading the host name: %w", err)
	}
	if boot, err := unix.Sysctl("kern.bootsessionuuid"); err == nil {
		return tend.Place{Host: host, Boot: boot}, nil
	}
	boot, err := unix.SysctlRaw("kern.boottime")
	if err != nil {
		return tend.Place{}, fmt.Errorf("reading the time of boot: %w", err)
	}
	return tend.Place{Host: host, Boot: hex.EncodeToString(boot)}, nil
}
