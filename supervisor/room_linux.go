package supervisor

import (
	"path/filepath"

	"golang.org/x/sys/unix"
)

// hasRoom reports whether a file of that many bytes has room beside the path, as far as the file system tells.
func hasRoom(path string, bytes int64) bool {
	var fs unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &fs); err != nil {
		return true
	}
	return int64(fs.Bavail)*int64(fs.Bsize) >= bytes
}
