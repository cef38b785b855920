package keeper

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tend/process"
)

// How long Launch waits for keepers that are to take their lock again, and when it looks first whether they have. There is
// nothing to wait on: the lock that they have is at no path, and they may be of a version that does not know this.
const (
	recallTime = 2 * time.Second
	recallLook = 2 * time.Millisecond
)

// recall has keepers of the directory take the chain's lock again that have one whose file somebody has removed, and whom
// nobody has told so yet. Otherwise Launch would take them for gone, and start another chain beside theirs.
func recall(ctx context.Context, dir string) {
	waiting, cancel := context.WithTimeout(ctx, recallTime)
	defer cancel()
	for pause := recallLook; ; pause *= 2 {
		lost := withoutLock(dir)
		if len(lost) == 0 {
			return
		}
		for _, k := range lost {
			_ = process.Signal(k.Identity, "HUP") // or it has ended
			if k.Stopped {
				_ = process.Signal(k.Identity, "CONT")
			}
		}
		select {
		case <-waiting.Done():
			return
		case <-time.After(pause):
		}
	}
}

// withoutLock returns the keepers of the directory that have a chain's lock, but none that is where everybody looks for it.
// Those that linger have none.
func withoutLock(dir string) (lost []Serving) {
	all, _ := Find(dir) // a look that fails finds nobody: then the second lock keeps supervisors apart
	for _, s := range all {
		if s.Role != supervisorRole && hasOther(s.PID, keepersLock(dir)) {
			lost = append(lost, s)
		}
	}
	return lost
}

// hasOther reports whether the process has a file of the same name open that is not the one at the path; see
// proc_pid_fd(5). Elsewhere than on Linux that is not known.
func hasOther(pid int, path string) bool {
	there, _ := os.Stat(path)
	descriptors := "/proc/" + strconv.Itoa(pid) + "/fd"
	entries, _ := os.ReadDir(descriptors)
	for _, e := range entries {
		descriptor := filepath.Join(descriptors, e.Name())
		name, _ := os.Readlink(descriptor)
		if filepath.Base(strings.TrimSuffix(name, " (deleted)")) != filepath.Base(path) {
			continue
		}
		if opened, err := os.Stat(descriptor); err == nil && (there == nil || !os.SameFile(opened, there)) {
			return true
		}
	}
	return false
}
