package process

import (
	"fmt"
	"os"
	"path/filepath"
)

// OpenFiles returns what the process has open: by the path in /proc under which it can be opened once more, what the
// kernel calls it. Those of other users are refused.
func OpenFiles(pid int) (map[string]string, error) {
	directory := procPath(pid, "fd")
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, fmt.Errorf("listing what process %d has open: %w", pid, gone(err))
	}
	files := map[string]string{}
	for _, entry := range entries {
		path := filepath.Join(directory, entry.Name())
		if target, err := os.Readlink(path); err == nil { // it may be closed by now
			files[path] = target
		}
	}
	return files, nil
}
