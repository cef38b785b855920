package process

import (
	"os"
	"strings"
	"sync"

	"tend"
)

// here is asked for often and never changes.
var here = sync.OnceValues(readPlace)

// Here returns the place that this process lives in.
func Here() (tend.Place, error) { return here() }

// hostName tells hosts that share a home directory apart. Host names alone are not unique ("localhost"), and not every
// host has a machine id.
func hostName() (string, error) {
	name, err := os.Hostname()
	if err != nil {
		return "", err
	}
	for _, path := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		if text, err := os.ReadFile(path); err == nil {
			if id := strings.TrimSpace(string(text)); len(id) >= 8 {
				return name + "/" + id[:8], nil
			}
		}
	}
	return name, nil
}
