//go:build !linux

package store

import "golang.org/x/sys/unix"

// onNetwork reports whether the directory is on a file system on which a write-ahead log is not safe. See statfs(2).
func onNetwork(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && uint64(st.Flags)&unix.MNT_LOCAL == 0
}
