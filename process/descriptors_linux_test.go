package process

import (
	"os"
	"strconv"
	"testing"
)

// FDSize is how many descriptors the kernel has made room for; see proc_pid_status(5).
func TestMakeRoom(t *testing.T) {
	const wanted = 4096
	MakeRoom(wanted)
	size, err := statusField(os.Getpid(), "FDSize")
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := strconv.Atoi(size[0]); n < min(wanted, Descriptors()) {
		t.Errorf("there is room for %d", n)
	}
	if _, err := os.Stat("/proc/self/fd/" + strconv.Itoa(min(wanted, Descriptors())-1)); err == nil {
		t.Error("the last descriptor was left open")
	}
}
