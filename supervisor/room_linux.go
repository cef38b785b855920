package supervisor

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// hasRoom reports whether a file of that many bytes has room beside the path, as far as the file system tells.
func hasRoom(path string, bytes int64) bool {
	var fs unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(path), &fs); err != nil {
		return true
	}
	blocks := fs.Bavail
	if os.Geteuid() == 0 { // some are kept for root
		blocks = fs.Bfree
	}
	return int64(blocks)*int64(fs.Bsize) >= bytes
}
