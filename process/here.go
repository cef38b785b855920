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

// hostName names the host, as [tend.Place] has it.
func hostName() (string, error) {
	name, err := os.Hostname()
	if err != nil {
		return "", err
	}
	if id := machineID("/etc/machine-id", "/var/lib/dbus/machine-id"); id != "" {
		return name + "/" + id, nil
	}
	return name, nil
}

// machineID tells hosts that share a home directory apart, whatever they are called; "" where there is none. Eight
// digits are enough for that. Machines that were cloned with their id are taken for one.
func machineID(files ...string) string {
	const digits = 8
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		id := strings.TrimSpace(string(text))
		if len(id) >= digits && strings.Trim(id, "0123456789abcdef") == "" { // "uninitialized" in images; see machine-id(5)
			return id[:digits]
		}
	}
	return ""
}
